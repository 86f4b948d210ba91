"""Query translation by a bilingual dictionary: the longest entry that stands at a place, its first meaning."""

from collections.abc import Sequence
from pathlib import Path

from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.translation.word_table import words

_LONGEST = 4


class Dictionary:
    """English meanings of foreign words and phrases.

    Args:
        meanings: by foreign words, lower-cased and without diacritics; the most usual meaning first.

    Example:
        >>> Dictionary({("maji",): ["water"], ("maji", "safi"): ["clean water"]}).translate("Maji safi, maji")
        'clean water , water'
    """

    def __init__(self, meanings: dict[tuple[str, ...], list[str]]) -> None:
        self._meanings = meanings

    def __len__(self) -> int:
        return len(self._meanings)

    @classmethod
    def read(cls, paths: Sequence[Path]) -> "Dictionary":
        """Read `english<TAB>foreign` files; where a line has no tab, as in MUSE, a space divides the two.

        A foreign side may hold several words for the same, divided by commas. What stands first in the
        files is taken for the most usual.

        Raises:
            DataError: a line has one side only, or the files hold no entry.
        """
        meanings: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            for number, line in read_lines(path):
                if not line.strip():
                    continue
                english, divided, foreign = line.partition("\t") if "\t" in line else line.partition(" ")
                if not divided or not english.strip() or not foreign.strip():
                    raise DataError(f"{path}:{number}: expected ENGLISH<TAB>FOREIGN, found {line.strip()!r}")
                for alternative in foreign.split(","):
                    if key := tuple(words(alternative)):
                        meanings.setdefault(key, []).append(english.strip())
        if not meanings:
            raise DataError(f"{', '.join(map(str, paths))}: no dictionary entry in it")
        return cls(meanings)

    def translate(self, text: str) -> str:
        """Meaning by meaning, from the left; words that are in no entry stay as they are."""
        rest, found = words(text), []
        while rest:
            length = next(
                (n for n in range(min(_LONGEST, len(rest)), 0, -1) if tuple(rest[:n]) in self._meanings), 0
            )
            found.append(self._meanings[tuple(rest[:length])][0] if length else rest[0])
            rest = rest[length or 1 :]
        return " ".join(found)

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Each by itself."""
        return [self.translate(text) for text in texts]
