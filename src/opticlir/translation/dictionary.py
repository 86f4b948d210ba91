"""Query translation with a bilingual dictionary: the first meaning of the longest entry at each position."""

from collections.abc import Sequence
from pathlib import Path

from opticlir.data.dictionaries import longest_entry, read_dictionary
from opticlir.translation.foreign_words import foreign_words


class Dictionary:
    """English meanings of foreign words and phrases.

    Args:
        entries: English and foreign side of each entry; the most common meaning comes first.
        language: ISO 639-3 code of the foreign side; None if unknown.

    Example:
        >>> Dictionary([("water", "maji"), ("clean water", "maji safi")]).translate("Maji safi, maji")
        'clean water , water'
    """

    def __init__(self, entries: Sequence[tuple[str, str]], language: str | None = None) -> None:
        self.words = foreign_words((foreign for _, foreign in entries), language)
        """Splits a foreign text into the words of the dictionary."""
        self._meanings: dict[tuple[str, ...], list[str]] = {}
        for english, foreign in entries:
            if key := tuple(self.words(foreign)):
                self._meanings.setdefault(key, []).append(english)

    def __len__(self) -> int:
        return len(self._meanings)

    @classmethod
    def read(cls, paths: Sequence[Path], language: str | None = None) -> "Dictionary":
        """Read files of entries (see `data.read_dictionary`). The first entry of a word is its most common meaning."""
        return cls([entry for path in paths for entry in read_dictionary(path)], language)

    def knows(self, word: str) -> bool:
        """Whether a word, in the form that `words` gives it, has an entry of its own."""
        return (word,) in self._meanings

    def translate(self, text: str) -> str:
        """Translate entry by entry, from the left. Words without an entry stay unchanged."""
        rest, found = self.words(text), []
        while rest:
            length = longest_entry(rest, self._meanings)
            found.append(self._meanings[tuple(rest[:length])][0] if length else rest[0])
            rest = rest[length or 1 :]
        return " ".join(found)

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Translate each text."""
        return [self.translate(text) for text in texts]
