"""Bitext in memory, in little more space than its texts take."""

from array import array
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

from opticlir.records import SentencePair

Rows = npt.NDArray[np.int64]


class TextColumn(Sequence[str]):
    """Texts in one array of UTF-8 bytes. A text is decoded on access.

    Args:
        data: the bytes of all texts, one after the other.
        ends: (texts,), end of each text.
        rows: the texts of this column in their order; None for all.
    """

    def __init__(self, data: bytearray, ends: "array[int]", rows: Rows | None = None) -> None:
        self._data, self._ends, self._rows = data, ends, rows

    def __len__(self) -> int:
        return len(self._ends) if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        """Return one text, or a list for a slice."""
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        row = range(len(self))[number]
        if self._rows is not None:
            row = int(self._rows[row])
        start = self._ends[row - 1] if row else 0
        return self._data[start : self._ends[row]].decode()


class PairTable(Sequence[SentencePair]):
    """Sentence pairs by column. A pair takes about 30 bytes besides its texts; as an object, it takes 300.

    Args:
        pairs: the pairs in their order.

    Example:
        >>> table = PairTable([SentencePair("water", "maji"), SentencePair("fever", "homa", 3.0)])
        >>> table[1].weight, list(table.foreign), len(table.take([1]))
        (3.0, ['maji', 'homa'], 1)
    """

    def __init__(self, pairs: Iterable[SentencePair] = ()) -> None:
        sides = bytearray(), bytearray()
        ends = array("q"), array("q")
        weights, languages, numbers = array("d"), array("H"), dict[str, int]()
        for pair in pairs:
            for text, side, end in zip((pair.english, pair.foreign), sides, ends, strict=True):
                side.extend(text.encode())
                end.append(len(side))
            weights.append(pair.weight)
            languages.append(numbers.setdefault(pair.language, len(numbers)))
        self._columns = tuple(zip(sides, ends, strict=True))
        self._all_weights = np.frombuffer(weights, dtype=np.float64) if weights else np.empty(0)
        self._all_languages, self._language_names = languages, tuple(numbers)
        self._rows: Rows | None = None

    def take(self, rows: Sequence[int] | Rows) -> "PairTable":
        """Return some pairs in the given order. The texts are not copied."""
        taken = PairTable()
        chosen = np.asarray(rows, dtype=np.int64)
        taken._columns, taken._all_weights = self._columns, self._all_weights
        taken._all_languages, taken._language_names = self._all_languages, self._language_names
        taken._rows = chosen if self._rows is None else self._rows[chosen]
        return taken

    @property
    def rows(self) -> Rows:
        """(pairs,), the number of each pair among all pairs."""
        return np.arange(len(self)) if self._rows is None else self._rows

    @property
    def english(self) -> TextColumn:
        """The English side of each pair."""
        return TextColumn(*self._columns[0], self._rows)

    @property
    def foreign(self) -> TextColumn:
        """The foreign side of each pair."""
        return TextColumn(*self._columns[1], self._rows)

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """(pairs,), the weight of each pair."""
        return self._all_weights if self._rows is None else self._all_weights[self._rows]

    @property
    def languages(self) -> Sequence[str]:
        """The language of each pair; see `SentencePair.language`."""
        return [self._language_names[self._all_languages[row]] for row in self.rows.tolist()]

    def __len__(self) -> int:
        return len(self._all_weights) if self._rows is None else len(self._rows)

    @overload
    def __getitem__(self, number: int) -> SentencePair: ...
    @overload
    def __getitem__(self, number: slice) -> "PairTable": ...
    def __getitem__(self, number: int | slice) -> "SentencePair | PairTable":
        """Return one pair, or a table for a slice."""
        if isinstance(number, slice):
            return self.take(np.arange(len(self))[number])
        row = range(len(self))[number]
        own = row if self._rows is None else int(self._rows[row])
        language = self._language_names[self._all_languages[own]]
        return SentencePair(self.english[row], self.foreign[row], float(self._all_weights[own]), language)
