"""Character 5-grams of texts, and how often each is in each document of a segment.

The counts never change. What BM25 makes of them depends on all documents of the index; see `lexical`.

Memory: a search maps the counts from disk, 6 bytes per distinct pair of gram and document (about 3 KB for a passage of
100 words). Writing holds them, and merging segments holds some thousand grams at a time.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Integer
from scipy import sparse

from opticlir.search.arrays import checked_texts, damaged, read_array, read_bounds, write_array
from opticlir.storage import Checksum, DurableFile, MappedFile, write_file
from opticlir.words import latin_words

GRAM = 5

_GRAMS = "grams.json"
"""The grams in the order of their code points."""
_BOUNDS = "grams.npy"
"""(n_grams + 1,) int64: where the postings of each gram begin."""
_POSTINGS = "postings.bin"
"""A row of a document, and how often it holds the gram, for each gram and document; rows rise within a gram."""
_LENGTHS = "lengths.npy"
"""(n_documents,) int64: how many grams each document has."""
GRAM_FILES = (_GRAMS, _BOUNDS, _POSTINGS, _LENGTHS)
READ_LATER = (_GRAMS, _POSTINGS)
"""Large files, whose content is checked when it is first read."""
_POSTING = np.dtype([("row", "<i4"), ("count", "<u2")])
_MOST = 2**16 - 1
"""A gram that is in a document more often counts as so many."""
_MERGED = 2**22
"""Postings that are merged at a time, about 200 MB."""


def character_grams(text: str) -> Iterator[str]:
    """Yield the character 5-grams of a text in Latin letters, word by word, in lower case.

    Example:
        >>> list(character_grams("Ab Jackson!"))
        ['<ab>', '<jack', 'jacks', 'ackso', 'ckson', 'kson>']
        >>> list(character_grams("Кампала"))
        ['<kamp', 'kampa', 'ampal', 'mpala', 'pala>']
    """
    for word in latin_words(text):
        marked = f"<{word}>"
        for start in range(max(1, len(marked) - GRAM + 1)):
            yield marked[start : start + GRAM]


class Postings(NamedTuple):
    """The documents that hold some grams."""

    bounds: Integer[np.ndarray, " n_bounds"]
    """(n_grams + 1,), where those of each gram begin."""
    rows: Integer[np.ndarray, " n"]
    """Rows of documents, rising within a gram."""
    counts: Integer[np.ndarray, " n"]
    """How often each holds the gram."""

    def kept(self, places: Integer[np.ndarray, " n_documents"]) -> "Postings":
        """Those of the documents with a place of 0 or more; the place becomes their row."""
        rows = places[self.rows]
        is_kept = rows >= 0
        n_before = np.concatenate([[0], np.cumsum(is_kept)])
        return Postings(n_before[self.bounds], rows[is_kept], self.counts[is_kept])


class GramWriter:
    """Collects the grams of documents and writes how often each holds them.

    Args:
        folder: of an unpublished segment.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers: dict[str, int] = {}
        self._columns, self._counts = array("i"), array("H")
        self._starts, self._lengths = array("q", [0]), array("q")

    @property
    def n_postings(self) -> int:
        """Pairs of gram and document so far."""
        return len(self._columns)

    def append(self, text: str) -> None:
        """Add the next document."""
        numbers, counts = self._numbers, Counter(character_grams(text))
        self._columns.extend(numbers.setdefault(gram, len(numbers)) for gram in counts)
        self._counts.extend(min(count, _MOST) for count in counts.values())
        self._starts.append(len(self._columns))
        self._lengths.append(counts.total())

    def finish(self) -> dict[str, Checksum]:
        """Write the counts, and return the checksums of their files."""
        grams = sorted(self._numbers)
        places = np.empty(len(grams), np.int32)
        places[[self._numbers[gram] for gram in grams]] = np.arange(len(grams))
        columns = places[np.array(self._columns, np.int32)]
        shape = (len(self._lengths), len(grams))
        by_document = sparse.csr_array(
            (np.array(self._counts, np.uint16), columns, np.array(self._starts, np.int64)), shape=shape
        )
        by_gram = by_document.tocsc()  # rows stay in their order
        found = Postings(by_gram.indptr, by_gram.indices, by_gram.data)
        lengths = np.array(self._lengths, np.int64)
        return _write(self._folder, grams, np.diff(by_gram.indptr), [found], lengths)


def _write(
    folder: Path, grams: Sequence[str], sizes: np.ndarray, found: Iterable[Postings], lengths: np.ndarray
) -> dict[str, Checksum]:
    """Write counts; grams whose size is 0 once all postings are found are left out."""
    with DurableFile(folder / _POSTINGS) as file:
        for each in found:
            rows = np.empty(len(each.rows), _POSTING)
            rows["row"], rows["count"] = each.rows, each.counts
            file.write(rows.data)
        postings = file.finish()
    held = [gram for gram, size in zip(grams, sizes, strict=True) if size]
    return {
        _GRAMS: write_file(folder / _GRAMS, json.dumps(held, ensure_ascii=False).encode()),
        _BOUNDS: write_array(folder / _BOUNDS, np.cumsum([0, *sizes[sizes > 0]], dtype=np.int64)),
        _POSTINGS: postings,
        _LENGTHS: write_array(folder / _LENGTHS, lengths),
    }


class StoredGrams:
    """The counts of a segment. The large files are checked and read when they are first asked for.

    Args:
        folder: of the segment; the checksums of its small files are right.
        n_documents: number of documents.
        files: checksums by name.

    Raises:
        ArtefactError: the files do not hold the counts of so many documents.
    """

    def __init__(self, folder: Path, n_documents: int, files: Mapping[str, Checksum]) -> None:
        self._folder = folder
        self._grams_file = MappedFile(folder / _GRAMS, files[_GRAMS])
        self._postings_file = MappedFile(folder / _POSTINGS, files[_POSTINGS])
        self.lengths = read_array(folder / _LENGTHS, np.int64, n_documents)
        if (self.lengths < 0).any():
            raise damaged(folder / _LENGTHS, "a document has less than no grams")
        n_bytes = self._postings_file.n_bytes
        self._bounds = read_bounds(folder / _BOUNDS, stop=n_bytes // _POSTING.itemsize)
        if n_bytes % _POSTING.itemsize:
            raise damaged(folder / _POSTINGS, "its end is missing")

    @cached_property
    def grams(self) -> list[str]:
        """In the order of their code points.

        Raises:
            ArtefactError: the file is damaged.
        """
        self._grams_file.check_content()
        grams = checked_texts(bytes(self._grams_file.content), self._folder / _GRAMS)
        if len(grams) != len(self._bounds) - 1 or grams != sorted(grams):
            raise damaged(self._folder / _GRAMS, "its grams are not those of the counts in their order")
        return grams

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {gram: number for number, gram in enumerate(self.grams)}

    @cached_property
    def _postings(self) -> np.ndarray:
        self._postings_file.check_content()
        postings = np.frombuffer(self._postings_file.content, _POSTING)
        n_documents = len(self.lengths)
        if len(postings) and not 0 <= postings["row"].min() <= postings["row"].max() < n_documents:
            raise damaged(
                self._folder / _POSTINGS, f"it names a document beyond the {n_documents} of its segment"
            )
        rises = postings["row"][1:] > postings["row"][:-1]
        rises[self._bounds[1:-1] - 1] = True  # the next gram begins
        if not rises.all() or not postings["count"].all():
            raise damaged(self._folder / _POSTINGS, "the documents of a gram do not rise, or lack it")
        return postings

    def of(self, grams: Sequence[str]) -> Postings:
        """The documents that hold some grams, gram by gram.

        Raises:
            ArtefactError: a file is damaged, or has changed since it was opened.
        """
        numbers = [self._numbers.get(gram) for gram in grams]
        self._postings_file.check()
        parts = [
            self._postings[:0]
            if each is None
            else self._postings[self._bounds[each] : self._bounds[each + 1]]
            for each in numbers
        ]
        found = np.concatenate([self._postings[:0], *parts])
        return Postings(np.cumsum([0, *map(len, parts)]), found["row"], found["count"])

    def between(self, first: int, last: int) -> Postings:
        """The documents that hold the grams with these numbers."""
        bounds = self._bounds[first : last + 1]
        found = self._postings[bounds[0] : bounds[-1]]
        return Postings(bounds - bounds[0], found["row"], found["count"])

    @property
    def sizes(self) -> np.ndarray:
        """(n_grams,), the number of documents that hold each gram."""
        return np.diff(self._bounds)


Part: TypeAlias = tuple[StoredGrams, Integer[np.ndarray, " _"]]
"""The counts of a segment, and for each of its documents the row in another one, or -1."""


def merge_grams(folder: Path, parts: Sequence[Part]) -> dict[str, Checksum]:
    """Write the counts of some documents of several segments; the files are those of a segment made of their texts.

    Args:
        folder: of an unpublished segment.
        parts: the segments, with the rows of their documents in the new one; these rise from segment to segment.
    """
    grams = sorted({gram for counts, _ in parts for gram in counts.grams})
    number = {gram: column for column, gram in enumerate(grams)}
    columns = [np.array([number[gram] for gram in counts.grams], np.int64) for counts, _ in parts]
    sizes = np.zeros(len(grams), np.int64)
    for (counts, _), column in zip(parts, columns, strict=True):
        sizes[column] += counts.sizes
    lengths = np.concatenate([counts.lengths[places >= 0] for counts, places in parts])
    return _write(folder, grams, sizes, _merged(parts, columns, sizes), lengths)


def _merged(parts: Sequence[Part], columns: Sequence[np.ndarray], sizes: np.ndarray) -> Iterator[Postings]:
    """The postings of some thousand grams at a time. Their `sizes` become those of the documents that stay."""
    ends, first = np.cumsum(sizes), 0
    while first < len(ends):
        start = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, start + _MERGED, side="right")))
        column, found = [], []
        for (counts, places), each in zip(parts, columns, strict=True):
            low, high = np.searchsorted(each, (first, last))
            kept = counts.between(int(low), int(high)).kept(places)
            column.append(np.repeat(each[low:high], np.diff(kept.bounds)))
            found.append(kept)
        of_all = np.concatenate(column)
        order = np.argsort(of_all, kind="stable")  # rows rise from segment to segment
        sizes[first:last] = np.bincount(of_all - first, minlength=last - first)
        rows, counted = (np.concatenate(each)[order] for each in list(zip(*found, strict=True))[1:])
        yield Postings(np.cumsum([0, *sizes[first:last]]), rows, counted)
        first = last
