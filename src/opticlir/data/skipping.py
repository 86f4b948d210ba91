"""Malformed records: a strict reader refuses them, a lenient one skips, counts and reports them."""

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from opticlir.errors import DataError

Record = TypeVar("Record")
Parsed = TypeVar("Parsed")


class MalformedRecordError(ValueError):
    """A record does not follow its format. The reader adds path and line."""


@dataclass
class SkipReport:
    """Counts the records that readers leave out. Readers take one as `skipped`; None means strict.

    `malformed` records are refused by a strict reader. `dropped` ones are never refused, because real files
    have many of them: for example, a pair with an empty side.
    """

    lenient: bool = True
    """If False, malformed records are refused; dropped ones are still counted."""
    n_malformed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Number of dropped records by reason."""
    first_dropped: dict[str, str] = field(default_factory=dict)
    """Path and line of the first record dropped for each reason."""
    remarks: list[str] = field(default_factory=list)
    """What a reader decided where a file left a choice, and what looks wrong in it; each once."""
    max_messages: int = 5
    _first: list[tuple[int, int, str]] = field(default_factory=list)
    """The first malformed records: number of the file, line, and message."""
    _files: dict[Path, int] = field(default_factory=dict)
    """Files with malformed records, numbered as they were read."""

    @classmethod
    def of(cls, skipped: "SkipReport | None") -> "SkipReport":
        """Return the given report, or a strict one for None."""
        return cls(lenient=False) if skipped is None else skipped

    @property
    def messages(self) -> list[str]:
        """Path, line and reason of the first malformed records, in the order of the files and of their lines."""
        return [message for _, _, message in self._first]

    def malformed(self, path: Path, line: int, reason: str) -> None:
        """Count a malformed record; a strict report refuses it.

        Args:
            path: its file.
            line: its line. A reader may find the malformed lines of a file in any order.
            reason: what is wrong.

        Raises:
            DataError: the report is strict.
        """
        message = f"{path}:{line}: {reason}"
        if not self.lenient:
            raise DataError(message)
        self.n_malformed += 1
        insort(self._first, (self._files.setdefault(path, len(self._files)), line, message))
        del self._first[self.max_messages :]

    def drop(self, reason: str, where: str) -> None:
        """Count a dropped record; `where` is its path and line."""
        self.dropped[reason] += 1
        self.first_dropped.setdefault(reason, where)

    def remark(self, text: str) -> None:
        """Say once what a reader decided, or what looks wrong."""
        if text not in self.remarks:
            self.remarks.append(text)

    def summary(self) -> str:
        """Return one line about what was left out and the remarks; empty if there is nothing to say."""
        parts = [
            f"{count} {reason} (first: {self.first_dropped[reason]})"
            for reason, count in self.dropped.most_common()
        ]
        if self.n_malformed:
            parts.insert(0, f"{self.n_malformed} malformed (first: {'; '.join(self.messages)})")
        return "; ".join([*parts, *self.remarks])


def parse_records(
    records: Iterable[tuple[int, Record]], parse: Callable[[Record], Parsed], path: Path, report: SkipReport
) -> Iterator[tuple[int, Parsed]]:
    """Parse numbered records one by one, and add path and line to each error.

    Args:
        records: line number and record.
        parse: turns one record into its value; raises `MalformedRecordError` with the reason.
        path: the file, for messages.
        report: a strict one stops at a malformed record.

    Yields:
        Line number and parsed value.

    Raises:
        DataError: a record is malformed and the report is strict.
    """
    for number, record in records:
        try:
            parsed = parse(record)
        except MalformedRecordError as error:
            report.malformed(path, number, str(error))
        else:
            yield number, parsed
