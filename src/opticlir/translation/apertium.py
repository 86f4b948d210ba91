"""Query translation by rules, with the program `apertium`. It and the language pair must be installed."""

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence

from opticlir.errors import SetupError

_SECONDS = 600.0
_LOCALE = {"LC_ALL": "C.UTF-8"}
"""The programs of a pair read and write UTF-8, whatever the language of this machine is."""


class Apertium:
    """One language pair of Apertium (Forcada et al. 2011). No shell reads the texts: they go to its standard input.

    Args:
        pair: mode of Apertium, as `apertium -l` lists it, such as `eus-eng`.
        program: name or path of the program.
        seconds: longest time for one call of the program.

    Raises:
        SetupError: the program is not installed, or it has no such pair.
    """

    def __init__(self, pair: str, program: str = "apertium", *, seconds: float = _SECONDS) -> None:
        found = shutil.which(program)
        if found is None:
            raise SetupError(
                f"the program {program!r} is not installed: apt install apertium and the package of the pair "
                f"({pair})"
            )
        self._command, self._seconds = [found, "-u", pair], seconds
        modes = self._output([found, "-l"], "")[1].split()
        if pair not in modes:
            raise SetupError(f"apertium has no pair {pair!r}; installed: {' '.join(modes) or 'none'}")

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Translate all texts in one call of the program.

        Each text is a paragraph, because the rules of Apertium continue from one line to the next.

        Raises:
            SetupError: the program fails, takes too long, or returns another number of lines.
        """
        lines = "".join(f"{' '.join(text.split())}\n\n" for text in texts)
        code, output, complaint = self._output(self._command, lines)
        found = output.split("\n")[:-1]
        if code != 0 or len(found) != 2 * len(texts):
            reason = " ".join(complaint.split())[:300] or (
                f"{len(found)} lines for {len(texts)} texts and as many empty ones"
            )
            raise SetupError(f"{' '.join(self._command)} failed: {reason}")
        return found[::2]

    def _output(self, command: Sequence[str], lines: str) -> tuple[int, str, str]:
        """Exit status, output and complaints of the program. One that takes too long ends with all that it started."""
        with subprocess.Popen(  # noqa: S603 - a program by its path, without a shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace", env={**os.environ, **_LOCALE}, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                output, complaint = process.communicate(lines, self._seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                raise SetupError(
                    f"{' '.join(command)} took more than {self._seconds:g} seconds, so it was stopped"
                ) from None
            return process.returncode, output, complaint
