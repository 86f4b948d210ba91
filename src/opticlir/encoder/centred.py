"""Takes the mean document token out of all vectors: what they share says nothing about one text.

Mu and Viswanath 2018 remove the common mean from word vectors. Encoders that were not trained for MaxSim gain most.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize


def mean_token(matrices: Iterable[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Mean over the rows of all token matrices, a (dim,) float32 vector.

    Raises:
        ValueError: there is no token.
    """
    total, n_tokens = np.zeros(1), 0
    for matrix in matrices:
        total, n_tokens = total + matrix.sum(axis=0, dtype=np.float64), n_tokens + len(matrix)
    if not n_tokens:
        raise ValueError("no document has a token")
    return np.asarray(total / n_tokens, dtype=np.float32)


def centred(model: MultiVectorEncoder, mean: npt.NDArray[np.float32]) -> MultiVectorEncoder:
    """Return a model whose vectors are those of `model` minus a mean, at unit length, in both routes.

    Args:
        model: any encoder, with routes or without; the new one shares its weights.
        mean: (dim,), see `mean_token`.
    """
    tokens = {"module_input_name": "token_embeddings"}
    dtype = next(model.parameters()).dtype
    shift = Dense(
        len(mean), len(mean), activation_function=None, **tokens,
        init_weight=torch.eye(len(mean)), init_bias=-torch.from_numpy(mean),
    ).to(dtype)  # fmt: skip
    return MultiVectorEncoder(
        modules=[*model, shift, Normalize(**tokens)], device=str(model.device), prompts=dict(model.prompts)
    ).eval()
