"""Encoders that give one vector per text: the pooled vector is a token matrix of one row.

So an index, MaxSim and the objectives of training work as they are. The score of a document is the cosine.
"""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder, SentenceTransformer
from sentence_transformers.base.modules import Module, Normalize, Router
from torch import Tensor

from opticlir.encoder.folder import read_json, read_settings
from opticlir.encoder.prompts import saved_prompts
from opticlir.errors import ArtefactError

_SUFFIX = ":pooled"


def split_pooled(name_or_folder: str | Path) -> tuple[str | Path, bool]:
    """Split `NAME:pooled`: the name, and whether it asks for the pooled vector.

    Example:
        >>> split_pooled("e5:pooled"), split_pooled("e5")
        (('e5', True), ('e5', False))
    """
    text = str(name_or_folder)
    if not text.endswith(_SUFFIX) or Path(name_or_folder).exists():
        return name_or_folder, False
    return type(name_or_folder)(text.removesuffix(_SUFFIX)), True


def is_pooled(model: MultiVectorEncoder) -> bool:
    """Whether a model gives one vector per text."""
    return any(isinstance(module, OneRow) for module in model)


def refuse_pooled(model: MultiVectorEncoder, what: str) -> None:
    """Raise ArtefactError if a model has no vector per token."""
    if is_pooled(model):
        raise ArtefactError(
            f"this model gives one pooled vector per text: {what} needs a vector per token; name the model "
            "without `:pooled`"
        )


def refuse_mixed(student: MultiVectorEncoder, teacher: MultiVectorEncoder) -> None:
    """Raise ArtefactError if only one of two models gives pooled vectors: they cannot be compared."""
    if is_pooled(student) != is_pooled(teacher):
        raise ArtefactError(
            "one of student and teacher gives pooled vectors, the other a vector per token: name both `NAME:pooled`, "
            "or none"
        )


def is_saved_pooled(folder: Path) -> bool:
    """Whether a folder holds a model with two routes of pooled vectors, as `saved_form` leaves it."""
    modules, settings = folder / "modules.json", folder / "config_sentence_transformers.json"
    if not (modules.exists() and settings.exists()):
        return False
    if read_settings(settings).get("model_type") != "SentenceTransformer":
        return False
    return any(str(each.get("type")).endswith(".Router") for each in read_json(modules))


def load_pooled(folder: Path, device: str, **model_kwargs: Any) -> MultiVectorEncoder:
    """Load an encoder with its own pooling: mean, first token, last token, or another of sentence-transformers.

    Raises:
        ArtefactError: the folder does not say how the model pools.
    """
    if not (folder / "modules.json").exists():
        raise ArtefactError(
            f"{folder}: no modules.json says how this model pools its tokens; name the model without `:pooled`"
        )
    stock = SentenceTransformer(
        str(folder),
        device=device,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, **model_kwargs},
    )
    last = list(stock)[-1]
    ends = [route[-1] for route in last.sub_modules.values()] if isinstance(last, Router) else [last]
    has_unit_length = all(isinstance(module, Normalize) for module in ends)
    modules = [*stock, *([] if has_unit_length else [Normalize()]), OneRow()]
    return MultiVectorEncoder(modules=modules, device=device, prompts=saved_prompts(folder))


def saved_form(model: MultiVectorEncoder) -> MultiVectorEncoder | SentenceTransformer:
    """The model as plain sentence-transformers opens it; one of pooled vectors is a `SentenceTransformer`."""
    if not is_pooled(model):
        return model
    return SentenceTransformer(
        modules=[module for module in model if not isinstance(module, OneRow)],
        device=str(model.device),
        prompts=dict(model.prompts),
    )


class OneRow(Module):
    """Makes the pooled vector the only row of the token matrix: the last module of a model of pooled vectors."""

    def forward(self, features: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Write `token_embeddings` (batch, tokens, dim), and `attention_mask` that is True in the first column."""
        pooled: Tensor = features["sentence_embedding"]
        mask = torch.zeros_like(features["attention_mask"], dtype=torch.bool)
        mask[:, :1] = True
        features["token_embeddings"] = pooled[:, None].expand(-1, mask.shape[1], -1)
        features["attention_mask"] = mask
        return features

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """It is not saved; see `saved_form`."""
