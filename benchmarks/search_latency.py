"""How long does a question take in a process that has answered one already?

Run: python benchmarks/search_latency.py MODEL [INDEX]. Without INDEX it indexes the sample that comes with opticlir.
The last line is one JSON object: median and 95th percentile in milliseconds, wall time and CPU time.
"""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from opticlir.data import read_beir, read_corpus
from opticlir.sample import sample_folder
from opticlir.search import Retriever


def main() -> None:
    """Ask the questions of the sample and print the times."""
    model = Path(sys.argv[1])
    with TemporaryDirectory() as folder:
        if len(sys.argv) > 2:
            retriever = Retriever.open(sys.argv[2], model)
        else:
            retriever = Retriever.build(read_corpus(sample_folder()), model, Path(folder) / "index")
        questions = [query.text for query in read_beir(sample_folder(), "hau", "test").queries][:40]
        retriever.search(questions[0])
        seconds = []
        for question in questions:
            wall, cpu = time.perf_counter(), time.process_time()
            retriever.search(question)
            seconds.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall_ms, cpu_ms = (1000 * np.array(each) for each in zip(*seconds, strict=True))
    result = {
        "documents": len(retriever), "questions": len(questions),
        "wall_ms": {"p50": float(np.median(wall_ms)), "p95": float(np.percentile(wall_ms, 95))},
        "cpu_ms": {"p50": float(np.median(cpu_ms)), "p95": float(np.percentile(cpu_ms, 95))},
    }  # fmt: skip
    print(json.dumps(result))


if __name__ == "__main__":
    main()
