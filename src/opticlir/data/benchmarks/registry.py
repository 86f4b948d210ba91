"""Which benchmarks there are, by name."""

import difflib
from collections.abc import Callable
from pathlib import Path

from opticlir.data.beir import read_beir
from opticlir.data.benchmarks import (
    afriqa,
    belebele,
    bucc,
    ciral,
    clirmatrix,
    hc4,
    irds,
    lareqa,
    mewsli_x,
    miracl,
    mlqa,
    mmarco,
    mtop,
    ntrex_clir,
    tatoeba,
    wikiclir,
    xnli,
    xquad,
)
from opticlir.errors import DataError
from opticlir.records import RetrievalTask

BENCHMARKS: dict[str, Callable[[Path, str, str], RetrievalTask]] = {
    "africlirmatrix": clirmatrix.AFRICLIRMATRIX.load,
    "afriqa": afriqa.load,
    "beir": read_beir,
    "belebele": belebele.load,
    "bucc": bucc.load,
    "ciral": ciral.CIRAL.load,
    "ciral-native": ciral.CIRAL_NATIVE.load,
    "clirmatrix": clirmatrix.load,
    "hc4": hc4.HC4.load,
    "hc4-native": hc4.HC4_NATIVE.load,
    "lareqa": lareqa.load,
    "lareqa-pool": lareqa.load_pool,
    "mewsli-x": mewsli_x.load,
    "miracl": miracl.MIRACL.load,
    "mlqa": mlqa.load,
    "mlqa-r": lareqa.load_mlqa,
    "mlqa-r-pool": lareqa.load_mlqa_pool,
    "mmarco": mmarco.MMARCO.load,
    "mtop": mtop.load,
    "mtop-intent": mtop.load_intent,
    "neuclir": hc4.NEUCLIR.load,
    "neuclir-native": hc4.NEUCLIR_NATIVE.load,
    "ntrex-clir": ntrex_clir.NTREX_CLIR.load,
    "tatoeba": tatoeba.load,
    "tatoeba-from-english": tatoeba.load_from_english,
    "wikiclir": wikiclir.load,
    "wikiclir-reversed": wikiclir.load_reversed,
    "xnli": xnli.load,
    "xnli-entailment": xnli.load_entailment,
    "xquad": xquad.load,
}
"""Name to `load(folder, language, split)`."""


def load_benchmark(name: str, folder: Path | None, language: str, split: str) -> RetrievalTask:
    """Read a benchmark from a folder in its own form, or through ir_datasets.

    Args:
        name: one of `BENCHMARKS`, or `irds:` and an id of ir_datasets.
        folder: where its files lie; not used by `irds:`.
        language: language of the queries, any code.
        split: `train`, `dev`, `test` ...; a benchmark of one split (xquad, belebele, tatoeba ...) takes any, and so
            does `irds:`, whose ids name it.

    Returns:
        Documents, queries and judgements; with the English form of the queries where it is there.

    Raises:
        SetupError: ir_datasets is asked for and not installed.
        DataError: no such benchmark, folder, language or split, or a file is malformed.
    """
    if name.startswith(irds.PREFIX):
        return irds.load(name.removeprefix(irds.PREFIX), language)
    if name not in BENCHMARKS:
        nearest = difflib.get_close_matches(name.lower(), BENCHMARKS, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]!r}? " if nearest else ""
        raise DataError(f"unknown benchmark {name!r}: {hint}There are {', '.join(BENCHMARKS)}, and irds:<id>")
    if folder is None:
        raise DataError(f"{name} is read from files: name the folder that they are in (--data)")
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, expected one with the files of {name}")
    return BENCHMARKS[name](folder, language, split)
