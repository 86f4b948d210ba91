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


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Sums in one order, whatever the machine; and no more cores than the tests are given."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Folder of one tiny checkpoint per kind. Not to be written to.

    plain, other (by transformers), stanford, pylate, native (by sentence-transformers), crosslingual (by us).
    """
    import tiny_models

    root = tmp_path_factory.mktemp("checkpoints")
    folders = {
        "plain": tiny_models.save_encoder(root / "plain"),
        # no id of its tokenizer means what it means to the others
        "other": tiny_models.save_encoder(root / "other", tiny_models.unigram_tokenizer(), seed=1),
        "stanford": tiny_models.save_stanford(root / "stanford"),
        "pylate": tiny_models.save_pylate(root / "pylate"),
        "native": tiny_models.save_native(root / "native"),
        "crosslingual": root / "crosslingual",
    }
    tiny_models.save_cross_lingual(folders["crosslingual"], folders["plain"])
    return folders


@pytest.fixture(scope="session")
def teacher(checkpoints):
    """The plain checkpoint as a teacher. Not to be changed."""
    from opticlir.encoder import load_model

    return load_model(checkpoints["plain"])


@pytest.fixture
def memory_path(tmp_path):
    """A `tmp_path` in memory where the machine has one, for loops that write thousands of small files."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)
