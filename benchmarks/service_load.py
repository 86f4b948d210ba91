"""How many questions a second does `opticlir serve` answer, beside a plain endpoint on sentence-transformers?

Run: python benchmarks/service_load.py MODEL [--documents 10000] [--seconds 8] [--soak 0]. The questions are those of
the sample in Swahili. To save an hour, the documents are not encoded one by one: each has about 40 token vectors in a
row of a document of the sample, and its text is that of a sentence. The plain endpoint is what many people write first:
it encodes each question when it comes, and scores all documents with the model's own `similarity`. It needs about
800 MB for each question under way, so it is loaded by 16 clients at most.
The last line is one JSON object: for each number of clients, answers a second, 50th and 99th percentile in
milliseconds, and processor time per answer; the memory of the service before and after; and the seconds from its start
until it is ready, by the clock and of processor time.
"""

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import psutil
import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from opticlir.data import read_beir, read_corpus
from opticlir.encoder import load_model
from opticlir.records import Document
from opticlir.sample import sample_folder
from opticlir.search import ExactIndex, Retriever

CLIENTS = (1, 4, 16, 64)
PLAIN_CLIENTS = CLIENTS[:-1]
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def main() -> None:
    """Start both services, one after the other, and load them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument(
        "--soak", type=float, default=0.0, help="seconds of load at 16 clients for the memory"
    )
    parser.add_argument("--index", type=Path, help="kept between runs")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        index = options.index or Path(folder) / "index"
        if not index.exists():
            sample = Retriever.build(
                read_corpus(sample_folder()), options.model, Path(folder) / "sample"
            ).index
            ExactIndex.create(index, documents(options.documents, sample), encoder=sample.encoder)
        result = {"documents": options.documents}
        begin = time.monotonic()
        serve = [
            "-m",
            "opticlir",
            "serve",
            index,
            "--model",
            options.model,
            "--port",
            "8931",
            "--deadline",
            "60",
        ]
        with running(serve, 8931) as process:
            result["seconds_to_ready"] = round(time.monotonic() - begin, 2)
            result["cpu_seconds_to_ready"] = cpu_seconds(process)
            result["rss_mb"] = [rss(process)]
            result["opticlir"] = loaded("http://127.0.0.1:8931/v1/search", process, options.seconds, CLIENTS)
            result["rss_mb"].append(rss(process))
            if options.soak:
                asyncio.run(load("http://127.0.0.1:8931/v1/search", process, 16, options.soak))
                result["rss_mb"].append(rss(process))
        plain = [__file__, options.model, index]
        with running(plain, 8932, PLAIN="1") as process:
            result["plain"] = loaded("http://127.0.0.1:8932/search", process, options.seconds, PLAIN_CLIENTS)
    result["ratio_at_16"] = round(
        result["opticlir"]["16"]["per_second"] / result["plain"]["16"]["per_second"], 2
    )
    print(json.dumps(result))


def documents(wanted: int, sample: ExactIndex) -> Iterator[tuple[Document, np.ndarray]]:
    """Documents with token vectors out of those of the sample, always the same."""
    draw = random.Random(1)
    for number in range(wanted):
        row = draw.randrange(len(sample))
        matrix, sentences = sample.document_tokens(row), _SENTENCE.split(sample.document(row).text)
        start = draw.randrange(max(1, len(matrix) - 40))
        text = draw.choice(sentences)[:240]
        yield Document(f"d{number}", text), matrix[start : start + draw.randrange(30, 50)].astype(np.float32)


def questions() -> list[str]:
    """Those of the sample in Swahili."""
    return [query.text for query in read_beir(sample_folder(), "swa", "test").queries]


@contextmanager
def running(words: list[object], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A service in a process of its own, ready to answer."""
    process = subprocess.Popen(
        [sys.executable, *map(str, words)], env=os.environ | environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    raise SystemExit(f"{words} ended at its start") from None
                time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


def rss(process: subprocess.Popen[bytes]) -> int:
    """Memory of a process without its mapped files, in MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) // 1024


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    """Processor time of a process until now."""
    used = psutil.Process(process.pid).cpu_times()
    return round(used.user + used.system, 2)


def loaded(
    address: str, process: subprocess.Popen[bytes], seconds: float, numbers: Sequence[int]
) -> dict[str, dict[str, float]]:
    """Figures for each number of clients."""
    asyncio.run(load(address, process, 4, 2.0))  # warm
    return {str(clients): asyncio.run(load(address, process, clients, seconds)) for clients in numbers}


async def load(
    address: str, process: subprocess.Popen[bytes], clients: int, seconds: float
) -> dict[str, float]:
    """Ask without pause from some clients."""
    asked, taken, failed = questions(), [], 0
    end = time.monotonic() + seconds

    async def client(number: int) -> None:
        nonlocal failed
        place = number * 7
        async with httpx.AsyncClient(timeout=300) as http:
            while time.monotonic() < end:
                begin = time.monotonic()
                place += 1
                answer = await http.post(address, json={"query": asked[place % len(asked)]})
                taken.append(time.monotonic() - begin)
                failed += answer.status_code != 200

    begin, used = time.monotonic(), cpu_seconds(process)
    await asyncio.gather(*map(client, range(clients)))
    ms = 1000 * np.array(taken)
    figures = {
        "per_second": round(len(taken) / (time.monotonic() - begin), 2),
        "p50_ms": round(float(np.percentile(ms, 50)), 1), "p99_ms": round(float(np.percentile(ms, 99)), 1),
        "cpu_ms": round(1000 * (cpu_seconds(process) - used) / len(taken), 1), "failed": failed,
    }  # fmt: skip
    print(f"{address} {clients:>3} clients: {figures}", flush=True)
    return figures


class Asked(BaseModel):
    """A question."""

    query: str


def plain() -> None:
    """The endpoint to compare with."""
    model = load_model(Path(sys.argv[1]), device="cpu")
    index = ExactIndex.open(Path(sys.argv[2]))
    rows = range(len(index))
    texts = [index.document(row).text for row in rows]
    matrices = [torch.from_numpy(index.document_tokens(row).astype(np.float32)) for row in rows]
    app = FastAPI()

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/search")
    def search(asked: Asked) -> dict[str, object]:
        scores = model.similarity(model.encode_query([asked.query]), matrices)[0]
        best = scores.topk(10)
        return {
            "hits": [
                {"id": place, "score": score, "text": texts[place]}
                for place, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            ]
        }

    uvicorn.run(app, port=8932, log_level="warning")


if __name__ == "__main__":
    plain() if os.environ.get("PLAIN") else main()
