"""Checks a model folder before any of its files is opened: it must contain data, not code.

Pickles run code when they are loaded, and so do modules from elsewhere. A folder with any of them is refused by
name. What its JSON files may say to a loader is in `loader_settings`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opticlir.encoder.loader_settings import check_loader_settings
from opticlir.encoder.weights import check_layer_counts, tensor_names
from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, read_manifest, write_manifest
from opticlir.storage import check_files, checksums_of

MODEL_MANIFEST = "opticlir.json"
"""File of a model folder with the checksums of its other files, written last."""

_KIND, _VERSION = "model folder", 1
_PICKLES = {".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"}
_TRUSTED_MODULES = ("sentence_transformers.", "pylate.models.Dense.")
_MODULES = frozenset({
    "Asym", "Dense", "Dropout", "LayerNorm", "MultiVectorMask", "Normalize", "Pooling", "Router", "Transformer",
})  # fmt: skip
_VOCABULARIES = {"added_tokens.json", "tokenizer.json", "vocab.json"}  # their keys are tokens, not settings
_MODEL_FILES = ("modules.json", "config.json", "language_pack.json", MODEL_MANIFEST)
_RECORD = "run"
"""The record of a training run in its model folder. Checkpoints of an optimiser are pickles and never opened."""


def check_model_folder(folder: Path, *, links_within: Path | None = None, weights: str | None = None) -> None:
    """Refuse a folder that is not a model, or that could run code.

    Args:
        folder: the model.
        links_within: folder into which links may lead, for example a hub's cache; None is `folder` itself.
        weights: name of the only weights file, if another library reads it; this file is no pickle, whatever
            its suffix. None means that the weights are safetensors.

    Raises:
        ArtefactError: the folder is refused (the message names the file or key), or a file has changed since
            opticlir saved it.
    """
    if not folder.is_dir():
        raise ArtefactError(f"{folder}: no such model folder")
    if not is_like_model(folder):
        raise ArtefactError(
            f"{folder}: no {' and no '.join(_MODEL_FILES[:2])}, so this is not a model folder"
        )
    for path in model_files(folder):
        _check_link(path, (links_within or folder).resolve())
        if weights is None or path != folder / weights:
            _check_kind(path)
        if path.suffix.lower() == ".json" and path.name not in _VOCABULARIES:
            _check_settings(path)
    if weights is None and not any(path.suffix == ".safetensors" for path in model_files(folder)):
        raise ArtefactError(f"{folder}: no .safetensors file, so this is not a model folder")
    _check_checksums(folder)
    if weights is None:
        _check_layer_counts(folder)


def write_model_manifest(folder: Path) -> None:
    """Write the checksums of all files of a model folder, as its last file."""
    manifest = Manifest(kind=_KIND, format_version=_VERSION, files=checksums_of(folder))
    write_manifest(folder / MODEL_MANIFEST, manifest)


def _check_checksums(folder: Path) -> None:
    """Refuse a damaged model. A model of another program, or of an early opticlir, has no checksums."""
    path = folder / MODEL_MANIFEST
    if not path.is_file():
        return
    files = read_manifest(path, kind=_KIND, newest_version=_VERSION).files
    try:
        check_files(folder, files)
    except ArtefactError as error:
        raise ArtefactError(f"{error}; if you changed the model on purpose, remove {path}") from None


def read_json(path: Path) -> Any:
    """Parse one JSON file of a model folder. Raises ArtefactError with the path."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ArtefactError(f"{path}: not readable as JSON ({error})") from None


def read_settings(path: Path) -> dict[str, Any]:
    """Parse a JSON file that holds one object. Raises ArtefactError with the path."""
    settings = read_json(path)
    if not isinstance(settings, dict):
        raise ArtefactError(f"{path}: expected a JSON object, found {type(settings).__name__}")
    return settings


def is_like_model(folder: Path) -> bool:
    """Whether a folder has a file that models have, before all its files are listed: it could be a whole disk."""
    return any((folder / name).is_file() for name in _MODEL_FILES)


def model_files(folder: Path) -> Iterator[Path]:
    """All files and links of a model folder, without the record of its training."""
    for path in sorted(folder.rglob("*")):
        if path.relative_to(folder).parts[0] != _RECORD and (path.is_symlink() or not path.is_dir()):
            yield path


def saved_files(folder: Path) -> list[Path]:
    """The files that opticlir saved in a model folder; all its files if another program saved the model."""
    record = folder / MODEL_MANIFEST
    if not record.is_file():
        return sorted(model_files(folder))
    names = read_manifest(record, kind=_KIND, newest_version=_VERSION).files
    return sorted([record, *(folder / name for name in names)])


def _check_link(path: Path, root: Path) -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        raise ArtefactError(f"{path}: a link that leads out of the model folder; copy the file instead")


def _check_kind(path: Path) -> None:
    if not (path.is_file() or path.is_dir()):
        raise ArtefactError(f"{path}: neither a file nor a folder; remove it")
    if path.suffix.lower() in _PICKLES or path.name.endswith(".bin.index.json"):
        raise ArtefactError(
            f"{path}: a pickled file can run code when it is opened; convert the weights to safetensors "
            "and remove it"
        )
    if path.suffix.lower() == ".py":
        raise ArtefactError(
            f"{path}: this model contains Python code, which opticlir never runs; use a stock model"
        )
    if path.name == "adapter_config.json":
        raise ArtefactError(
            f"{path}: an adapter loads another model, which is not checked; merge it into its base model"
        )


def _check_settings(path: Path) -> None:
    if path.name == "modules.json":
        _check_modules(path)
    elif path.name == "router_config.json":
        _check_routes(path)
    elif path.name.endswith(".index.json"):
        _check_shards(path)
    _check_config(path)


def _check_modules(path: Path) -> None:
    modules = read_json(path)
    if not isinstance(modules, list) or not all(isinstance(module, dict) for module in modules):
        raise ArtefactError(f"{path}: expected a list of modules")
    for module in modules:
        _check_module(path, module.get("path"), module.get("type"))


def _check_routes(path: Path) -> None:
    types = read_settings(path).get("types")
    if not isinstance(types, dict):
        raise ArtefactError(f"{path}: expected `types`, a module type by folder")
    for name, kind in types.items():
        _check_module(path, name, kind)


def _check_module(path: Path, name: Any, kind: Any) -> None:
    if not str(kind).startswith(_TRUSTED_MODULES) or str(kind).rpartition(".")[2] not in _MODULES:
        raise ArtefactError(f"{path}: module type {kind!r} is not a stock sentence-transformers module")
    parts = Path(str(name)).parts
    if not isinstance(name, str) or Path(name).is_absolute() or ".." in parts or _RECORD in parts[:1]:
        raise ArtefactError(f"{path}: module path {name!r} does not lead to a folder of the model")


def _check_shards(path: Path) -> None:
    shards = read_settings(path).get("weight_map")
    for name in shards.values() if isinstance(shards, dict) else [shards]:
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise ArtefactError(f"{path}: {name!r} is not a .safetensors file in the same folder")


def _check_layer_counts(folder: Path) -> None:
    for path in model_files(folder):
        if path.name.endswith("config.json") and isinstance(config := read_json(path), dict):
            n_tensors = sum(len(tensor_names(file)) for file in sorted(path.parent.glob("*.safetensors")))
            check_layer_counts(path, config, n_tensors)


def _check_config(path: Path) -> None:
    config = read_json(path)
    main = path.with_name("config.json")
    check_loader_settings(path, config, read_settings(main) if main.is_file() else ())
    if isinstance(config, dict) and "in_features" in config:
        activation = config.get("activation_function", "torch.")
        if not str(activation).startswith("torch."):  # the loader would silently use another one
            raise ArtefactError(f"{path}: activation {activation!r} is not from torch; use one of torch.nn")
