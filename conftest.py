"""Fixtures that tests of several rooms share, and the option `--deep` of `make check-deep`."""

import pytest

pytest_plugins = ["command_line", "data_fixtures", "translator_fixtures"]


def pytest_addoption(parser):
    """Add `--deep`."""
    parser.addoption("--deep", action="store_true", help="try as many cases as are promised, not a sample")


@pytest.fixture(scope="session")
def cases(pytestconfig):
    """`cases(sample, promised)`: how many to try; the promised number with `--deep`."""
    return lambda sample, promised: promised if pytestconfig.getoption("deep") else sample
