"""The model of a search, given by name or as a loaded encoder."""

from os import PathLike
from pathlib import Path
from typing import TypeAlias

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import load_model

Model: TypeAlias = MultiVectorEncoder | str | PathLike[str]
"""A loaded encoder, a trained model, or a name for `load_model`: a folder, a model on the hub, `minilm`, `e5`."""


def loaded(model: Model, device: str, weights_dtype: str = "auto") -> MultiVectorEncoder:
    """Load a model that is given by name, and return a loaded encoder as it is.

    Args:
        model: a name, a folder or a loaded encoder.
        device: where a model given by name computes; see `choose_device`.
        weights_dtype: number format of its weights; see `load_model`.

    Raises:
        TypeError: `model` is none of these.
    """
    if isinstance(model, str):
        return load_model(model, device=device, weights_dtype=weights_dtype)
    if isinstance(model, PathLike):
        return load_model(Path(model), device=device, weights_dtype=weights_dtype)
    if not isinstance(model, MultiVectorEncoder):
        raise TypeError(f"model is {model!r}: expected a name, a folder or a loaded encoder")
    return model
