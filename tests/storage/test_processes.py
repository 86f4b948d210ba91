"""Real processes: SIGKILL, locks of the living and the dead, readers beside a writer.

The children are forks of this process, which is enough to die in earnest and much cheaper than starting
anew. The moment is signalled through a pipe, never by sleeping.
"""

import contextlib
import os
import shutil
import signal
import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from faulty_disk import FaultyDisk, using

from opticlir.errors import ArtefactError
from opticlir.records import Document, Query
from opticlir.search import ExactIndex
from opticlir.search.scoring import Scorer
from opticlir.storage import exclusive_lock, filesystem


class PausingDisk(filesystem.FileSystem):
    """Counts the calls that change the disk; at the n-th it says so and waits to be killed."""

    def __init__(self, n, pipe):
        self.left, self.pipe = n, pipe

    def _step(self):
        self.left -= 1
        if self.left == 0:
            os.write(self.pipe, b"!")
            signal.pause()

    def create(self, path):
        self._step()
        return super().create(path)

    def write(self, descriptor, data):
        self._step()
        return super().write(descriptor, data)

    def link(self, source, target):
        self._step()
        super().link(source, target)

    def make_folder(self, path):
        self._step()
        super().make_folder(path)

    def rename(self, source, target):
        self._step()
        super().rename(source, target)

    def remove(self, path):
        self._step()
        super().remove(path)


@contextmanager
def forked(work):
    """A child that runs `work(pipe)`; yields its number and the other end of the pipe; killed at the end."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of numpy and torch: the child uses none
        child = os.fork()
    if child == 0:
        try:
            work(writing)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        yield child, reading
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)


def matrix(seed):
    return np.random.default_rng(seed).standard_normal((3, 4), dtype=np.float32)


def create(path, *numbers):
    entries = ((Document(f"d{number}", f"text {number}"), matrix(number)) for number in numbers)
    return ExactIndex.create(path, entries, encoder="e")


def answers(index):
    run = Scorer(index).rank_by_each([Query("1", "text 2", "und")], [matrix(99)], rankings=["hybrid"])
    return tuple((index.document(index.row(doc_id)), score) for doc_id, score in run["hybrid"]["1"].items())


@pytest.mark.parametrize("n", range(1, 61))
def test_a_killed_build_leaves_the_old_index_or_the_new(tmp_path, n, cases):
    if n not in cases({1, 2, 5, 9, 14, 20, 26, 30, 31}, range(1, 61)):
        pytest.skip("of the promised number of moments: runs with --deep")
    path, numbers = tmp_path / "index", range(1, 4 if n <= 31 else 40)  # more documents, more calls
    with using(FaultyDisk()):
        old, new = answers(create(path, 1, 2)), answers(create(tmp_path / "golden", *numbers))

    def build(pipe):
        with using(PausingDisk(n, pipe)):
            create(path, *numbers)

    with forked(build) as (child, pipe):
        assert os.read(pipe, 1) == b"!", "the build ended before its n-th call"
        with pytest.raises(ArtefactError, match=rf"being written by another process \(process {child}\)"):
            create(path, 9)
        seen = answers(ExactIndex.open(path))
    assert seen == answers(ExactIndex.open(path))
    assert seen in {old, new}
    assert len(create(path, 4, 5)) == 2
    assert len(list((path / "versions").iterdir())) == 1


def twelve_deleted(path):
    """An index with two segments and tombstones: the next deletion copies one of them."""
    index = create(path, *range(20))
    more = [(Document(f"d{number}", f"text {number}"), matrix(number)) for number in range(20, 24)]
    return index.add(more).delete(["d1", "d2", "d3", "d4"])


CHANGES = {
    "add": lambda path: ExactIndex.open(path).add([(Document("d99", "text 99"), matrix(99))]),
    "delete": lambda path: ExactIndex.open(path).delete(["d5", "d6"]),
    "update": lambda path: ExactIndex.open(path).update([(Document("d7", "another"), matrix(98))]),
    "optimize": lambda path: ExactIndex.open(path).optimize(),
    "snapshot": lambda path: ExactIndex.open(path).snapshot(path.with_name("copy")),
}


@pytest.mark.parametrize("n", [1, 3, 12, 17, 25, 31])
@pytest.mark.parametrize("name", CHANGES)
def test_a_killed_change_leaves_the_old_index_or_the_new(tmp_path, name, n):
    path, change = tmp_path / "index", CHANGES[name]
    with using(FaultyDisk()):
        twelve_deleted(path)
        shutil.copytree(path, tmp_path / "changed")
        old, new = answers(ExactIndex.open(path)), answers(change(tmp_path / "changed"))
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)

    def work(pipe):
        with using(PausingDisk(n, pipe)):
            change(path)

    with forked(work) as (_, pipe):
        assert os.read(pipe, 1) == b"!", "the change ended before its n-th call"
        assert answers(ExactIndex.open(path)) in {old, new}
    index = ExactIndex.open(path)
    index.verify()
    assert answers(index) in {old, new}
    with using(FaultyDisk()):
        if answers(index) == old:
            assert answers(change(path)) == new
        ExactIndex.open(path).add([(Document("last", "text"), matrix(1))])  # the dead one is in nobody's way
    assert len(list((path / "versions").iterdir())) == 1


def test_the_lock_of_the_living_holds_and_that_of_the_dead_does_not(tmp_path):
    target = tmp_path / "index"

    def hold(pipe):
        with exclusive_lock(target):
            os.write(pipe, b"!")
            signal.pause()

    for _ in range(10):
        with forked(hold) as (child, pipe):
            assert os.read(pipe, 1) == b"!"
            message = rf"\(process {child}\): wait until it ends, or stop it"
            with pytest.raises(ArtefactError, match=message), exclusive_lock(target):
                pytest.fail("there are two holders")
        assert (tmp_path / ".index.opticlir-lock").exists()  # left behind, and in nobody's way
        with exclusive_lock(target):
            pass
        assert not (tmp_path / ".index.opticlir-lock").exists()


def test_four_readers_beside_a_writer_see_one_version_each(tmp_path, cases):
    path = tmp_path / "index"
    golden = {answers(create(tmp_path / str(n), *range(n + 1))): n for n in range(4)}
    create(path, 0)

    def read(pipe):
        n_read = 0
        while True:
            answer = answers(ExactIndex.open(path))
            n_read += 1
            os.write(pipe, b"." if answer in golden else b"X")

    with contextlib.ExitStack() as readers, using(FaultyDisk()):
        pipes = [readers.enter_context(forked(read))[1] for _ in range(4)]
        assert {os.read(pipe, 1) for pipe in pipes} == {b"."}
        n_answers = version = 0
        while version < 20 or n_answers < cases(40, 10_000):
            create(path, *range(1 + version % 4))
            seen = b"".join(os.read(pipe, 10_000) for pipe in pipes)  # waits until all have read again
            assert set(seen) == {ord(".")}
            version, n_answers = version + 1, n_answers + len(seen)
