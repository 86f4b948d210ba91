"""The test collections by name."""

from collections.abc import Callable
from pathlib import Path

from opticlir.data.beir import read_beir
from opticlir.errors import DataError
from opticlir.lab.collections import (
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
    mteb_tasks,
    mtop,
    neuclir,
    ntrex_clir,
    tatoeba,
    wikiclir,
    xnli,
    xnli2,
    xquad,
)
from opticlir.records import RetrievalTask
from opticlir.settings import nearest

BENCHMARKS: dict[str, Callable[[Path, str, str], RetrievalTask]] = {
    "africlirmatrix": clirmatrix.AFRICLIRMATRIX.load,
    "afriqa": afriqa.load,
    "beir": read_beir,
    "belebele": belebele.load,
    "bucc": bucc.load,
    "ciral": ciral.CIRAL.load,
    "ciral-native": ciral.CIRAL_NATIVE.load,
    "clirmatrix": clirmatrix.load,
    "clirmatrix-multi8": clirmatrix.load_multi8,
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
    "neuclir": neuclir.NEUCLIR.load,
    "neuclir-2023": neuclir.NEUCLIR_2023.load,
    "neuclir-2023-native": neuclir.NEUCLIR_2023_NATIVE.load,
    "neuclir-bench": neuclir.NEUCLIR_BENCH.load,
    "neuclir-bench-native": neuclir.NEUCLIR_BENCH_NATIVE.load,
    "neuclir-native": neuclir.NEUCLIR_NATIVE.load,
    "ntrex-clir": ntrex_clir.NTREX_CLIR.load,
    "tatoeba": tatoeba.load,
    "tatoeba-from-english": tatoeba.load_from_english,
    "wikiclir": wikiclir.load,
    "wikiclir-reversed": wikiclir.load_reversed,
    "xnli": xnli.load,
    "xnli-entailment": xnli.load_entailment,
    "xnli2": xnli2.load,
    "xnli2-entailment": xnli2.load_entailment,
    "xquad": xquad.load,
}
"""Name to `load(folder, language, split)`."""

_LIBRARIES: dict[str, Callable[[str, str, str], RetrievalTask]] = {
    "irds": irds.load,
    "mteb": mteb_tasks.load,
}
"""Name before the colon to `load(id, language, split)`: collections that a library finds."""


def load_benchmark(name: str, folder: Path | None, language: str, split: str) -> RetrievalTask:
    """Read a test collection from a folder in its original form, or through a library.

    Args:
        name: one of `BENCHMARKS`; or `irds:` and an id of ir_datasets; or `mteb:` and a retrieval task of MTEB.
        folder: folder with the files; not used by the libraries.
        language: language of the queries, any code.
        split: `train`, `dev`, `test` or another. It is ignored by collections with one split (xquad, belebele,
            tatoeba) and by `irds:`, whose ids name it.

    Returns:
        Documents, queries and judgements, with the English form of the queries if there is one.

    Raises:
        SetupError: the library is not installed.
        DataError: the collection, folder, language or split is unknown, or a file is malformed.
    """
    library, colon, identifier = name.partition(":")
    if colon and library in _LIBRARIES:
        return _LIBRARIES[library](identifier, language, split)
    if name not in BENCHMARKS:
        found = nearest(name.lower(), BENCHMARKS, cutoff=0.4)
        hint = f"did you mean {found!r}? " if found else ""
        raise DataError(
            f"unknown benchmark {name!r}: {hint}There are {', '.join(BENCHMARKS)}, irds:ID and mteb:TASK"
        )
    if folder is None:
        raise DataError(f"{name} is read from files: name the folder that they are in (--data)")
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, expected one with the files of {name}")
    return BENCHMARKS[name](folder, language, split)
