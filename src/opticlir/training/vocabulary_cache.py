"""Extended vocabularies, learned once: seeds and methods that are compared begin with the same words.

A vocabulary is a folder that is published whole and never changed. Its name is a hash of all that decides it:
encoder, sentence pairs, settings, and the recipe. One that is torn or altered is ignored, and learned again.

manifest.json    encoder, counts and checksums, written last
tokenizer.json   with the new tokens
embeddings.npy   (vocabulary, hidden) float32
words.json       the foreign words of the bitext, most frequent first
"""

import hashlib
import json
import logging
import os
import shutil
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import numpy as np
from sentence_transformers import MultiVectorEncoder
from tokenizers import Tokenizer

from opticlir.data import PairTable
from opticlir.encoder import Vocabulary, VocabularyConfig, route_fingerprint, vocabulary_for
from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, read_manifest, write_manifest
from opticlir.storage import Checksum, FolderHold, check_files, publish_folder, sha256_file

logger = logging.getLogger(__name__)

VOCABULARIES = "vocabulary"
"""Folder of all vocabularies in a cache."""

_KIND, _VERSION = "vocabulary", 1
_RECIPE = 1  # raised whenever the same pairs and settings give another vocabulary
_MANIFEST = "manifest.json"
_FILES = ("tokenizer.json", "embeddings.npy", "words.json")


def cached_vocabulary(
    cache: Path, base: MultiVectorEncoder, name: str, pairs: PairTable, config: VocabularyConfig
) -> Vocabulary:
    """The vocabulary of `base` extended by the foreign side of `pairs`, from the cache where it has it.

    Args:
        cache: as `default_cache_folder` gives it.
        base: the encoder.
        name: of the encoder, for those who look into the cache.
        pairs: bitext.
        config: how the vocabulary is extended.

    Raises:
        DataError: there is no pair.
        ArtefactError: the cache folder cannot be made.
    """
    folder = cache / VOCABULARIES / _key(base, pairs, config)
    hold = FolderHold(folder.parent)  # nobody clears up while we read or write
    try:
        if folder.is_dir():
            try:
                return read_vocabulary(folder)
            except (ArtefactError, OSError, ValueError) as error:
                logger.warning("%s is damaged and made anew: %s", folder, error)
                shutil.rmtree(folder, ignore_errors=True)
        vocabulary = vocabulary_for(base, pairs, config)
        try:
            _write(folder, vocabulary, {"encoder": name, "pairs": len(pairs)})
        except ArtefactError as error:
            if not folder.is_dir():  # nobody else was there first: a full disk
                logger.warning("the vocabulary is not kept: %s", error)
        return vocabulary
    finally:
        hold.release()


def read_vocabulary(folder: Path) -> Vocabulary:
    """A vocabulary as it was written. Raises ArtefactError where it is torn or altered."""
    check_files(folder, read_vocabulary_manifest(folder).files)
    with suppress(OSError):  # of somebody else, or read-only: it can be read all the same
        os.utime(folder / _MANIFEST)
    return Vocabulary(
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        np.load(folder / "embeddings.npy"),
        tuple(json.loads((folder / "words.json").read_text(encoding="utf-8"))),
    )


def read_vocabulary_manifest(folder: Path) -> Manifest:
    """What a vocabulary says of itself; its `files` are looked at by nobody yet. Raises ArtefactError."""
    return read_manifest(folder / _MANIFEST, kind=_KIND, newest_version=_VERSION)


def _key(base: MultiVectorEncoder, pairs: PairTable, config: VocabularyConfig) -> str:
    made_by = [_RECIPE, metadata.version("tokenizers"), asdict(config)]
    digest = hashlib.sha256(json.dumps([route_fingerprint(base, "query"), made_by]).encode())
    for side in (pairs.english, pairs.foreign):
        for text in side:
            digest.update(f"{len(text)} {text}".encode())
    digest.update(pairs.weights.tobytes())
    return digest.hexdigest()[:24]


def _write(folder: Path, vocabulary: Vocabulary, config: dict[str, str | int]) -> None:
    with publish_folder(folder) as draft:
        (draft / "tokenizer.json").write_text(vocabulary.tokenizer.to_str(), encoding="utf-8")
        np.save(draft / "embeddings.npy", vocabulary.embeddings, allow_pickle=False)
        (draft / "words.json").write_text(json.dumps(vocabulary.words, ensure_ascii=False), encoding="utf-8")
        files = {name: Checksum((draft / name).stat().st_size, sha256_file(draft / name)) for name in _FILES}
        counts = {"tokens": len(vocabulary.embeddings), "words": len(vocabulary.words)}
        write_manifest(
            draft / _MANIFEST,
            Manifest(kind=_KIND, format_version=_VERSION, config=config, files=files, counts=counts),
        )
