"""Query translation by a bilingual dictionary: the longest entry at each position, its first meaning."""

from collections.abc import Sequence
from pathlib import Path

from opticlir.data import read_dictionary
from opticlir.words import uncased_words

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
        """Read files of entries (see `data.read_dictionary`); the first entry of a word is the most usual one."""
        meanings: dict[tuple[str, ...], list[str]] = {}
        for path in paths:
            for english, foreign in read_dictionary(path):
                if key := tuple(uncased_words(foreign)):
                    meanings.setdefault(key, []).append(english)
        return cls(meanings)

    def knows(self, word: str) -> bool:
        """Whether a word, lower-cased and without diacritics, is an entry by itself."""
        return (word,) in self._meanings

    def translate(self, text: str) -> str:
        """Translate from the left, entry by entry; words without an entry stay as they are."""
        rest, found = uncased_words(text), []
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
