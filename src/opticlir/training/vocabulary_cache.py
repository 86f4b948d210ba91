"""Extended vocabularies, learned once: all seeds and methods of a comparison begin with the same words.

A vocabulary is a folder that is published when it is complete, and never changes. Its name is a hash of all that
decides it: encoder, sentence pairs, settings and source code. A damaged one is learned again.

- `manifest.json`: encoder, counts and checksums; written last
- `tokenizer.json`: with the new tokens
- `embeddings.npy`: (vocabulary, hidden) float32
- `words.json`: the foreign words of the bitext, most frequent first
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sentence_transformers import MultiVectorEncoder
from tokenizers import Tokenizer

from opticlir.artefacts import ArtefactCache, mark_ours, mark_used
from opticlir.data import PairTable
from opticlir.encoder import Vocabulary, VocabularyConfig, route_fingerprint, vocabulary_for
from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, publish_artefact, read_artefact
from opticlir.storage import LIBRARIES, SharedLock, made_by

logger = logging.getLogger(__name__)

_KIND, _VERSION = "vocabulary", 1


def cached_vocabulary(
    cache: Path,
    base: MultiVectorEncoder,
    name: str,
    pairs: PairTable,
    config: VocabularyConfig,
    *,
    languages: Sequence[str] = (),
) -> Vocabulary:
    """Read the vocabulary of `base` extended by the foreign side of `pairs`, or learn and keep it.

    Args:
        cache: root of the cache.
        base: the encoder.
        name: of the encoder, for `opticlir cache ls`.
        pairs: bitext.
        config: how the vocabulary is extended.
        languages: ISO 639-3 codes of the foreign side.

    Where the cache cannot be written, the vocabulary is learned and not kept.

    Raises:
        DataError: there is no pair.
    """
    made = made_by(__name__, *LIBRARIES)
    folder = ArtefactCache(cache).path("vocabulary", {
        "route": route_fingerprint(base, "query"), "settings": asdict(config), "pairs": _digest(pairs),
        "languages": list(languages), "made_by": made,
    })  # fmt: skip
    mark_ours(folder)
    try:
        lock = SharedLock(folder.parent)
    except ArtefactError as error:
        logger.warning("the vocabulary is not kept: %s", error)
        return vocabulary_for(base, pairs, config, languages=languages)
    try:
        if folder.is_dir():
            try:
                return read_vocabulary(folder)
            except (ArtefactError, OSError, ValueError) as error:
                logger.warning("%s is damaged and learned again: %s", folder, error)
                shutil.rmtree(folder, ignore_errors=True)
        vocabulary = vocabulary_for(base, pairs, config, languages=languages)
        try:
            _write(folder, vocabulary, {"encoder": name, "pairs": len(pairs)}, made)
        except ArtefactError as error:
            if not folder.is_dir():  # otherwise another process was quicker
                logger.warning("the vocabulary is not kept: %s", error)
        return vocabulary
    finally:
        lock.release()


def read_vocabulary(folder: Path) -> Vocabulary:
    """Read a vocabulary. Raises ArtefactError if it is damaged."""
    read_artefact(folder, kind=_KIND, newest_version=_VERSION)
    mark_used(folder)
    return Vocabulary(
        Tokenizer.from_file(str(folder / "tokenizer.json")),
        np.load(folder / "embeddings.npy"),
        tuple(json.loads((folder / "words.json").read_text(encoding="utf-8"))),
    )


def _digest(pairs: PairTable) -> str:
    digest = hashlib.sha256()
    for side in (pairs.english, pairs.foreign):
        for text in side:
            digest.update(f"{len(text)} {text}".encode())
    digest.update(pairs.weights.tobytes())
    return digest.hexdigest()


def _write(folder: Path, vocabulary: Vocabulary, config: dict[str, str | int], made: dict[str, str]) -> None:
    counts = {"tokens": len(vocabulary.embeddings), "words": len(vocabulary.words)}
    manifest = Manifest(kind=_KIND, format_version=_VERSION, config=config, counts=counts, made_by=made)
    with publish_artefact(folder, manifest) as draft:
        (draft / "tokenizer.json").write_text(vocabulary.tokenizer.to_str(), encoding="utf-8")
        np.save(draft / "embeddings.npy", vocabulary.embeddings, allow_pickle=False)
        (draft / "words.json").write_text(json.dumps(vocabulary.words, ensure_ascii=False), encoding="utf-8")
