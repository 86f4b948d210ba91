"""What kind of model a folder holds, from the modules that it lists.

sentence-transformers opens late-interaction models of all formats: its own, PyLate of any version, Stanford ColBERT. It
also opens encoders with a Dense head, and applies the head to each token. An encoder without a head would get a random
one there, so `checkpoint` builds it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense

from opticlir.encoder.folder import read_json, read_settings
from opticlir.encoder.weights import tensor_names
from opticlir.errors import ArtefactError

STANFORD_PROJECTION = "linear.weight"
"""Tensor in the weight file of a Stanford ColBERT that its encoder does not read."""

_MULTI_VECTOR = ("ColBERT", "MultiVectorEncoder")
_PYLATE_KEYS = frozenset({
    "attend_to_expansion_tokens", "do_query_expansion", "document_length", "document_prefix", "query_length",
    "query_prefix", "skiplist_words",
})  # fmt: skip
"""PyLate writes them to `config_sentence_transformers.json`; before sentence-transformers 5 there is no model type."""
_OF_TEXTS = frozenset({"Pooling", "Normalize", "Dropout"})
"""Modules of a plain encoder that only its pooled vector needs."""


def is_multi_vector(folder: Path) -> bool:
    """Whether sentence-transformers opens a folder with all the weights that token vectors need.

    Raises:
        ArtefactError: it holds a late-interaction model in a form that nothing opens rightly.
    """
    if not (folder / "modules.json").exists():
        return _is_stanford(folder)
    settings = _library_settings(folder)
    kinds = {kind for kind, _ in _listed(folder)}
    return bool(
        settings.get("model_type") in _MULTI_VECTOR
        or _PYLATE_KEYS & settings.keys()
        or {"Dense", "Router"} & kinds
    )


def plain_transformer(folder: Path) -> Path:
    """Return the folder of the transformer of a plain encoder.

    Raises:
        ArtefactError: its token vectors need a module that opticlir cannot apply to tokens.
    """
    if not (folder / "modules.json").exists():
        return folder
    listed = list(_listed(folder))
    other = next((kind for kind, _ in listed if kind not in _OF_TEXTS and kind != "Transformer"), None)
    found = [place for kind, place in listed if kind == "Transformer"]
    if other or len(found) != 1:
        raise ArtefactError(
            f"{folder / 'modules.json'}: {other or f'{len(found)} transformers'} cannot be applied to token vectors; "
            "use a model of one Transformer, Pooling, Dense and Normalize"
        )
    return found[0]


def transformer_folders(folder: Path) -> Iterator[Path]:
    """Yield the folders of all transformers of a model, in the order of its modules."""
    if not (folder / "modules.json").exists():
        yield folder
        return
    for kind, place in _listed(folder):
        if kind == "Transformer":
            yield place
        elif kind in ("Router", "Asym"):
            router = _router(place)
            names = dict.fromkeys(name for route in router["structure"].values() for name in route)
            yield from (place / name for name in names if _class_of(router["types"][name]) == "Transformer")


def check_projections(model: MultiVectorEncoder, folder: Path) -> None:
    """Refuse a model to which the library has added a projection with random weights.

    Raises:
        ArtefactError: the folder has fewer projections than the model.
    """
    n_saved = (
        1 if not (folder / "modules.json").exists() else sum(kind == "Dense" for kind, _ in _listed(folder))
    )
    if sum(isinstance(module, Dense) for module in model) > n_saved:
        raise ArtefactError(
            f"{folder}: this late-interaction model has lost its projection (a Dense module): copy the model again"
        )


def _is_stanford(folder: Path) -> bool:
    config = read_settings(folder / "config.json") if (folder / "config.json").exists() else {}
    if "HF_ColBERT" in (config.get("architectures") or []):
        return True
    has_projection = any(STANFORD_PROJECTION in tensor_names(file) for file in folder.glob("*.safetensors"))
    if has_projection or (folder / "artifact.metadata").exists():
        raise ArtefactError(
            f"{folder}: a Stanford ColBERT checkpoint whose config.json does not say so: add "
            '"architectures": ["HF_ColBERT"] to it, or its projection is lost'
        )
    return False


def _library_settings(folder: Path) -> dict[str, Any]:
    path = folder / "config_sentence_transformers.json"
    return read_settings(path) if path.exists() else {}


def _listed(folder: Path) -> Iterator[tuple[str, Path]]:
    """Class name and folder of each module in `modules.json`."""
    for entry in read_json(folder / "modules.json"):
        yield _class_of(entry["type"]), folder / entry["path"]


def _router(place: Path) -> dict[str, Any]:
    path = place / "router_config.json"
    return read_settings(path if path.exists() else place / "config.json")


def _class_of(kind: str) -> str:
    return kind.rpartition(".")[2]
