"""Train only the rows of an embedding table that a language uses; the others cannot change."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder
from torch import nn

from opticlir.encoder.routes import transformer_of


@contextmanager
def pruned_vocabulary(student: MultiVectorEncoder, used: npt.NDArray[np.int64]) -> Iterator[None]:
    """Have the student hold the embeddings of some tokens alone while the block runs, and all of them after it.

    A token that no text holds has no gradient, and without weight decay it keeps its embedding: leaving it out
    changes no weight, but spares the optimiser its moments and each checkpoint its row. Token ids stay what they
    are; the table looks them up where their rows have come to lie.

    Args:
        student: its query encoder; changed in place.
        used: ids of all tokens that will be looked up, in any order and as often as they come.

    Raises:
        IndexError: within the block, where another token is looked up.
    """
    model = transformer_of(student, "query").model
    table = model.get_input_embeddings()
    rows = torch.from_numpy(np.unique(used)).to(table.weight.device)
    places = torch.full(
        (len(table.weight),), len(rows), device=rows.device
    )  # out of range: an error, not a guess
    places[rows] = torch.arange(len(rows), device=rows.device)
    padding = table.padding_idx
    small = nn.Embedding(
        len(rows),
        table.weight.shape[1],
        padding_idx=int(places[padding]) if padding is not None and padding in rows else None,
        _weight=table.weight.detach()[rows],
    ).requires_grad_(table.weight.requires_grad)
    small.register_forward_pre_hook(lambda _, inputs: (places[inputs[0]],))
    size = model.config.vocab_size
    model.set_input_embeddings(small)
    model.config.vocab_size = len(rows)
    try:
        yield
    finally:
        with torch.no_grad():
            table.weight[rows] = model.get_input_embeddings().weight.to(table.weight.dtype)
        model.set_input_embeddings(table)
        model.config.vocab_size = size
