"""How small can the vectors of an index be, and what does that cost in AP?

Run: python benchmarks/search_size.py DATA --model LANGUAGE=FOLDER ... [--kept FOLDER] [--store 2bit:384:1 ...]

DATA is the folder of AfriQA for retrieval: `collection.tsv`, `qrels.txt`, `queries.LANGUAGE.dev.tsv` and
`queries.eng-from-LANGUAGE.dev.tsv`. The documents are encoded once, by the English teacher of the models. Then each
store is built from the same vectors: numbers as `opticlir index --store` keeps them, a width (`--store-dim`), and how
many tokens are pooled to one (`HierarchicalTokenPooling` of sentence-transformers, on the document side only).

Two kinds of questions are ranked: those in the language, which a student reads, and their English translations, which
the teacher reads. Each is compared with the same ranking over float16 vectors: the difference in AP, with a paired
bootstrap interval over questions. The last line is one JSON object, of the smallest store whose mean loss over the
languages is at most .005 for both rankings and both readers: S5_bytes_per_document, for 150 tokens, and S5_ap_loss, its
largest mean loss.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from measuring import environment, print_answer
from sentence_transformers.multi_vector_encoder.modules import HierarchicalTokenPooling

from opticlir.data import read_corpus, read_qrels, read_queries
from opticlir.evaluation import compare_systems, evaluate
from opticlir.records import Qrels, Query
from opticlir.search import Entry, ExactIndex, Retriever
from opticlir.search.codecs import Store, row_bytes

TEACHER, RANKINGS, MARGIN = "minilm", ("dense", "hybrid"), 0.005


class Kept(NamedTuple):
    """How an index keeps vectors."""

    store: Store
    width: int
    pooled: int

    @property
    def n_bytes(self) -> int:
        """Of a document of 150 tokens."""
        return round(150 / self.pooled * row_bytes(self.store, self.width))


ALL = [
    Kept("int8", 384, 1), Kept("4bit", 384, 1), Kept("2bit", 384, 1), Kept("4bit", 256, 1), Kept("2bit", 256, 1),
    Kept("float16", 384, 2), Kept("4bit", 384, 2), Kept("2bit", 384, 2),
]  # fmt: skip


class Reader(NamedTuple):
    """A model and the questions that it reads."""

    language: str
    who: str
    model: str
    queries: list[Query]


def main() -> None:
    """Build each store, rank all questions, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", action="append", required=True, metavar="LANGUAGE=FOLDER")
    parser.add_argument("--store", action="append", metavar="STORE:WIDTH:POOLED")
    parser.add_argument("--kept", type=Path, help="where the full index is kept between runs")
    options = parser.parse_args()
    stores = [_kept(each) for each in options.store] if options.store else ALL
    readers = list(_readers(options.data, dict(each.split("=", 1) for each in options.model)))
    qrels = read_qrels(options.data / "qrels.txt")
    print(environment(), flush=True)
    with TemporaryDirectory() as folder:
        full = options.kept or Path(folder) / "full"
        if not full.exists():
            Retriever.build(read_corpus(options.data / "collection.tsv"), TEACHER, full, progress=True)
        index = ExactIndex.open(full)
        baseline = scores(full, readers, qrels)
        losses = {}
        for kept in stores:
            path = Path(folder) / "-".join(map(str, kept))
            ExactIndex.create(
                path,
                entries(index, kept.pooled),
                encoder=index.encoder,
                store=kept.store,
                store_dim=kept.width,
            )
            losses[kept] = compared(kept, scores(path, readers, qrels), baseline)
    good = [kept for kept in stores if losses[kept] <= MARGIN]
    best = min(good, key=lambda kept: kept.n_bytes, default=None)
    print_answer(
        {
            "S5_bytes_per_document": best and best.n_bytes, "S5_ap_loss": best and round(losses[best], 4),
            "store": best and "{}:{}:{}".format(*best),
        }
    )  # fmt: skip


def _kept(name: str) -> Kept:
    store, width, pooled = name.split(":")
    return Kept(store, int(width), int(pooled))  # type: ignore[arg-type]


def _readers(data: Path, models: dict[str, str]) -> Iterator[Reader]:
    for language, model in models.items():
        for who, name, reads in (
            ("student", f"queries.{language}.dev.tsv", model),
            ("teacher", f"queries.eng-from-{language}.dev.tsv", TEACHER),
        ):
            yield Reader(language, who, reads, list(read_queries(data / name)))


def entries(index: ExactIndex, pooled: int) -> Iterator[Entry]:
    """The documents of an index, with the means of like tokens in the place of the tokens."""
    pooling = HierarchicalTokenPooling(float(pooled))
    for row in range(len(index)):
        tokens = index.document_tokens(row).astype(np.float32)
        if pooled > 1:
            tokens = pooling.pool_one(torch.from_numpy(tokens)).numpy()
        yield index.document(row), tokens


def scores(path: Path, readers: list[Reader], qrels: Qrels) -> dict[tuple[str, str, str], dict[str, float]]:
    """AP of each question, by reader and ranking."""
    found = {}
    for reader in readers:
        asked = {each.query_id for each in reader.queries} & set(qrels)
        judged = {query_id: qrels[query_id] for query_id in asked}
        runs = Retriever.open(path, reader.model).rank_by_each(
            [each for each in reader.queries if each.query_id in asked], 1000, RANKINGS
        )
        for ranking, run in runs.items():
            found[reader.language, reader.who, ranking] = evaluate(run, judged, ["AP"])["AP"]
    return found


def compared(kept: Kept, found: dict, baseline: dict) -> float:
    """Print the differences to the baseline; return the largest mean loss over languages."""
    losses: dict[tuple[str, str], list[float]] = {}
    for (language, who, ranking), by_query in found.items():
        result = compare_systems([by_query], [baseline[language, who, ranking]])
        low, high = result.interval
        print(
            f"| {kept.store}, {kept.width}, {kept.pooled} | {kept.n_bytes / 1000:.1f} | {language}, {who} | {ranking} "
            f"| {result.n_queries} | {result.mean_second:.4f} | {result.mean_first:.4f} "
            f"| {result.mean_difference:+.4f} | {low:+.4f} to {high:+.4f} |",
            flush=True,
        )
        losses.setdefault((who, ranking), []).append(-result.mean_difference)
    return max(map(fmean, losses.values()))


if __name__ == "__main__":
    main()
