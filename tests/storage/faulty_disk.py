"""A disk that fails at the n-th system call, for the loops that try every n.

Modes: `before` and `after` crash around the call; `torn` lets half a write through; `lost` crashes and
takes back whatever was not synced, file contents and renames alike; `ENOSPC` and `EIO` are refused calls
after which the program goes on.
"""

import errno
import os
from contextlib import contextmanager

from opticlir.storage import filesystem

CRASHES = ("before", "after", "torn", "lost")
REFUSALS = ("ENOSPC", "EIO")


class Crash(BaseException):
    """The process died here. No handler of the program can catch it, and no clean-up runs after it."""


class FaultyDisk(filesystem.FileSystem):
    def __init__(self, mode="before", n=0):
        self.mode, self.n = mode, n
        self.count = 0
        self.is_dead = False
        self._paths = {}  # descriptor -> path
        self._unsynced = set()  # files whose bytes are not on the disk
        self._locks = set()
        self._renames = []  # (source, target, what the target held), not on the disk

    @property
    def fired(self):
        return self.count >= self.n

    def _call(self, operation, torn=lambda: None):
        if self.is_dead:
            raise Crash
        self.count += 1
        if self.count != self.n:
            return operation()
        if self.mode in REFUSALS:
            raise OSError(getattr(errno, self.mode), os.strerror(getattr(errno, self.mode)))
        self.is_dead = True
        if self.mode == "after":
            operation()
        if self.mode == "torn":
            torn()
        if self.mode == "lost":
            self._lose()
        for descriptor in list(self._locks):  # the kernel's work
            self.unlock(descriptor)
        raise Crash

    def _lose(self):
        for path in self._unsynced:
            if path.exists():
                os.truncate(path, 0)
        for source, target, held in reversed(self._renames):
            target.rename(source)
            if held is not None:
                target.write_bytes(held)

    def create(self, path):
        def operation():
            descriptor = super(FaultyDisk, self).create(path)
            self._paths[descriptor] = path
            self._unsynced.add(path)
            return descriptor

        return self._call(operation)

    def write(self, descriptor, data):
        half = data[: len(data) // 2]
        return self._call(lambda: os.write(descriptor, data), torn=lambda: os.write(descriptor, half))

    def sync(self, descriptor):
        self._call(lambda: self._unsynced.discard(self._paths[descriptor]))

    def close(self, descriptor):
        os.close(descriptor)  # a dead process holds no file open
        self._call(lambda: None)

    def sync_path(self, path):
        def operation():
            self._unsynced.discard(path)
            self._renames = [rename for rename in self._renames if rename[1].parent != path]

        self._call(operation)

    def rename(self, source, target):
        def operation():
            held = target.read_bytes() if target.is_file() else None
            super(FaultyDisk, self).rename(source, target)
            self._renames.append((source, target, held))

        self._call(operation)

    def make_folder(self, path):
        self._call(lambda: super(FaultyDisk, self).make_folder(path))

    def remove(self, path):
        self._call(lambda: super(FaultyDisk, self).remove(path))

    def lock(self, path):
        def operation():
            descriptor = super(FaultyDisk, self).lock(path)
            self._locks.add(descriptor)
            return descriptor

        return self._call(operation)

    def unlock(self, descriptor):
        if descriptor in self._locks:
            self._locks.remove(descriptor)
            os.close(descriptor)


@contextmanager
def using(disk):
    """Put the double under every durable write of the block."""
    before, filesystem.active = filesystem.active, disk
    try:
        yield disk
    finally:
        filesystem.active = before


def until_no_fault(mode, run):
    """Call `run(disk)` with the fault at call 1, 2, 3 ... until it completes before the fault is due."""
    n = 0
    while True:
        n += 1
        disk = FaultyDisk(mode, n)
        run(disk)
        if not disk.fired:
            return n - 1
