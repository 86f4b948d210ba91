"""Query translation by rules, with the program `apertium`. It and the language pair must be installed."""

import shutil
import subprocess
from collections.abc import Sequence

from opticlir.errors import SetupError

_SECONDS = 600


class Apertium:
    """One language pair of Apertium (Forcada et al. 2011).

    Args:
        pair: mode of Apertium, as `apertium -l` lists it, such as `eus-eng`.
        program: name or path of the program.

    Raises:
        SetupError: the program is not installed, or it has no such pair.
    """

    def __init__(self, pair: str, program: str = "apertium") -> None:
        found = shutil.which(program)
        if found is None:
            raise SetupError(
                f"the program {program!r} is not installed: apt install apertium and the package of the pair "
                f"({pair})"
            )
        self._command = [found, "-u", pair]
        modes = subprocess.run([found, "-l"], capture_output=True, text=True, check=False).stdout.split()  # noqa: S603
        if pair not in modes:
            raise SetupError(f"apertium has no pair {pair!r}; installed: {' '.join(modes) or 'none'}")

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Translate all texts in one call of the program.

        Each text is a paragraph, because the rules of Apertium continue from one line to the next.

        Raises:
            SetupError: the program fails, or returns another number of lines.
        """
        lines = "".join(f"{' '.join(text.split())}\n\n" for text in texts)
        done = subprocess.run(  # noqa: S603
            self._command, input=lines, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        found = done.stdout.splitlines()
        if done.returncode != 0 or len(found) != 2 * len(texts):
            reason = " ".join(done.stderr.split())[:300] or (
                f"{len(found)} lines for {len(texts)} texts and as many empty ones"
            )
            raise SetupError(f"{' '.join(self._command)} failed: {reason}")
        return found[::2]
