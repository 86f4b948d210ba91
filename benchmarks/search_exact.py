"""How fast is exact search, beside the libraries that score every document too?

Run: OMP_NUM_THREADS=1 python benchmarks/search_exact.py --corpus passages.jsonl --vectors vectors.npz

A document is the first 100 token vectors of a real passage. Copies with noise fill the collection up to its size, half
precision keeps it, and fewer dimensions come from a projection on the first principal axes. A question is the first 32
token vectors of a passage that is not in the collection. Every library has one thread and the same vectors; libraries
that know only float32 get them in float32. Figures are medians of CPU seconds, taken in turns. A library that is not
installed, or fails, is named with the reason.

Ours is the way of a question through the index: dense scores, and the ten best in the certified order. It must be the
order of float64. The last line is one JSON object: S1 is how many times as long maxsim-cpu takes, G1_exact the slope of
the time over the number of documents, both on logarithmic scales.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from measuring import environment, print_answer, print_table, race, require
from search_peers import Peer, open_peers

from opticlir.data import read_corpus
from opticlir.encoder import encode_documents, load_model
from opticlir.maxsim import as_float32
from opticlir.records import Document, Query
from opticlir.search import ExactIndex
from opticlir.search.scoring import Scorer

N_TOKENS, N_QUERY_TOKENS, K = 100, 32, 10
_LETTERS = 700
_NOISE = 0.3
_HELD_OUT = 20


def real_vectors(corpus: Path | None, vectors: Path) -> np.ndarray:
    """(passages, 100, 384) float16: read, or encoded and kept for the next run."""
    if not vectors.exists():
        require(corpus is not None, f"{vectors} is missing, so --corpus names passages to encode")
        texts = (document.content[:_LETTERS] for document in read_corpus(corpus))
        matrices = encode_documents(load_model("minilm"), texts)
        docs = [tokens[:N_TOKENS].astype(np.float16) for tokens in matrices if len(tokens) >= N_TOKENS]
        np.savez(vectors, docs=np.stack(docs))
    return np.load(vectors)["docs"]


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


class Collection:
    """Real documents in some dimensions, as many as wanted, and questions."""

    def __init__(self, real: np.ndarray, dim: int) -> None:
        wide = real.astype(np.float32)
        held_out = np.arange(len(real)) % _HELD_OUT == 0
        if dim < real.shape[2]:
            rows = wide[~held_out].reshape(-1, real.shape[2])
            wide = wide @ np.linalg.eigh(rows.T @ rows)[1][:, -dim:]
        self.dim, self._documents = dim, unit(wide[~held_out])
        self.queries = list(unit(wide[held_out])[:, :N_QUERY_TOKENS])

    def documents(self, n_documents: int) -> Iterator[np.ndarray]:
        """(100, dim) float16 each: the real ones, then copies with noise."""
        rng, size = np.random.default_rng(0), len(self._documents)
        for number in range(n_documents):
            document = self._documents[number % size]
            if number >= size:
                noise = rng.standard_normal(document.shape, dtype=np.float32)
                document = unit(document + _NOISE / np.sqrt(self.dim) * noise)
            yield document.astype(np.float16)


def search(index: ExactIndex, queries: list[np.ndarray]) -> list[list[int]]:
    """The rows of the ten best documents of each query."""
    asked = [Query(str(number), "x", "eng") for number in range(len(queries))]
    scored = Scorer(index).scored(asked, queries, ["dense"])
    return [each.found("dense", K)[0].tolist() for each in scored]


def true_best(index: ExactIndex, query: np.ndarray) -> list[int]:
    """The same by float64 products of the stored vectors; equal scores by id."""
    scores = []
    wide, vectors = query.astype(np.float64), index.segments[0].segment.tokens
    for first in range(0, len(index), 500):
        rows = vectors[first * N_TOKENS : min(first + 500, len(index)) * N_TOKENS].astype(np.float64)
        scores.append((wide @ rows.T).reshape(len(query), -1, N_TOKENS).max(axis=2).sum(axis=0))
    order = np.lexsort((index.id_order, -np.concatenate(scores)))
    return order[:K].tolist()


def bandwidth() -> float:
    """Bytes read from memory per CPU second by a sum of 512 MB."""
    numbers = np.ones(2**26)
    return numbers.nbytes / race({"sum": numbers.sum}, repeats=5, clock=time.process_time).first


def compare(collection: Collection, folder: Path, n_documents: int, arguments: argparse.Namespace) -> dict:
    """Figures of one collection."""
    entries = ((Document(str(n), "x"), tokens) for n, tokens in enumerate(collection.documents(n_documents)))
    index = ExactIndex.create(
        folder / f"{n_documents}-{collection.dim}", entries, encoder="benchmark", approximate=False
    )
    start = time.process_time()
    search(index, collection.queries[:1])
    first_seconds = time.process_time() - start
    n_checked = 8 if n_documents <= 10_000 else 2
    checked = collection.queries[:n_checked]
    truth = [true_best(index, query) for query in checked]
    require(search(index, checked) == truth, "the ten best are those of float64, in their order")
    peers = []
    if 4 * n_documents * N_TOKENS * collection.dim <= arguments.peer_memory * 2**30:
        matrix = as_float32(index.segments[0].segment.tokens[: n_documents * N_TOKENS])
        peers = open_peers(matrix.reshape(n_documents, N_TOKENS, -1), K)
    turn = iter(range(10**9))

    def one(answer: Callable[[np.ndarray], object]) -> Callable[[], object]:
        return lambda: answer(collection.queries[next(turn) % len(collection.queries)])

    calls = {"opticlir": one(lambda query: search(index, [query]))}
    calls |= {peer.name: one(peer.search) for peer in peers if peer.search}
    found = race(calls, repeats=arguments.repeats, clock=time.process_time)
    batch = (collection.queries * 64)[:64]
    together = race({"64": lambda: search(index, batch)}, repeats=1, clock=time.process_time).first
    n_values = n_documents * N_TOKENS * collection.dim
    recalls = {"opticlir": 1.0} | {peer.name: recall(peer, checked, truth) for peer in peers if peer.search}
    print(f"{n_documents:,} documents, {collection.dim} dimensions")
    print_table(
        [{"library": name, "CPU ms": 1e3 * seconds, "ratio": found.ratio(name), "recall@10": recalls[name],
          "G operations/s": 2e-9 * n_values * N_QUERY_TOKENS / seconds, "stored GB/s": 2e-9 * n_values / seconds}
         for name, seconds in found.seconds.items()]
    )  # fmt: skip
    for peer in peers:
        if peer.search is None:
            print(f"{peer.name}: left out, {peer.reason}")
    print(
        f"first search, with the 8-bit copy: {first_seconds:.2f} s; a query of 64: {together / 64 * 1e3:.1f} ms\n"
    )
    return {
        "documents": n_documents, "dim": collection.dim, "seconds": found.first, "first_seconds": first_seconds,
        "seconds_of_64": together / 64, "stored_bytes_per_second": 2 * n_values / found.first,
        **{name: found.ratio(name) for name in found.seconds if name != "opticlir"},
    }  # fmt: skip


def recall(peer: Peer, queries: list[np.ndarray], truth: list[list[int]]) -> float:
    """The mean share of the ten best that a library finds."""
    return statistics.fmean(
        len(set(peer.search(query)) & set(rows)) / K for query, rows in zip(queries, truth, strict=True)
    )


def main() -> None:
    """Compare at every size and number of dimensions."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--corpus", type=Path, help="passages that `opticlir index` reads")
    parser.add_argument(
        "--vectors", type=Path, default=Path("vectors.npz"), help="where they are kept, encoded"
    )
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--dim", type=int, nargs="+", default=[128, 384])
    parser.add_argument(
        "--peer-memory", type=float, default=6.0, help="GB of float32 vectors that peers may get"
    )
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="where the indexes are built, for a while")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    real = real_vectors(arguments.corpus, arguments.vectors)
    figures = []
    for dim in arguments.dim:
        collection = Collection(real, dim)
        for n_documents in arguments.documents:
            with TemporaryDirectory(dir=arguments.folder) as folder:
                figures.append(compare(collection, Path(folder), n_documents, arguments))
    slopes = {}
    for dim in arguments.dim:
        of_dim = [(each["documents"], each["seconds"]) for each in figures if each["dim"] == dim]
        if len(of_dim) > 1:
            slopes[str(dim)] = float(np.polyfit(*np.log(np.array(of_dim).T), 1)[0])
    ratios = {
        f"{each['documents']}x{each['dim']}": each["maxsim-cpu"] for each in figures if "maxsim-cpu" in each
    }
    packages = ("torch", "numba", "numpy", "maxsim-cpu", "lateweave", "sentence-transformers", "lancedb",
                "qdrant-client", "colbandit")  # fmt: skip
    print_answer(
        {"S1": min(ratios.values(), default=0.0), "S1_by_size": ratios, "G1_exact": slopes, "figures": figures,
         "memory_bytes_per_second": bandwidth(), **environment(packages)}
    )  # fmt: skip


if __name__ == "__main__":
    main()
