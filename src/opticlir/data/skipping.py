"""What happens to a record that is not as its format says: refused, or skipped, counted and reported."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from opticlir.errors import DataError

Record = TypeVar("Record")
Parsed = TypeVar("Parsed")


class MalformedRecordError(ValueError):
    """One record is not as its format says; the reader adds path and line."""


@dataclass
class SkipReport:
    """Counts what readers left out. Every reader takes one as `skipped`; None there means strict.

    Two things are counted apart: `malformed` records, which a strict reader refuses, and `dropped`
    ones, which no reader refuses because real files are full of them (a pair with an empty side).
    """

    lenient: bool = True
    """False counts what is dropped and still refuses what is malformed."""
    n_malformed: int = 0
    messages: list[str] = field(default_factory=list)
    """The first malformed records: path, line and reason of each."""
    dropped: Counter[str] = field(default_factory=Counter)
    """How many records were dropped, by reason."""
    first_dropped: dict[str, str] = field(default_factory=dict)
    """Where each reason was first met."""
    max_messages: int = 5

    @classmethod
    def of(cls, skipped: "SkipReport | None") -> "SkipReport":
        """Return the caller's report, or a strict one where the caller gave none."""
        return cls(lenient=False) if skipped is None else skipped

    def malformed(self, error: DataError) -> None:
        """Raise `error` if this report is strict, otherwise count it.

        Raises:
            DataError: the report is strict.
        """
        if not self.lenient:
            raise error
        self.n_malformed += 1
        if len(self.messages) < self.max_messages:
            self.messages.append(str(error))

    def drop(self, reason: str, where: str) -> None:
        """Count one record that is left out in any case; `where` is its path and line."""
        self.dropped[reason] += 1
        self.first_dropped.setdefault(reason, where)

    def summary(self) -> str:
        """One line for people, empty where nothing was left out."""
        parts = [
            f"{count} {reason} (first: {self.first_dropped[reason]})"
            for reason, count in self.dropped.most_common()
        ]
        if self.n_malformed:
            parts.insert(0, f"{self.n_malformed} malformed (first: {self.messages[0]})")
        return "; ".join(parts)


def parse_records(
    records: Iterable[tuple[int, Record]], parse: Callable[[Record], Parsed], path: Path, report: SkipReport
) -> Iterator[tuple[int, Parsed]]:
    """Parse numbered records one by one, giving each failure its path and line.

    Args:
        records: line number and record.
        parse: turns one record into its value; raises `MalformedRecordError` with the reason.
        path: the file, for messages.
        report: decides whether a malformed record stops the reading.

    Yields:
        Line number and parsed value.

    Raises:
        DataError: a record is malformed and the report is strict.
    """
    for number, record in records:
        try:
            parsed = parse(record)
        except MalformedRecordError as error:
            report.malformed(DataError(f"{path}:{number}: {error}"))
        else:
            yield number, parsed
