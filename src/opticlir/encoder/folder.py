"""A model folder is data, not code: what it may hold is checked before anything in it is opened.

Pickles run code when they are loaded, and so do `auto_map` entries and remote kernels named in a
`config.json` (CVE-2025-32434, CVE-2026-4372). A folder with any of them is refused by name.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opticlir.errors import ArtefactError

_PICKLES = {".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"}
_TRUSTED_MODULES = ("sentence_transformers.", "pylate.models.Dense.")
_CODE_KEYS = ("auto_map", "trust_remote_code", "custom_pipelines")


def check_model_folder(folder: Path) -> None:
    """Refuse a model folder that is no model, or that could run code.

    Raises:
        ArtefactError: it names the file or key, and what to do.
    """
    if not folder.is_dir():
        raise ArtefactError(f"{folder}: no such model folder")
    for path in _files(folder):
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise ArtefactError(f"{path}: a link that leads out of the model folder; copy the file instead")
        if path.suffix in _PICKLES:
            raise ArtefactError(
                f"{path}: a pickled file can run code when it is opened; convert the weights to safetensors "
                "and remove it"
            )
        if path.suffix == ".py":
            raise ArtefactError(
                f"{path}: this model brings code of its own, which is never run; use a stock model"
            )
        if path.name == "modules.json":
            _check_modules(path)
        elif path.suffix == ".json" and path.name != "tokenizer.json":
            _check_config(path)
    if not any(folder.rglob("*.safetensors")):
        raise ArtefactError(f"{folder}: no .safetensors file, so this is no model folder")


def read_json(path: Path) -> Any:
    """Parse one JSON file of a model folder. Raises ArtefactError with the path."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ArtefactError(f"{path}: not readable as JSON ({error})") from None


def _files(folder: Path) -> Iterator[Path]:
    """Files of the model itself: the record of a training run beside it is not loaded with it."""
    for path in sorted(folder.rglob("*")):
        if path.relative_to(folder).parts[0] != "run" and (path.is_file() or path.is_symlink()):
            yield path


def _check_modules(path: Path) -> None:
    modules = read_json(path)
    for module in modules if isinstance(modules, list) else []:
        kind = str(module.get("type", ""))
        if not kind.startswith(_TRUSTED_MODULES):
            raise ArtefactError(f"{path}: module type {kind!r} is not a stock sentence-transformers module")


def _check_config(path: Path) -> None:
    config = read_json(path)
    for key in _keys(config):
        if key in _CODE_KEYS or key.endswith(("_implementation", "_implementation_internal")):
            raise ArtefactError(f"{path}: key {key!r} can make the loader run foreign code; remove it")


def _keys(value: Any) -> Iterator[str]:
    """All keys at any depth, without recursion: the depth of a hostile file is its own choice."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
