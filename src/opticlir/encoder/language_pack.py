"""A language as a few megabytes beside one English encoder.

A student that was trained by its embeddings alone shares every other weight with its teacher. What it
adds is a tokenizer and the embedding rows that are not the teacher's: that is a language pack. One that was
trained by adapters adds those as well.
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sentence_transformers import MultiVectorEncoder
from tokenizers import Tokenizer

from opticlir.encoder.adapters import Adapter, apply_adapter, from_rounded, rounded
from opticlir.encoder.crosslingual import cross_lingual_model, new_student
from opticlir.encoder.folder import read_json
from opticlir.encoder.load import load_model, route_fingerprint, transformer_of
from opticlir.encoder.vocabulary import Matrix, Vocabulary
from opticlir.errors import ArtefactError
from opticlir.storage import publish_folder, sha256_file

_MANIFEST, _ROWS, _TOKENIZER = "language_pack.json", "embeddings.safetensors", "tokenizer.json"
_ADAPTER = "adapter.safetensors"
_VERSION, _VERSION_WITH_ADAPTER = (
    1,
    2,
)  # who knows no adapters is not to open a pack with one as if it had none


def save_language_pack(
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    folder: Path,
    *,
    language: str,
    adapter: Adapter | None = None,
) -> None:
    """Write what the student adds to its teacher, in float16.

    Args:
        student: its adapter, where it had one, is merged.
        teacher: the English encoder that it started from.
        folder: must not exist.
        language: ISO 639-3 code, for the record.
        adapter: what was merged into the student; None where its embeddings alone were trained.

    Raises:
        ArtefactError: the student differs from the teacher in more than its embeddings and its adapter;
            `folder` exists.
    """
    _check_shares_encoder(student, teacher, adapter)
    mine, base = _embeddings(student), _embeddings(teacher)
    changed = np.ones(len(mine), dtype=bool)
    changed[: len(base)] = (mine[: len(base)] != base).any(axis=1)
    with publish_folder(folder) as draft:
        numbers = np.flatnonzero(changed)
        save_file({"ids": numbers, "rows": mine[numbers].astype(np.float16)}, str(draft / _ROWS))
        transformer_of(student, "query").tokenizer.backend_tokenizer.save(str(draft / _TOKENIZER))
        names = [_ROWS, _TOKENIZER]
        if adapter is not None:
            save_file(rounded(adapter), str(draft / _ADAPTER))
            names.append(_ADAPTER)
        manifest = {
            "format_version": _VERSION if adapter is None else _VERSION_WITH_ADAPTER,
            "language": language, "vocabulary": len(mine),
            "teacher": route_fingerprint(teacher, "query"),
            "files": {name: sha256_file(draft / name) for name in names},
        }  # fmt: skip
        (draft / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def load_language_pack(folder: Path, teacher: str | Path | MultiVectorEncoder) -> MultiVectorEncoder:
    """Join a language pack with the English encoder it was made for.

    Raises:
        ArtefactError: a file is damaged or missing, or the encoder is another one.
    """
    manifest = read_json(folder / _MANIFEST)
    if manifest.get("format_version") not in (_VERSION, _VERSION_WITH_ADAPTER):
        raise ArtefactError(
            f"{folder}: format version {manifest.get('format_version')}, this opticlir reads {_VERSION} and "
            f"{_VERSION_WITH_ADAPTER}"
        )
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file() or sha256_file(folder / name) != digest:
            raise ArtefactError(f"{folder / name} is not what was saved: copy the pack again")
    encoder = teacher if isinstance(teacher, MultiVectorEncoder) else load_model(teacher)
    if route_fingerprint(encoder, "query") != manifest["teacher"]:
        raise ArtefactError(f"{folder} was made for another English encoder than {teacher}")
    rows = _arrays(folder / _ROWS)
    base = _embeddings(encoder)
    embeddings = np.zeros((manifest["vocabulary"], base.shape[1]), dtype=np.float32)
    embeddings[: len(base)] = base
    embeddings[rows["ids"]] = rows["rows"]
    vocabulary = Vocabulary(Tokenizer.from_file(str(folder / _TOKENIZER)), embeddings, ())
    student = new_student(encoder, vocabulary)
    if _ADAPTER in manifest["files"]:
        apply_adapter(student, from_rounded(_arrays(folder / _ADAPTER)))
    return cross_lingual_model(student, encoder)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(str(path))
    except SafetensorError as error:
        raise ArtefactError(f"{path}: {error}") from None


def _embeddings(model: MultiVectorEncoder) -> Matrix:
    weights: torch.Tensor = transformer_of(model, "query").model.get_input_embeddings().weight
    return weights.detach().float().cpu().numpy()


def _check_shares_encoder(
    student: MultiVectorEncoder, teacher: MultiVectorEncoder, adapter: Adapter | None
) -> None:
    mine = transformer_of(student, "query").model
    english = transformer_of(teacher, "query").model
    adapted = {} if adapter is None else dict(adapter.added_to(english))
    theirs = english.state_dict()
    table = mine.get_input_embeddings().weight
    for name, value in mine.named_parameters():
        if value is table:
            continue
        is_shared = name in theirs and (
            torch.allclose(value, adapted[name], atol=1e-5)
            if name in adapted
            else torch.equal(value, theirs[name])
        )
        if not is_shared:
            raise ArtefactError(
                f"{name} is not the teacher's: only a student trained with --train embeddings or --train adapters "
                "makes a language pack"
            )
