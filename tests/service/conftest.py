"""A small index and two small models, as an engine, as an application and as a running process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import tiny_models
from opticlir.search import Retriever

DOCUMENTS = [
    {"_id": f"d{number}", "title": text.split()[1], "text": text, "year": 2000 + number, "open": number < 5}
    for number, text in enumerate(tiny_models.ENGLISH)
]


@pytest.fixture
def reloads():
    """Versions that are published under load; OPTICLIR_DEEP asks for many."""
    return 50 if os.environ.get("OPTICLIR_DEEP") else 3


@pytest.fixture(scope="session")
def models(tmp_path_factory, checkpoints):
    root = tmp_path_factory.mktemp("models")
    swahili = {word for text in tiny_models.SWAHILI for word in text.split()}
    hausa = {word for text in tiny_models.HAUSA for word in text.split()}
    source = checkpoints["crosslingual"]
    return [
        tiny_models.save_trained(root / "swahili", source, swa=swahili),
        tiny_models.save_trained(root / "hausa", source, hau=hausa),
    ]


@pytest.fixture
def index(tmp_path, models):
    Retriever.build(DOCUMENTS, models[0], tmp_path / "index")
    return tmp_path / "index"


@pytest.fixture
def engine(index, models):
    from opticlir.service.engine import SearchEngine

    return SearchEngine.open(index, models, device="cpu")


@pytest.fixture
def client(engine):
    from fastapi.testclient import TestClient

    from opticlir.service.app import create_app
    from opticlir.service.settings import ServiceSettings

    with TestClient(create_app(engine, ServiceSettings()), base_url="http://localhost") as client:
        yield client


class Service:
    """A running `opticlir serve`."""

    def __init__(self, process, address):
        self.process, self.address = process, address
        self.port = int(address.rsplit(":", 1)[1])

    def client(self, **options):
        return httpx.Client(base_url=self.address, timeout=30, **options)

    @property
    def rss(self):
        """Resident memory in bytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def stop(self, sign=signal.SIGTERM):
        """Seconds that it took to end."""
        begin = time.monotonic()
        self.process.send_signal(sign)
        self.process.wait(30)
        return time.monotonic() - begin


@pytest.fixture
def serve(index, models, tmp_path):
    """Start `opticlir serve` with more options; it is stopped at the end of the test."""
    started = []

    def start(*options):
        words = [sys.executable, "-m", "opticlir", "serve", index, "--port", "0", "--device", "cpu", *options]
        for model in models:
            words += ["--model", model]
        path = tmp_path / f"log{len(started)}"
        with path.open("w") as log:
            process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=log, text=True)
        started.append(process)
        line = process.stdout.readline()
        assert line.startswith("http://"), (line, path.read_text())
        service = Service(process, line.split()[0].rstrip(":"))
        service.log = lambda: [json.loads(each) for each in path.read_text().splitlines()]
        with service.client() as client:
            for _ in range(100):
                try:
                    client.get("/readyz").raise_for_status()
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
        return service

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
