"""The query route and the document route of a model: their modules, tokenizers and fingerprints."""

import hashlib
import json
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Module, Router, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from torch import nn

from opticlir.errors import ArtefactError

_PROVENANCE = ("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version")
"""Entries of a config that say where a model comes from, not what it computes."""


def route_modules(model: MultiVectorEncoder, task: str) -> list[nn.Module]:
    """Return the modules that encode `task` ("query" or "document"), for models with and without routes."""
    first = model[0]
    if not isinstance(first, Router):
        return list(model)
    return [*first.sub_modules[first._resolve_route(task=task)], *list(model)[1:]]


def transformer_of(model: MultiVectorEncoder, task: str) -> Transformer:
    """Return the transformer of one route. It also holds the tokenizer of the route."""
    for module in route_modules(model, task):
        if isinstance(module, Transformer):
            return module
    raise ArtefactError(f"the {task} route of this model has no transformer: {model}")


def document_fingerprint(model: MultiVectorEncoder) -> str:
    """Return the fingerprint of the document route; see `route_fingerprint`."""
    return route_fingerprint(model, "document")


def route_fingerprint(model: MultiVectorEncoder, task: str) -> str:
    """Hash everything that decides the vectors of one route: weights, tokenizer, module settings, prompt.

    Two models with the same document fingerprint can share an index, even if their query routes differ.
    The device has no part in it.

    Args:
        model: any encoder, with routes or without.
        task: "query" or "document".

    Returns:
        A sha256 in hexadecimal digits.
    """
    digest = hashlib.sha256(f"{model.prompts.get(task) or ''}".encode())
    tokenizer = transformer_of(model, task).tokenizer
    for module in route_modules(model, task):
        settings = _settings(module, task, tokenizer)
        digest.update(f"{type(module).__name__} {json.dumps(settings, sort_keys=True, default=str)}".encode())
        for name, tensor in sorted(module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def skipped_ids(mask: MultiVectorMask, task: str, tokenizer: Any) -> set[int]:
    """Return the token ids that a mask leaves out of the score.

    Args:
        mask: the mask; it can name words to skip, or ids to keep.
        task: "query" or "document".
        tokenizer: the tokenizer of that route.
    """
    ids: set[int] = set()
    if task in mask.skiplist_tasks:
        ids.update(tokenizer.convert_tokens_to_ids(mask.skiplist_words))
        if tokenizer.unk_token not in mask.skiplist_words:
            ids.discard(tokenizer.unk_token_id)  # of a skipped word that is unknown; the mask keeps it too
    if task != "query" and mask.keep_only_token_ids is not None:
        ids |= set(range(len(tokenizer))) - set(mask.keep_only_token_ids)
    return ids


def _settings(module: nn.Module, task: str, tokenizer: Any) -> Any:
    """Everything that decides what a module computes for a task, apart from its weights."""
    if isinstance(module, MultiVectorMask):
        return sorted(skipped_ids(module, task, tokenizer))
    if not isinstance(module, Transformer):
        return module.get_config_dict() if isinstance(module, Module) else None
    spelling = json.loads(tokenizer.backend_tokenizer.to_str())
    for state in ("padding", "truncation"):  # set by the last call, not by the model
        spelling.pop(state)
    config = module.model.config.to_dict()
    return {
        "spelling": spelling,
        "length": module.query_length if task == "query" else module.document_length,
        "longest": module.max_seq_length,
        "expansion": module.query_expansion if task == "query" else None,
        "config": {name: value for name, value in config.items() if name not in _PROVENANCE},
    }
