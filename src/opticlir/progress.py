"""How long-running work reports its progress: one protocol for the whole package."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Display


@runtime_checkable
class Progress(Protocol):
    """Receives progress reports; a command draws them as bars."""

    def __call__(self, name: str, done: int, total: int) -> None:
        """Report progress.

        Args:
            name: what is being done, for example `encoding documents`; one bar per name.
            done: finished units, from 0 to `total`.
            total: all units; 0 where the number is not known.
        """


def silent(name: str, done: int, total: int) -> None:
    """Report nothing."""


Check: TypeAlias = Callable[[], None]
"""Called now and then during long work; it raises an exception to stop it."""


def never() -> None:
    """The check that stops nothing."""


class Bars:
    """Draws progress reports as bars, one for each name.

    Args:
        display: where they are drawn; see `bar_display`.
    """

    def __init__(self, display: "Display") -> None:
        self._display = display
        self._tasks: dict[str, Any] = {}

    def __call__(self, name: str, done: int, total: int, note: str = "") -> None:
        """Draw a report; `note` is a text behind the bar."""
        if name not in self._tasks:
            self._tasks[name] = self._display.add_task(name, total=total or None, note="")
        self._display.update(self._tasks[name], completed=done, total=total or None, note=note)


def bar_display(console: "Console | None" = None) -> "Display":
    """A display of bars on stderr, or on another console; open it by `with`.

    The bar is an eighth of the terminal. In a narrow one, names and notes take several lines; numbers and times stay
    whole down to 50 columns.
    """
    from rich import progress  # noqa: PLC0415 - only who draws loads it
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Column  # noqa: PLC0415

    console = console or Console(stderr=True)
    several_lines = Column(no_wrap=False, overflow="fold")
    columns = (
        progress.TextColumn("{task.description}", markup=False, table_column=several_lines),
        progress.BarColumn(bar_width=min(40, max(4, console.width // 8))),
        progress.MofNCompleteColumn(table_column=Column(no_wrap=True)),
        progress.TimeElapsedColumn(table_column=Column(no_wrap=True)),
        progress.TimeRemainingColumn(table_column=Column(no_wrap=True)),
        progress.TextColumn("{task.fields[note]}", markup=False, table_column=several_lines.copy()),
    )  # fmt: skip
    return progress.Progress(*columns, console=console)


@contextmanager
def reporting(progress: Progress | bool) -> Iterator[Progress]:
    """The callback that an argument `progress` stands for, while the block runs.

    Args:
        progress: a callback; True draws bars on stderr, False reports nothing.

    Raises:
        TypeError: it is neither.
    """
    if progress is True:
        with bar_display() as display:
            yield Bars(display)
    elif progress is False:
        yield silent
    elif callable(progress):
        yield progress
    else:
        raise TypeError(f"progress is {progress!r}: expected True, False or a function (name, done, total)")
