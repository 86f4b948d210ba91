"""A disk that fails at the n-th system call, for the loops that try every n.

Modes: `before` and `after` crash around the call; `torn` lets half a write through; `lost` crashes and
takes back whatever was not synced, bytes of files and entries of folders alike; `ENOSPC` and `EIO` are refused calls
after which the program goes on.
"""

import errno
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opticlir.storage import filesystem

CRASHES = ("before", "after", "torn", "lost")
REFUSALS = ("ENOSPC", "EIO")


class Crash(BaseException):
    """The process died here. No handler of the program can catch it, and no clean-up runs after it."""


@dataclass
class Change:
    """A new entry in a folder: something created, or renamed from `source` over what the target held."""

    target: Path
    source: Path | None = None
    held: bytes | None = None
    is_synced: bool = False

    def undo(self, later_renames):
        path = self.target
        for rename in reversed(later_renames):
            if rename.source == path:
                return  # its newer name is on the disk
            if rename.source in path.parents:
                path = rename.target / path.relative_to(rename.source)
        if self.source:
            path.rename(self.source)
            if self.held is not None:
                path.write_bytes(self.held)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


class FaultyDisk(filesystem.FileSystem):
    def __init__(self, mode="before", n=0):
        self.mode, self.n = mode, n
        self.count = 0
        self.is_dead = False
        self._paths = {}  # descriptor -> path
        self._unsynced = set()  # files whose bytes are not on the disk
        self._locks = set()
        self._log = []  # what was done to folders, oldest first

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
            self.cut_power()
        for descriptor in list(self._locks):  # the kernel's work
            self.unlock(descriptor)
        raise Crash

    def cut_power(self):
        """Take back whatever is not on the disk; what was reported as done must survive it."""
        for path in self._unsynced:
            if path.exists():
                os.truncate(path, 0)
        kept = []  # renames that the disk has, newest first
        for change in reversed(self._log):
            if change.is_synced:
                kept += [change] if change.source else []
            else:
                change.undo(kept)

    def create(self, path):
        def operation():
            descriptor = super(FaultyDisk, self).create(path)
            self._paths[descriptor] = path
            self._unsynced.add(path)
            self._log.append(Change(path))
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
            for change in self._log:
                change.is_synced |= change.target.parent == path

        self._call(operation)

    def rename(self, source, target):
        def operation():
            held = target.read_bytes() if target.is_file() else None
            super(FaultyDisk, self).rename(source, target)
            self._log.append(Change(target, source, held))

        self._call(operation)

    def link(self, source, target):
        def operation():
            super(FaultyDisk, self).link(source, target)
            self._log.append(Change(target))

        self._call(operation)

    def make_folder(self, path):
        def operation():
            super(FaultyDisk, self).make_folder(path)
            self._log.append(Change(path))

        self._call(operation)

    def remove_empty(self, path):
        self._call(lambda: super(FaultyDisk, self).remove_empty(path))

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
