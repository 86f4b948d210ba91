"""Samples of a stream whose length nobody knows, in bounded memory and repeatable from a seed."""

import hashlib
import random
from typing import Generic, TypeVar

from opticlir.records import SentencePair

Item = TypeVar("Item")


class Reservoir(Generic[Item]):
    """A uniform sample of a stream (Vitter 1985, algorithm R), in the order of the stream.

    Args:
        capacity: how many items are kept; a shorter stream is kept whole.
        seed: the same seed and stream give the same sample.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        self.n_seen = 0
        self._capacity = capacity
        self._random = random.Random(seed)  # noqa: S311 - a sample, no secret
        self._items: list[tuple[int, Item]] = []

    def add(self, item: Item) -> None:
        """Offer the next item of the stream."""
        numbered = (self.n_seen, item)
        self.n_seen += 1
        if len(self._items) < self._capacity:
            self._items.append(numbered)
            return
        place = self._random.randrange(self.n_seen)
        if place < self._capacity:
            self._items[place] = numbered

    def items(self) -> list[Item]:
        """The items kept, in the order they came in."""
        return [item for _, item in sorted(self._items, key=lambda numbered: numbered[0])]


class DuplicateCounter:
    """Counts pairs that were seen before: exactly, until too many are distinct, then by a sample.

    The sample is by value, not by place: of all distinct pairs, those whose hash is a multiple of
    2**k are watched, and k grows as they become too many (Gibbons and Tirthapura 2001). All copies of
    a watched pair are seen, so that duplicates far apart count like neighbours.

    Args:
        capacity: how many distinct pairs are watched at most.
    """

    def __init__(self, capacity: int = 1_000_000) -> None:
        self._capacity = capacity
        self._copies: dict[int, int] = {}
        self._mask = 0

    @property
    def one_in(self) -> int:
        """One distinct pair in so many is watched; 1 means that the count is exact."""
        return self._mask + 1

    @property
    def n_duplicates(self) -> int:
        """How many pairs repeat an earlier one; an estimate where `one_in` is above 1."""
        return sum(self._copies.values()) * self.one_in

    def add(self, pair: SentencePair) -> None:
        """Take note of one pair."""
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
