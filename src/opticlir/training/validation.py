"""Evaluation on held-out pairs: how well a student finds the right English side."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_queries
from opticlir.maxsim import maxsim_ragged


def translation_retrieval(
    student: MultiVectorEncoder, foreign: Sequence[str], english_tokens: Sequence[npt.NDArray[np.float16]]
) -> dict[str, float]:
    """Measure how high the right translation ranks among all of them, by MaxSim.

    Args:
        student: the encoder under training; its training mode is restored.
        foreign: one text per pair.
        english_tokens: the teacher's token matrix per pair, in the same order.

    Returns:
        `RR`, the mean reciprocal rank, and `accuracy`, the share ranked first.
    """
    training = student.training
    queries = encode_queries(student, foreign, padded=True)
    student.train(training)
    offsets = np.cumsum([0, *(len(matrix) for matrix in english_tokens)])
    documents = np.concatenate([matrix.astype(np.float32) for matrix in english_tokens])
    scores = torch.from_numpy(np.asarray(maxsim_ragged(queries, documents, offsets)))
    own = scores.diagonal().unsqueeze(1)
    # ties count against the student: it did not distinguish them
    ranks = (scores >= own).sum(dim=1).float()
    return {"RR": float((1 / ranks).mean()), "accuracy": float((ranks == 1).float().mean())}
