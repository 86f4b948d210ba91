"""Samples of a stream of unknown length, in bounded memory and repeatable from a seed."""

import hashlib
import random
from typing import Generic, TypeVar

from opticlir.records import SentencePair

Item = TypeVar("Item")


class Reservoir(Generic[Item]):
    """A uniform sample of a stream (Vitter 1985, algorithm R), in the order of the stream.

    Args:
        capacity: size of the sample; a shorter stream is kept whole.
        seed: equal seeds and streams give equal samples.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        self.n_seen = 0
        self._capacity = capacity
        self._random = random.Random(seed)  # noqa: S311 - a sample, not a secret
        self._items: list[tuple[int, Item]] = []

    def add(self, item: Item) -> None:
        """Add the next item of the stream."""
        numbered = (self.n_seen, item)
        self.n_seen += 1
        if len(self._items) < self._capacity:
            self._items.append(numbered)
            return
        place = self._random.randrange(self.n_seen)
        if place < self._capacity:
            self._items[place] = numbered

    def items(self) -> list[Item]:
        """Return the sample in the order of the stream."""
        return [item for _, item in sorted(self._items, key=lambda numbered: numbered[0])]


class DuplicateCounter:
    """Counts pairs that repeat an earlier pair: exactly, or by a sample if too many are distinct.

    The sample depends on values, not on positions: it holds the distinct pairs whose hash is a multiple of 2**k,
    and k grows when they become too many (Gibbons and Tirthapura 2001). So it counts all copies of a pair in
    the sample, however far apart.

    Args:
        capacity: most distinct pairs in the sample.
    """

    def __init__(self, capacity: int = 1_000_000) -> None:
        self._capacity = capacity
        self._copies: dict[int, int] = {}
        self._mask = 0

    @property
    def one_in(self) -> int:
        """The sample holds one distinct pair in this many; 1 means that the count is exact."""
        return self._mask + 1

    @property
    def n_duplicates(self) -> int:
        """Number of pairs that repeat an earlier one; an estimate if `one_in` is above 1."""
        return sum(self._copies.values()) * self.one_in

    def add(self, pair: SentencePair) -> None:
        """Add one pair."""
        key = _hash(pair)
        if key & self._mask:
            return
        if key in self._copies:
            self._copies[key] += 1
            return
        self._copies[key] = 0
        while len(self._copies) > self._capacity:
            self._mask = 2 * self._mask + 1
            self._copies = {known: count for known, count in self._copies.items() if not known & self._mask}


def _hash(pair: SentencePair) -> int:
    text = f"{pair.english}\0{pair.foreign}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
