"""The states of every layer of an encoder, a vector for each text: where in it languages come together."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

from opticlir.encoder.routes import route_modules, transformer_of
from opticlir.errors import ArtefactError

_TOGETHER = 64


def layer_vectors(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> npt.NDArray[np.float64]:
    """One unit vector for each text and layer: the mean of its tokens that take part in the score.

    Each token counts with unit length, so that the last layer of an encoder without a projection gives the mean
    of what `encode_queries` or `encode_documents` gives.

    Args:
        model: any encoder, with routes or without.
        texts: what is encoded.
        task: which route and prompt encode it.

    Returns:
        (layers, texts, hidden) float64; layer 0 is the word embeddings as they enter the first layer, the last one
        what the transformer gives, before any projection.

    Raises:
        ArtefactError: the transformer does not tell its states, or a text has no direction: it has no token, or its
            tokens cancel out, or one is not finite.
    """
    transformer = transformer_of(model, task)
    masks = [module for module in route_modules(model, task) if isinstance(module, MultiVectorMask)]
    found = []
    with torch.inference_mode(), _telling_states(transformer):
        for start in range(0, len(texts), _TOGETHER):
            chunk = list(texts[start : start + _TOGETHER])
            features = dict(model.preprocess(chunk, prompt=model.prompts.get(task), task=task))
            features = transformer({name: _on(value, model.device) for name, value in features.items()})
            states = features.get("all_layer_embeddings")
            if states is None:
                raise ArtefactError(
                    f"the {task} encoder does not tell the states of its layers: {type(transformer.model)}"
                )
            for mask in masks:
                features = mask(features, task=task)
            found.append(_means(torch.stack(list(states)), features["attention_mask"].bool()))
    vectors = np.concatenate(found, axis=1)
    if not np.isfinite(vectors).all():
        layer, text = np.argwhere(~np.isfinite(vectors).all(axis=2))[0].tolist()
        raise ArtefactError(
            f"text {text} has no direction in layer {layer}: it has no token, its tokens cancel out, or one is "
            "not finite"
        )
    return vectors


@contextmanager
def _telling_states(transformer: Any) -> Iterator[None]:
    config = transformer.model.config
    before = config.output_hidden_states
    config.output_hidden_states = True
    try:
        yield
    finally:
        config.output_hidden_states = before


def _on(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _means(states: torch.Tensor, mask: torch.Tensor) -> npt.NDArray[np.float64]:
    """(layers, texts, hidden) of (layers, texts, tokens, hidden); NaN for a text without a direction."""
    tokens = torch.nn.functional.normalize(states.float(), dim=3).masked_fill(~mask[None, :, :, None], 0.0)
    means = tokens.sum(dim=2).double()
    return (means / means.norm(dim=2, keepdim=True)).cpu().numpy()
