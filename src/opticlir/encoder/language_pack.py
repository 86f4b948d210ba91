"""A language as a few megabytes beside one English encoder.

A student that was trained by its embeddings alone shares every other weight with its teacher. What it
adds is a tokenizer and the embedding rows that are not the teacher's: that is a language pack.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sentence_transformers import MultiVectorEncoder
from tokenizers import Tokenizer

from opticlir.encoder.crosslingual import cross_lingual_model, new_student
from opticlir.encoder.folder import read_json
from opticlir.encoder.load import load_model, route_fingerprint, transformer_of
from opticlir.encoder.vocabulary import Matrix, Vocabulary
from opticlir.errors import ArtefactError
from opticlir.storage import publish_folder, sha256_file

_MANIFEST, _ROWS, _TOKENIZER = "language_pack.json", "embeddings.safetensors", "tokenizer.json"
_VERSION = 1


def save_language_pack(
    student: MultiVectorEncoder, teacher: MultiVectorEncoder, folder: Path, *, language: str
) -> None:
    """Write what the student adds to its teacher; the rows in float16.

    Raises:
        ArtefactError: the student differs from the teacher in more than its embeddings; `folder` exists.
    """
    _check_shares_encoder(student, teacher)
    mine, base = _embeddings(student), _embeddings(teacher)
    changed = np.ones(len(mine), dtype=bool)
    changed[: len(base)] = (mine[: len(base)] != base).any(axis=1)
    with publish_folder(folder) as draft:
        numbers = np.flatnonzero(changed)
        save_file({"ids": numbers, "rows": mine[numbers].astype(np.float16)}, str(draft / _ROWS))
        transformer_of(student, "query").tokenizer.backend_tokenizer.save(str(draft / _TOKENIZER))
        manifest = {
            "format_version": _VERSION, "language": language, "vocabulary": len(mine),
            "teacher": route_fingerprint(teacher, "query"),
            "files": {name: sha256_file(draft / name) for name in (_ROWS, _TOKENIZER)},
        }  # fmt: skip
        (draft / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def load_language_pack(folder: Path, teacher: str | Path | MultiVectorEncoder) -> MultiVectorEncoder:
    """Join a language pack with the English encoder it was made for.

    Raises:
        ArtefactError: a file is damaged or missing, or the encoder is another one.
    """
    manifest = read_json(folder / _MANIFEST)
    if manifest.get("format_version") != _VERSION:
        raise ArtefactError(
            f"{folder}: format version {manifest.get('format_version')}, this opticlir reads {_VERSION}"
        )
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file() or sha256_file(folder / name) != digest:
            raise ArtefactError(f"{folder / name} is not what was saved: copy the pack again")
    encoder = teacher if isinstance(teacher, MultiVectorEncoder) else load_model(teacher)
    if route_fingerprint(encoder, "query") != manifest["teacher"]:
        raise ArtefactError(f"{folder} was made for another English encoder than {teacher}")
    try:
        rows = load_file(str(folder / _ROWS))
    except SafetensorError as error:
        raise ArtefactError(f"{folder / _ROWS}: {error}") from None
    base = _embeddings(encoder)
    embeddings = np.zeros((manifest["vocabulary"], base.shape[1]), dtype=np.float32)
    embeddings[: len(base)] = base
    embeddings[rows["ids"]] = rows["rows"]
    vocabulary = Vocabulary(Tokenizer.from_file(str(folder / _TOKENIZER)), embeddings, ())
    return cross_lingual_model(new_student(encoder, vocabulary), encoder)


def _embeddings(model: MultiVectorEncoder) -> Matrix:
    weights: torch.Tensor = transformer_of(model, "query").model.get_input_embeddings().weight
    return weights.detach().float().cpu().numpy()


def _check_shares_encoder(student: MultiVectorEncoder, teacher: MultiVectorEncoder) -> None:
    mine = transformer_of(student, "query").model
    theirs = transformer_of(teacher, "query").model.state_dict()
    table = mine.get_input_embeddings().weight
    names = {name for name, value in mine.named_parameters() if value is not table}
    for name in names:
        if name not in theirs or not torch.equal(mine.state_dict()[name], theirs[name]):
            raise ArtefactError(
                f"{name} is not the teacher's: only a student trained with --train embeddings makes a language pack"
            )
