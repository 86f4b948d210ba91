"""A file with a line of JSON per step. A resumed run continues it."""

import json
from pathlib import Path
from typing import Any

from opticlir.errors import ArtefactError
from opticlir.storage import write_text_atomically
from opticlir.storage.filesystem import refusals_named


class StepLog:
    """A file of JSON lines, each with the `step` at which it was written.

    Args:
        path: the file; it may be missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, line: dict[str, Any]) -> None:
        """Add one line at the end. Raises ArtefactError where the disk refuses."""
        with refusals_named(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """All lines; a torn last one is left out.

        Raises:
            ArtefactError: a line is damaged.
        """
        lines = self._path.read_bytes().split(b"\n") if self._path.exists() else []
        return [self._parsed(line, number) for number, line in enumerate(lines[:-1], start=1)]

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict) or not isinstance(record.get("step"), int):
            raise ArtefactError(
                f"{self._path}:{number} is damaged: restore the file from a copy, or remove the line"
            )
        return record

    def rewind(self, step: int) -> None:
        """Remove the lines after `step`, and an incomplete last line."""
        kept = [line for line in self.read() if line["step"] <= step]
        write_text_atomically(
            self._path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
        )
