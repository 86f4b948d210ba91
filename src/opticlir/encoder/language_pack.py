"""A language pack: the difference between a trained student and its English encoder, a few megabytes.

A student that trains only its embeddings shares all other weights with its teacher. The pack holds its tokenizer
and the embedding rows that differ from the teacher's. A student that trains adapters adds those as well.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sentence_transformers import MultiVectorEncoder
from tokenizers import Tokenizer

from opticlir.device import WeightsDtype, choose_dtype, trained_dtype
from opticlir.encoder.adapters import Adapter, apply_adapter, from_rounded, rounded
from opticlir.encoder.checkpoint import load_checkpoint, split_layers
from opticlir.encoder.crosslingual import cross_lingual_model, new_student
from opticlir.encoder.embedded import EMBEDDED
from opticlir.encoder.folder import check_model_folder, read_settings
from opticlir.encoder.routes import route_fingerprint, transformer_of
from opticlir.encoder.vocabulary import Matrix, Vocabulary
from opticlir.errors import ArtefactError, OpticlirError
from opticlir.storage import publish_folder, sha256_file

_MANIFEST, _ROWS, _TOKENIZER = "language_pack.json", "embeddings.safetensors", "tokenizer.json"
_ADAPTER = "adapter.safetensors"
_VERSION, _VERSION_WITH_ADAPTER = 1, 2
"""A pack with an adapter has its own version, so that an opticlir without adapters refuses it."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    format_version: int
    language: str
    vocabulary: int
    """Number of tokens."""
    teacher: str
    """Fingerprint of the English encoder's query route."""
    files: dict[str, str]
    """sha256 by file name."""
    encoder: str = ""
    """Name or folder of the English encoder; empty in packs of opticlir 0.1."""
    weights_dtype: str = "auto"
    """With which the English encoder is loaded."""


def is_language_pack(name_or_folder: str | Path) -> bool:
    """Whether a name is the folder of a language pack."""
    return (Path(name_or_folder).expanduser() / _MANIFEST).is_file()


def save_language_pack(
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    folder: Path,
    *,
    language: str,
    encoder: str | Path,
    adapter: Adapter | None = None,
    weights_dtype: str = "auto",
) -> None:
    """Write the difference between student and teacher, in float16.

    Args:
        student: the trained student; if it had an adapter, it is merged.
        teacher: the English encoder that the student started from.
        folder: must not exist.
        language: ISO 639-3 code, for the record.
        encoder: name or folder of the teacher; `load_model` finds it again by this name.
        adapter: the adapter that was merged into the student; None if only its embeddings were trained.
        weights_dtype: with which the teacher was loaded.

    Raises:
        ArtefactError: the student differs from the teacher in more than its embeddings and its adapter;
            `folder` exists.
    """
    _check_shares_encoder(student, teacher, adapter)
    mine, base = _embeddings(student), _embeddings(teacher)
    n_shared = min(len(mine), len(base))
    changed = np.ones(len(mine), dtype=bool)
    changed[:n_shared] = (mine[:n_shared] != base[:n_shared]).any(axis=1)
    with publish_folder(folder) as draft:
        numbers = np.flatnonzero(changed)
        save_file({"ids": numbers, "rows": mine[numbers].astype(np.float16)}, str(draft / _ROWS))
        transformer_of(student, "query").tokenizer.backend_tokenizer.save(str(draft / _TOKENIZER))
        names = [_ROWS, _TOKENIZER]
        if adapter is not None:
            save_file(rounded(adapter), str(draft / _ADAPTER))
            names.append(_ADAPTER)
        manifest = _Manifest(
            format_version=_VERSION if adapter is None else _VERSION_WITH_ADAPTER,
            language=language,
            vocabulary=len(mine),
            teacher=route_fingerprint(teacher, "query"),
            files={name: sha256_file(draft / name) for name in names},
            encoder=_findable(encoder),
            weights_dtype=weights_dtype,
        )
        entries = asdict(manifest)
        if weights_dtype == "auto":  # an earlier opticlir knows no other
            del entries["weights_dtype"]
        (draft / _MANIFEST).write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")


def load_language_pack(
    folder: Path,
    encoder: str | Path | MultiVectorEncoder | None = None,
    *,
    device: str = "cpu",
    weights_dtype: str = "auto",
) -> MultiVectorEncoder:
    """Join a language pack with the English encoder it was made for.

    Args:
        folder: the pack.
        encoder: the English encoder, its name or its folder; None uses the name in the pack.
        device: device for an encoder that is given by name, as torch names it.
        weights_dtype: of the joined model; see `load_model`.

    Returns:
        The cross-lingual model: the student answers queries, the English encoder documents.

    Raises:
        ArtefactError: a file is damaged or missing, or the encoder is another one or not found.
    """
    check_model_folder(folder)
    manifest = _read_manifest(folder)
    for name, digest in manifest.files.items():
        if not (folder / name).is_file() or sha256_file(folder / name) != digest:
            raise ArtefactError(f"{folder / name} is not what was saved: copy the pack again")
    english = (
        encoder if isinstance(encoder, MultiVectorEncoder) else _english(folder, manifest, encoder, device)
    )
    if route_fingerprint(english, "query") != manifest.teacher:
        named = manifest.encoder if encoder is None else encoder
        raise ArtefactError(f"{folder} was made for another English encoder than {named}")
    try:
        student = new_student(
            english,
            _vocabulary(folder, manifest, _embeddings(english)),
            dtype=trained_dtype(manifest.weights_dtype),
        )
        if _ADAPTER in manifest.files:
            apply_adapter(student, from_rounded(_arrays(folder / _ADAPTER)))
    except (KeyError, IndexError, ValueError) as error:
        raise ArtefactError(f"{folder}: this language pack does not fit its encoder: {error}") from None
    model = cross_lingual_model(student, english)
    dtype = choose_dtype(weights_dtype)
    return model.to(dtype) if isinstance(dtype, torch.dtype) else model


def _findable(encoder: str | Path) -> str:
    """The name of an encoder; a folder as an absolute path, since the pack may be opened from elsewhere."""
    name, layers = split_layers(encoder)
    path = Path(name).expanduser()
    if str(name) in EMBEDDED or not path.is_dir():
        return str(encoder)
    return f"{path.resolve()}" if layers is None else f"{path.resolve()}:{layers}"


def _read_manifest(folder: Path) -> _Manifest:
    settings = read_settings(folder / _MANIFEST)
    if settings.get("format_version") not in (_VERSION, _VERSION_WITH_ADAPTER):
        raise ArtefactError(
            f"{folder}: format version {settings.get('format_version')}, this opticlir reads {_VERSION} and "
            f"{_VERSION_WITH_ADAPTER}"
        )
    try:
        manifest = _Manifest(**settings)
        is_sound = (
            {_ROWS, _TOKENIZER} <= manifest.files.keys() <= {_ROWS, _TOKENIZER, _ADAPTER}
            and isinstance(manifest.vocabulary, int)
            and isinstance(manifest.encoder, str)
            and manifest.weights_dtype in get_args(WeightsDtype)
        )
    except (TypeError, AttributeError):
        is_sound = False
    if not is_sound:
        raise ArtefactError(f"{folder / _MANIFEST} is damaged: copy the pack again")
    return manifest


def _english(
    folder: Path, manifest: _Manifest, encoder: str | Path | None, device: str
) -> MultiVectorEncoder:
    """Load the English encoder of a pack."""
    if encoder is not None:
        return load_checkpoint(encoder, device, manifest.weights_dtype)
    if not manifest.encoder:
        raise ArtefactError(
            f'{folder} does not record its English encoder: add "encoder": "minilm", or another name or folder, '
            f"to {folder / _MANIFEST}"
        )
    try:
        return load_checkpoint(manifest.encoder, device, manifest.weights_dtype)
    except OpticlirError as error:
        raise ArtefactError(
            f"{folder} needs its English encoder {manifest.encoder!r}, which cannot be opened ({error}); if it is "
            f"elsewhere, change `encoder` in {folder / _MANIFEST}"
        ) from None


def _vocabulary(folder: Path, manifest: _Manifest, base: Matrix) -> Vocabulary:
    arrays = _arrays(folder / _ROWS)
    ids, rows = arrays["ids"], arrays["rows"]
    if not len(ids) <= manifest.vocabulary <= len(base) + len(ids):
        raise ValueError(f"{manifest.vocabulary} tokens, but {len(ids)} new embeddings")
    embeddings = np.zeros((manifest.vocabulary, base.shape[1]), dtype=np.float32)
    n_shared = min(len(base), manifest.vocabulary)
    embeddings[:n_shared] = base[:n_shared]
    embeddings[ids] = rows
    try:
        tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
        raise ArtefactError(f"{folder / _TOKENIZER}: this tokenizer cannot be loaded: {error}") from None
    return Vocabulary(tokenizer, embeddings, ())


def _arrays(path: Path) -> dict[str, Any]:
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
    if student.get_embedding_dimension() != teacher.get_embedding_dimension():
        raise ArtefactError(
            "a student with a projection of its own makes no language pack: save the whole model"
        )
    mine = transformer_of(student, "query").model
    english = transformer_of(teacher, "query").model
    adapted = {} if adapter is None else dict(adapter.added_to(english))
    theirs = english.state_dict()
    table = mine.get_input_embeddings().weight
    for name, value in mine.named_parameters():
        if value is table:
            continue
        is_shared = name in theirs and (
            torch.allclose(value.float(), adapted[name].float(), atol=1e-5)
            if name in adapted
            else torch.equal(value, theirs[name].to(value.dtype))
        )
        if not is_shared:
            raise ArtefactError(
                f"{name} is not the teacher's: only a student trained with --train embeddings or --train adapters "
                "makes a language pack"
            )
