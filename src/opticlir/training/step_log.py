"""Lines of JSON by step, in a file that a resumed run continues."""

import json
from pathlib import Path
from typing import Any

from opticlir.storage import write_text_atomically
from opticlir.storage.filesystem import refusals_named


class StepLog:
    """A file of JSON lines, each with the `step` it was written at.

    Args:
        path: the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, line: dict[str, Any]) -> None:
        """Add one line at the end. Raises ArtefactError where the disk refuses."""
        with refusals_named(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """All lines; a torn last one is left out."""
        lines = self._path.read_text(encoding="utf-8").split("\n") if self._path.exists() else []
        return [json.loads(line) for line in lines[:-1]]  # a line is whole once its end is written

    def rewind(self, step: int) -> None:
        """Forget what was written after `step`, and a torn last line with it."""
        kept = [line for line in self.read() if line["step"] <= step]
        write_text_atomically(
            self._path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
        )
