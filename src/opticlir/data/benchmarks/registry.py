"""Which benchmarks there are, by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from opticlir.data.beir import read_beir
from opticlir.data.benchmarks import afriqa, lareqa, mtop, ntrex_clir, tatoeba, xnli, xquad
from opticlir.errors import DataError
from opticlir.records import RetrievalTask

BENCHMARKS: dict[str, Callable[[Path, str, str], RetrievalTask]] = {
    "afriqa": afriqa.load,
    "beir": read_beir,
    "lareqa": lareqa.load,
    "lareqa-pool": lareqa.load_pool,
    "mtop": mtop.load,
    "mtop-intent": mtop.load_intent,
    "ntrex-clir": ntrex_clir.load,
    "tatoeba": tatoeba.load,
    "tatoeba-from-english": tatoeba.load_from_english,
    "xnli": xnli.load,
    "xnli-entailment": xnli.load_entailment,
    "xquad": xquad.load,
}
"""Name to `load(folder, language, split)`."""


def load_benchmark(name: str, folder: Path, language: str, split: str) -> RetrievalTask:
    """Read a benchmark from a folder in its own form.

    Args:
        name: one of `BENCHMARKS`.
        folder: where its files lie.
        language: language of the queries, any code.
        split: `train`, `dev`, `test` ...; a benchmark of one split (xquad, ntrex-clir, lareqa, tatoeba) takes any.

    Returns:
        Documents, queries and judgements; with the English form of the queries where it is there.

    Raises:
        DataError: no such benchmark, folder, language or split, or a file is malformed.
    """
    if name not in BENCHMARKS:
        nearest = difflib.get_close_matches(name.lower(), BENCHMARKS, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise DataError(f"unknown benchmark {name!r}: {hint}There are {', '.join(BENCHMARKS)}")
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, expected one with the files of {name}")
    return BENCHMARKS[name](folder, language, split)
