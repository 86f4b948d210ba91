"""How fast is approximate search, and how much of the exact answer does it find?

Run: OMP_NUM_THREADS=1 python benchmarks/search_approximate.py --vectors vectors.npz --fast-plaid VENV/bin/python

Documents and questions are those of `search_exact.py`: 100 token vectors of real passages, and copies with noise; a
question is the first 32 token vectors of a passage that is not in the collection. Ours is an index in half
precision that opens in one process with one thread; fast-plaid 1.7 runs in another environment, since it pins another
torch (`python -m venv VENV; VENV/bin/pip install fast-plaid==1.7.0.2110 torch==2.11.0`). Without it, or where it
fails, the reason is printed and its ratios are left out.

Figures are CPU seconds of one thread. Building leaves out the encoder for both. The last line is one JSON object:
S2_qps and S2_build are how many times as fast as fast-plaid we are at the largest common size, S2_recall our recall
at 10 against exact search there, E1 our milliseconds of one question at the largest size, and G1 the slopes of the
time over the number of documents, on logarithmic scales.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from measuring import environment, print_answer, print_table
from search_exact import Collection, K, real_vectors

from opticlir.records import Document, Query
from opticlir.search import ExactIndex
from opticlir.search.scoring import Scorer

_PEER = Path(__file__).with_name("search_fast_plaid.py")


def ask(index: ExactIndex, query: np.ndarray, *, exact: bool) -> list[int]:
    """The rows of the ten best documents."""
    (scored,) = Scorer(index).scored([Query("q", "x", "eng")], [query], ["dense"], exact=exact)
    return scored.found("dense", K)[0].tolist()


def timed(index: ExactIndex, queries: list[np.ndarray], *, exact: bool) -> list[float]:
    """CPU seconds of each query, after one that warms up."""
    ask(index, queries[0], exact=exact)
    seconds = []
    for query in queries:
        begin = time.process_time()
        ask(index, query, exact=exact)
        seconds.append(time.process_time() - begin)
    return seconds


def recall(found: list[list[int]], truth: list[list[int]]) -> float:
    """The mean share of the ten best that is found."""
    return statistics.fmean(len(set(one) & set(other)) / K for one, other in zip(found, truth, strict=True))


def ask_fast_plaid(
    python: Path | None, documents: np.ndarray, queries: np.ndarray, folder: Path
) -> dict[str, Any] | str:
    """What `search_fast_plaid.py` measures, or why it does not."""
    if python is None:
        return "no --fast-plaid is given"
    np.savez(folder / "given.npz", docs=documents, queries=queries)
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    command = [str(python), str(_PEER), str(folder / "given.npz"), str(folder / "plaid"), "1"]
    without_ours = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env=without_ours | threads, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"it ended with {done.returncode}: {done.stderr.strip()[-200:]}"
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def compare(
    collection: Collection, folder: Path, n_documents: int, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Figures of one size."""
    entries = ((Document(str(n), "x"), tokens) for n, tokens in enumerate(collection.documents(n_documents)))
    begin = time.process_time()
    index = ExactIndex.create(folder / "index", entries, encoder="benchmark", approximate=True)
    build = time.process_time() - begin
    queries = collection.queries[: arguments.queries]
    seconds = timed(index, queries, exact=False)
    found = [ask(index, query, exact=False) for query in queries]
    truth = [ask(index, query, exact=True) for query in queries]
    exact = statistics.median(timed(index, queries[:8], exact=True))
    figures = {
        "documents": n_documents, "seconds": statistics.median(seconds), "slowest": max(seconds),
        "exact_seconds": exact, "recall": recall(found, truth), "build_seconds": build,
    }  # fmt: skip
    rows = [
        {"search": "exact", "CPU ms": 1e3 * exact, "recall@10": 1.0, "build s": build},
        {
            "search": "approximate",
            "CPU ms": 1e3 * figures["seconds"],
            "recall@10": figures["recall"],
            "build s": build,
        },
    ]
    if n_documents <= arguments.peer_documents:
        documents = np.stack(list(collection.documents(n_documents)))
        peer = ask_fast_plaid(arguments.fast_plaid, documents, np.stack(queries), folder)
        if isinstance(peer, str):
            print(f"fast-plaid: left out, {peer}")
        else:
            figures |= {
                "plaid_seconds": peer["seconds"], "plaid_build_seconds": peer["build_seconds"],
                "plaid_recall": recall(peer["rows"], truth),
            }  # fmt: skip
            rows.append({
                "search": "fast-plaid", "CPU ms": 1e3 * peer["seconds"], "recall@10": figures["plaid_recall"],
                "build s": peer["build_seconds"],
            })  # fmt: skip
    print(f"{n_documents:,} documents, {collection.dim} dimensions, {len(queries)} questions")
    print_table(rows)
    return figures


def slope(figures: list[dict[str, Any]], name: str) -> float:
    """Of a time over the number of documents, on logarithmic scales."""
    points = np.log([(each["documents"], each[name]) for each in figures])
    return float(np.polyfit(points[:, 0], points[:, 1], 1)[0])


def main() -> None:
    """Compare at every size."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--corpus", type=Path, help="passages that `opticlir index` reads")
    parser.add_argument(
        "--vectors", type=Path, default=Path("vectors.npz"), help="where they are kept, encoded"
    )
    parser.add_argument("--documents", type=int, nargs="+", default=[5_000, 20_000, 57_000])
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--fast-plaid", type=Path, help="Python of an environment with fast-plaid")
    parser.add_argument(
        "--peer-documents", type=int, default=20_000, help="fast-plaid gets no more documents"
    )
    parser.add_argument("--folder", type=Path, help="where the indexes are built, for a while")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    collection = Collection(real_vectors(arguments.corpus, arguments.vectors), arguments.dim)
    figures = []
    for n_documents in sorted(arguments.documents):
        with TemporaryDirectory(dir=arguments.folder) as folder:
            figures.append(compare(collection, Path(folder), n_documents, arguments))
    last, beside = figures[-1], [each for each in figures if "plaid_seconds" in each][-1:]
    ratios = {
        "S2_qps": beside[0]["plaid_seconds"] / beside[0]["seconds"],
        "S2_build": beside[0]["plaid_build_seconds"] / beside[0]["build_seconds"],
        "S2_plaid_recall": beside[0]["plaid_recall"],
    } if beside else {}  # fmt: skip
    slopes = {
        f"G1_{name}": slope(figures, key)
        for name, key in (("exact", "exact_seconds"), ("approximate", "seconds"))
    }
    print_answer({
        **ratios, "S2_recall": (beside or figures[-1:])[0]["recall"], "E1_p50_ms": 1e3 * last["seconds"],
        "E1_p99_ms": 1e3 * last["slowest"], **(slopes if len(figures) > 1 else {}), "figures": figures, **environment(),
    })  # fmt: skip


if __name__ == "__main__":
    main()
