"""One vector per text from every layer of an encoder. They show in which layer languages align."""

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

_BATCH_SIZE = 64


def layer_vectors(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> npt.NDArray[np.float64]:
    """Return one unit vector per text and layer: the mean of the tokens that take part in the score.

    Each token has unit length. So for an encoder without projection, the last layer is the mean of the vectors of
    `encode_queries` or `encode_documents`.

    Args:
        model: any encoder, with routes or without.
        texts: the texts to encode.
        task: the route and prompt to use.

    Returns:
        (layers, texts, hidden) float64. Layer 0 is the input of the first layer, the last one the output of the
        transformer before any projection.

    Raises:
        ArtefactError: the transformer does not return its states, or a text has no mean direction: it has no
            token, its tokens cancel out, or one is not finite.
    """
    transformer = transformer_of(model, task)
    masks = [module for module in route_modules(model, task) if isinstance(module, MultiVectorMask)]
    found = []
    with torch.inference_mode(), _returning_states(transformer):
        for start in range(0, len(texts), _BATCH_SIZE):
            chunk = list(texts[start : start + _BATCH_SIZE])
            features = dict(model.preprocess(chunk, prompt=model.prompts.get(task), task=task))
            features = transformer({name: _on(value, model.device) for name, value in features.items()})
            states = features.get("all_layer_embeddings")
            if states is None:
                raise ArtefactError(
                    f"the {task} encoder does not return the states of its layers: {type(transformer.model)}"
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
def _returning_states(transformer: Any) -> Iterator[None]:
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
    """(layers, texts, hidden) means of (layers, texts, tokens, hidden) states; NaN without a direction."""
    tokens = torch.nn.functional.normalize(states.float(), dim=3).masked_fill(~mask[None, :, :, None], 0.0)
    means = tokens.sum(dim=2).double()
    return (means / means.norm(dim=2, keepdim=True)).cpu().numpy()
