"""What does a change of an index cost, beside the size of the index, and does the index grow by changes?

Run: OMP_NUM_THREADS=1 python benchmarks/search_growth.py --documents 100000

Documents have 100 token vectors of 128 dimensions, drawn at random, and texts of 100 words; encoding is left out, since
it costs the same for any index. An addition is timed from opening the index to the published version, as
`opticlir add` does it, and in a process that has the index open, as the service does it. Wall seconds, medians.

Then ten cycles add, delete and update a tenth of a small index, optimise it and open it again. Its answers must be
those of a fresh build. The last line is one JSON object: A1_add_ratio is the time of adding to the large index by that
of building an index of the added documents alone; A1_disk_after_ten_cycles the size by that of the fresh build.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from measuring import environment, print_answer, print_table, require

from opticlir.records import Document, Query
from opticlir.search import Entry, ExactIndex
from opticlir.search.scoring import Scorer

N_TOKENS, DIM, N_WORDS = 100, 128, 100


def entries(first: int, n: int, edition: int = 0) -> Iterator[Entry]:
    """Documents with numbers from `first` on."""
    for number in range(first, first + n):
        draw = np.random.default_rng((edition, number))
        text = " ".join(f"word{each}" for each in draw.zipf(1.3, N_WORDS) % 50_000)
        tokens = draw.standard_normal((N_TOKENS, DIM), dtype=np.float32)
        yield Document(f"d{number}", text), tokens / np.linalg.norm(tokens, axis=1, keepdims=True)


def seconds(call: Callable[[], Any]) -> float:
    """Wall seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def n_bytes(path: Path) -> int:
    """Of all files."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def answers(index: ExactIndex) -> list[list[str]]:
    """The ten best documents of some questions, by every ranking."""
    queries = [Query(str(n), f"word{n} word{n + 3}", "und") for n in range(8)]
    tokens = [next(entries(10_000_000 + n, 1))[1][:32] for n in range(8)]
    runs = Scorer(index).rank_by_each(queries, tokens, k=10)
    return [list(found) for run in runs.values() for found in run.values()]


def additions(folder: Path, n_documents: int, n_added: int, repeats: int) -> dict[str, float]:
    """Seconds of additions to a large index, and of building the added documents alone."""
    large = folder / "large"
    taken = {
        "build": [
            seconds(
                partial(ExactIndex.create, large, entries(0, n_documents), encoder="e", approximate=False)
            )
        ]
    }
    for turn in range(repeats):
        first = n_documents + 2 * turn * n_added
        new, more = list(entries(first, n_added)), list(entries(first + n_added, n_added))
        alone = partial(ExactIndex.create, folder / f"alone-{turn}", new, encoder="e", approximate=False)
        taken.setdefault("alone", []).append(seconds(alone))
        taken.setdefault("from disk", []).append(seconds(lambda new=new: ExactIndex.open(large).add(new)))
        doc_ids = [f"d{turn}"]
        taken.setdefault("delete", []).append(seconds(lambda ids=doc_ids: ExactIndex.open(large).delete(ids)))
        index = ExactIndex.open(large)
        require(index.id_like("none") is None, "an unknown id is not there")  # and the ids are looked up once
        taken.setdefault("opened", []).append(seconds(partial(index.add, more)))
    return {what: median(each) for what, each in taken.items()}


def disk_after_cycles(folder: Path, n_documents: int, cycles: int = 10) -> float:
    """The size of an index after cycles of changes, by that of a fresh build with the same answers."""
    tenth, path = max(1, n_documents // 10), folder / "cycled"
    live = {each.doc_id: (each, tokens) for each, tokens in entries(0, n_documents)}
    index = ExactIndex.create(path, live.values(), encoder="e", approximate=False)
    for cycle in range(1, cycles + 1):
        new = {each.doc_id: (each, tokens) for each, tokens in entries(n_documents * cycle * 10, tenth)}
        gone = list(live)[:tenth]
        changed = [
            (Document(doc_id, f"{live[doc_id][0].text} {cycle}"), live[doc_id][1])
            for doc_id in list(live)[-tenth:]
        ]
        index = index.add(new.values()).delete(gone).update(changed).optimize()
        live |= new | {each.doc_id: (each, tokens) for each, tokens in changed}
        live = {doc_id: each for doc_id, each in live.items() if doc_id not in gone}
        index = ExactIndex.open(path)
    fresh = ExactIndex.create(folder / "fresh", live.values(), encoder="e", approximate=False)
    require(answers(index) == answers(fresh), "the answers are those of a fresh build")
    return n_bytes(path) / n_bytes(folder / "fresh")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--added", type=int, default=100)
    parser.add_argument(
        "--cycled", type=int, default=1000, help="documents of the index that is changed ten times"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, help="where the indexes are written; default: a temporary folder"
    )
    options = parser.parse_args()
    with TemporaryDirectory(dir=options.folder) as name:
        taken = additions(Path(name), options.documents, options.added, options.repeats)
        print_table([{"what": what, "ms": 1e3 * each} for what, each in taken.items()])
        grown = disk_after_cycles(Path(name), options.cycled)
    print_answer(
        {
            "A1_add_ratio": taken["from disk"] / taken["alone"],
            "A1_add_ratio_opened": taken["opened"] / taken["alone"],
            "A1_disk_after_ten_cycles": grown,
            "documents": options.documents,
            **environment(),
        }
    )


if __name__ == "__main__":
    main()
