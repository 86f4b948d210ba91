"""Disk space for the teacher's vectors, estimated before any is written."""

import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.filesize import decimal
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import encode_queries
from opticlir.errors import SetupError
from opticlir.training.teacher_shards import Precision, bytes_of

_SAMPLED_TEXTS = 64


def evenly_spread(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Choose a few of many texts, evenly spread. The texts must be in order of length."""
    return numbers[np.linspace(0, len(numbers) - 1, min(len(numbers), _SAMPLED_TEXTS), dtype=np.int64)]


def space_needed(
    teacher: MultiVectorEncoder, sample: Sequence[str], n_texts: int, precision: Precision
) -> int:
    """Estimate the bytes of the vectors of many texts, to within a few percent.

    The encoder decides how many vectors a text has, so a sample is encoded.

    Args:
        teacher: its query route encodes the sample.
        sample: at least one text, chosen by `evenly_spread`.
        n_texts: number of all texts.
        precision: stored precision.
    """
    n_tokens = np.mean([len(matrix) for matrix in encode_queries(teacher, sample, padded=True)]) * n_texts
    return bytes_of(n_texts, math.ceil(n_tokens), teacher.get_embedding_dimension(), precision)


def check_space(folder: Path, needed: int, n_texts: int, precision: Precision) -> None:
    """Raise SetupError if the disk has too little free space."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        halved = ', set teacher_vectors = "int8", which halves it,' if precision == "float16" else ""
        raise SetupError(
            f"the teacher's vectors of {n_texts:,} sentences need {decimal(needed)} in {folder}, where "
            f"{decimal(free)} are free: free some space (`opticlir cache prune`){halved} or name a folder on a "
            "larger disk in OPTICLIR_CACHE"
        )
