"""How long-running work reports its progress: one protocol for the whole package."""

from typing import Protocol


class Progress(Protocol):
    """Receives progress reports; a command draws them as bars."""

    def __call__(self, name: str, done: int, total: int) -> None:
        """Report progress.

        Args:
            name: what is being done, for example `encoding documents`; one bar per name.
            done: finished units, from 0 to `total`.
            total: all units.
        """


def silent(name: str, done: int, total: int) -> None:
    """Report nothing."""
