"""Room on the disk for the teacher's vectors, known before the first is written."""

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
    """A few of many texts in order of length, spread evenly over them."""
    return numbers[np.linspace(0, len(numbers) - 1, min(len(numbers), _SAMPLED_TEXTS), dtype=np.int64)]


def room_needed(
    teacher: MultiVectorEncoder, sample: Sequence[str], n_texts: int, precision: Precision
) -> int:
    """Bytes that the vectors of many texts will take, to within a few percent.

    How many vectors a text has is the encoder's affair (prompts, padding that takes part, marks that do
    not), so that a few texts are encoded to see.

    Args:
        teacher: the encoder, by its query route.
        sample: at least one of them, as `evenly_spread` chooses.
        n_texts: how many there are.
        precision: how the vectors are kept.
    """
    n_tokens = np.mean([len(matrix) for matrix in encode_queries(teacher, sample)]) * n_texts
    return bytes_of(n_texts, math.ceil(n_tokens), teacher.get_embedding_dimension(), precision)


def check_room(folder: Path, needed: int, n_texts: int, precision: Precision) -> None:
    """Refuse to begin what the disk cannot hold. Raises SetupError, with the ways out."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        halved = ', set teacher_vectors = "int8", which halves it,' if precision == "float16" else ""
        raise SetupError(
            f"the teacher's vectors of {n_texts:,} sentences need {decimal(needed)} in {folder}, where "
            f"{decimal(free)} are free: make room (`opticlir cache prune`){halved} or name a folder on a "
            "larger disk in OPTICLIR_CACHE"
        )
