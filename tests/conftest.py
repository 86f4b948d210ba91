"""What every test gets: no network, one thread, a cache of its own, and encoders of a few kilobytes."""

import os
import tempfile
from pathlib import Path

# read by the libraries when they are imported
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Keep teacher vectors and indexes out of the user's cache, in child processes too."""
    os.environ["OPTICLIR_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def memory_path(tmp_path):
    """A `tmp_path` in memory where the machine has one, for loops that write thousands of small files."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)
