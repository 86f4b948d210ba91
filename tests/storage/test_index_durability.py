"""The index under faults: every system call of each change fails once in every way."""

import shutil
from os.path import basename as base

import numpy as np
import pytest
from faulty_disk import CRASHES, REFUSALS, Crash, FaultyDisk, until_no_fault, using

from opticlir.errors import ArtefactError
from opticlir.records import Document, Query
from opticlir.search import ExactIndex
from opticlir.search.codecs import Codec
from opticlir.search.scoring import Scorer
from opticlir.search.tokens import StoredTokens
from opticlir.storage import check_file

DIM = 3


def matrix(seed, n_tokens=2):
    return np.random.default_rng(seed).standard_normal((n_tokens, DIM), dtype=np.float32)


def entries(*numbers):
    return [(Document(f"d{number}", f"text {number}"), matrix(number)) for number in numbers]


def answers(index):
    """What a user can see of an index; two indexes with the same answers are the same."""
    run = Scorer(index).rank_by_each([Query("1", "text 2", "und")], [matrix(99)], rankings=["hybrid"])
    rows = [(index.row(doc_id), score) for doc_id, score in run["hybrid"]["1"].items()]
    return [(index.document(row), score, index.document_tokens(row).tobytes()) for row, score in rows]


def answers_at(path):
    try:
        index = ExactIndex.open(path)
        index.verify()
    except ArtefactError as error:
        return "nothing" if "holds no finished index" in str(error) else str(error)
    return answers(index)


def create(path, *numbers):
    return ExactIndex.create(path, entries(*numbers), encoder="e")


OPERATIONS = {
    "build": lambda path: create(path, 1, 2, 3),
    "add": lambda path: ExactIndex.open(path).add(entries(3)),
    "delete": lambda path: ExactIndex.open(path).delete(["d1"]),
    "update": lambda path: ExactIndex.open(path).update([(Document("d2", "another text 2"), matrix(7))]),
    "optimize": lambda path: ExactIndex.open(path).optimize(),
}


@pytest.mark.parametrize("mode", CRASHES + REFUSALS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_old_or_new_whatever_call_fails(memory_path, operation, mode, cases):
    if operation in ("update", "optimize") and mode not in cases(
        {"before", "lost", "EIO"}, {*CRASHES, *REFUSALS}
    ):
        pytest.skip("their calls are those of the others: runs with --deep")
    start, path = memory_path / "start", memory_path / "index"
    with using(FaultyDisk()):
        create(start, 1, 2)
        if operation == "optimize":
            ExactIndex.open(start).add(entries(3, 4, 5, 6, 7, 8)).delete(["d3"])
        old = answers_at(start)
        shutil.copytree(start, path)
        OPERATIONS[operation](path)
        new = answers_at(path)

    def run(disk):
        shutil.rmtree(path)
        shutil.copytree(start, path)
        with using(disk):
            try:
                OPERATIONS[operation](path)
                expected = [new]
                if mode == "lost":
                    disk.cut_power()
            except Crash:
                expected = [old, new]
            except ArtefactError as error:
                expected = [new] if "CURRENT is written" in str(error) else [old]
        assert answers_at(path) in expected
        if disk.n % 10 == 0:
            with using(FaultyDisk()):
                create(path, 5)  # the next build is not in the way of what the dead one left
            assert [each[0].doc_id for each in answers_at(path)] == ["d5"]
            assert sorted(each.name for each in path.iterdir()) == ["CURRENT", "versions"]
            assert len(list((path / "versions").iterdir())) == 1

    assert until_no_fault(mode, run) >= 50


@pytest.mark.parametrize("mode", CRASHES + REFUSALS)
def test_a_first_build_is_nothing_or_complete(memory_path, mode):
    with using(FaultyDisk()):
        create(memory_path / "golden", 1, 2)
    golden = answers_at(memory_path / "golden")

    def run(disk):
        path = memory_path / str(disk.n)
        with using(disk):
            try:
                create(path, 1, 2)
                expected = [golden]
            except Crash:
                expected = ["nothing", golden]
            except ArtefactError as error:
                expected = [golden] if "CURRENT is written" in str(error) else ["nothing"]
        assert answers_at(path) in expected

    assert until_no_fault(mode, run) >= 50


@pytest.mark.parametrize("mode", CRASHES + REFUSALS)
def test_a_snapshot_is_nothing_or_complete_and_its_source_stays(memory_path, mode):
    source = memory_path / "index"
    with using(FaultyDisk()):
        golden = answers(create(source, 1, 2).add(entries(3)))

    def run(disk):
        path = memory_path / f"{mode}-{disk.n}"
        with using(disk):
            try:
                ExactIndex.open(source).snapshot(path)
                expected = [golden]
            except Crash:
                expected = ["nothing", golden]
            except ArtefactError as error:
                expected = [golden] if "CURRENT is written" in str(error) else ["nothing"]
        assert answers_at(path) in expected
        assert answers_at(source) == golden

    assert until_no_fault(mode, run) >= 50


def random_damage(rng, content):
    """One flipped bit, a lost or grown tail, or a zeroed run; never the same bytes."""
    kind = rng.integers(10)
    if kind == 0:
        return content[: rng.integers(len(content))]
    if kind == 1:
        return content + rng.bytes(1 + int(rng.integers(8)))
    position = int(rng.integers(len(content)))
    if kind == 2 and any(content[position : position + 16]):
        length = len(content[position : position + 16])
        return content[:position] + bytes(length) + content[position + length :]
    flipped = content[position] ^ (1 << int(rng.integers(8)))
    return content[:position] + bytes([flipped]) + content[position + 1 :]


def overwrite(path, content):
    """Write in place: truncating a file first is slow on a journalled disk."""
    with path.open("r+b") as file:
        file.write(content)
        if len(content) != path.stat().st_size:
            file.truncate(len(content))


def test_any_damage_to_any_file_is_found(memory_path, cases):
    """Every file in turn, read as a searcher reads it."""
    rng = np.random.default_rng(3)
    path = memory_path / "index"
    with using(FaultyDisk()):
        index = create(path, *range(1, 6))
    golden = answers(index)
    files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    assert {file.name for file in files} == {*map(base, index.manifest.files), "manifest.json", "CURRENT"}
    for file in files:
        content = file.read_bytes()
        for _ in range(cases(60, 900)):
            overwrite(file, random_damage(rng, content))
            found = answers_at(path)
            assert isinstance(found, str), (file, found)
            assert "damaged" in found or "is missing" in found or "is not the one" in found, found
        file.write_bytes(content)
    assert answers_at(path) == golden


def test_ten_thousand_damages_are_found_by_the_checks(memory_path):
    """The two checks that opening and reading rest on, on their own so that ten thousand are cheap."""
    rng = np.random.default_rng(4)
    with using(FaultyDisk()):
        index = create(memory_path / "index", *range(1, 30))
    folder = next((memory_path / "index" / "versions").iterdir())
    segment = folder / "000001"
    n_found = 0
    for name, checksum in index.manifest.files.items():
        content = (folder / name).read_bytes()
        for _ in range(800):
            overwrite(folder / name, random_damage(rng, content))
            with pytest.raises(ArtefactError):
                check_file(folder / name, checksum)
            n_found += 1
        (folder / name).write_bytes(content)
    content = bytearray((segment / "tokens.bin").read_bytes())
    n_tokens = index.counts["tokens"]
    for _ in range(2000):
        position, bit = int(rng.integers(len(content))), 1 << int(rng.integers(8))
        content[position] ^= bit
        overwrite(segment / "tokens.bin", content)
        with pytest.raises(ArtefactError, match="is not what was written"):
            StoredTokens(segment, n_tokens=n_tokens, codec=Codec("float16", DIM))[0:n_tokens]
        content[position] ^= bit
        n_found += 1
    assert n_found >= 10_000
