import tracemalloc

import pytest
from hypothesis import settings

# files are written and read in each example: how long that takes is the machine's business
settings.register_profile("files", deadline=None)
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
