"""docs/benchmarks.md has a row for every benchmark that is registered, and for no other."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from opticlir.errors import DataError
from opticlir.lab import collections
from opticlir.lab.collections import BENCHMARKS, load_benchmark
from opticlir.storage import sha256_file

SHARED = Path(__file__).parents[4] / "shared" / "data"
PAGE = Path(__file__).parents[3] / "docs" / "benchmarks.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]


def test_every_benchmark_has_its_row():
    assert [row[0] for row in ROWS] == [f"`{name}`" for name in sorted(BENCHMARKS)]
    assert list(BENCHMARKS) == sorted(BENCHMARKS)
    for row in ROWS:
        assert len(row) == 6, f"{row[0]} has not six columns"
        assert all(row), f"{row[0]} has an empty cell"


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_the_message_about_a_missing_file_names_one_of_the_row(tmp_path, name):
    """Languages and splits aside; a row may refer to another for its files."""
    files = {row[0].strip("`"): row[-1] for row in ROWS}
    told = files[name]
    if referred := re.match(r"as `([\w-]+)`", told):
        told += files[referred[1]]
    expected = re.sub(r"<[^>]+>|dev|\*", "~", told.replace(".gz", ""))
    with pytest.raises(DataError) as missing:
        load_benchmark(name, tmp_path, "sw", "dev")
    message = re.sub(r"\{[^}]+\}|dev|\*|<[^>]+>|\ben(?=\.json)", "~", str(missing.value))
    assert any(file in message for file in re.findall(r"`([^`]+)`", expected)), f"{message} and {expected}"


HEADS = {
    module.name: importlib.import_module(f"{collections.__name__}.{module.name}").__doc__ or ""
    for module in pkgutil.iter_modules(collections.__path__)
}
CHECKSUMS = [
    (name, *found)
    for name, head in HEADS.items()
    for found in re.findall(r"SHA-256 of[\w\s]* `([\w.-]+)`\s+begins\s+with\s+([0-9a-f]{16})\b", head)
]


def test_each_benchmark_of_the_shared_data_states_a_checksum():
    assert {name for name, *_ in CHECKSUMS} == {
        "afriqa", "lareqa", "mtop", "ntrex_clir", "tatoeba", "xnli", "xquad"
    }  # fmt: skip


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public data sets are not beside this checkout")
@pytest.mark.parametrize(("name", "file", "beginning"), CHECKSUMS)
def test_the_checksum_at_the_head_is_that_of_the_file(name, file, beginning):
    folders = {"tatoeba": "tatoeba_v1"}
    (path,) = (SHARED / folders.get(name, name)).rglob(file)
    assert sha256_file(path).startswith(beginning)
