import tracemalloc

import pytest
from hypothesis import settings


def pytest_configure(config):
    """Set how many examples Hypothesis draws: with `--deep` as many as are promised.

    Files are written and read in each: how long that takes is the machine's business.
    """
    settings.register_profile("files", deadline=None, max_examples=1_000 if config.getoption("deep") else 100)
    settings.load_profile("files")


@pytest.fixture
def peak_memory():
    """Run something and give the most bytes of Python objects it held at once."""

    def measure(work):
        tracemalloc.start()
        try:
            work()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    return measure
