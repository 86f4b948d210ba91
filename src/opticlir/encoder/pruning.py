"""Trains only the embedding rows that a language uses. The others cannot change."""

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
    """Keep only the embeddings of some tokens while the block runs, and restore all of them after it.

    A token that is in no text has no gradient, and without weight decay its embedding does not change. So leaving
    it out changes no weight, but saves its optimiser state and its row in each checkpoint. Token ids stay the
    same; the table maps them to the remaining rows.

    Args:
        student: changed in place.
        used: ids of all tokens that will be looked up, in any order, with or without repetitions.

    Raises:
        IndexError: in the block, if another token is looked up.
    """
    model = transformer_of(student, "query").model
    table = model.get_input_embeddings()
    rows = torch.from_numpy(np.unique(used)).to(table.weight.device)
    places = torch.full(
        (len(table.weight),), len(rows), device=rows.device
    )  # out of range, so that it raises an error
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
