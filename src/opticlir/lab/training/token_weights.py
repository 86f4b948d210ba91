"""How much each token of a text is to weigh in the transport, by what its tokenizer and the bitext say."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from sentence_transformers import MultiVectorEncoder
from torch import Tensor

from opticlir import transport
from opticlir.encoder import scored_ids, word_beginnings


class TokenWeights:
    """Weights of tokens by their ids; what they are divided by, and which take part, is the marginals' affair.

    Args:
        marginals: `uniform`, `word` or `idf`; see `TransportConfig.marginals`.
        model: its query tokenizer made the ids.
        texts: one side of the bitext, in which `idf` counts.
    """

    def __init__(self, marginals: str, model: MultiVectorEncoder, texts: Sequence[str]) -> None:
        self._begins = word_beginnings(model, "query") if marginals == "word" else None
        self._idf = None
        if marginals == "idf":
            sentences = list(scored_ids(model, texts, "query"))
            largest = max(int(ids.max(initial=0)) for ids in sentences)
            size = 1 + max(largest, len(word_beginnings(model, "query")) - 1)
            self._idf = transport.inverse_document_frequency((ids.tolist() for ids in sentences), size)

    def __call__(self, ids: Int[Tensor, "batch tokens"]) -> Float[Tensor, "batch tokens"]:
        """Weights of a batch of texts; those of padding mean nothing."""
        if self._idf is not None:
            return self._idf[ids]
        if self._begins is None:
            return torch.ones(ids.shape)
        words = self._begins[ids].cumsum(dim=1)
        return transport.by_word(torch.ones_like(ids, dtype=torch.bool), words)


def weights_of_texts(
    weights: TokenWeights, model: MultiVectorEncoder, texts: Sequence[str]
) -> list[npt.NDArray[np.float32]]:
    """Weights of the tokens that `model` scores, one (tokens,) array per text: the rows of its query vectors."""
    return [weights(torch.from_numpy(ids)[None])[0].numpy() for ids in scored_ids(model, texts, "query")]
