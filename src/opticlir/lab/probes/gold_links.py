"""Word alignments made by people, in Pharaoh format: `0-0 1-2 2p3`, one line per sentence pair."""

import re
from collections.abc import Sequence
from pathlib import Path

from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.records import GoldLinks, SentencePair, WordLink
from opticlir.visible import shown

_LINK = re.compile(r"([0-9]{1,6})([-p?])([0-9]{1,6})")
_WORD = re.compile(r"[^ ]+")


def spaced_words(text: str) -> list[tuple[str, tuple[int, int]]]:
    """Return the words of a text between spaces, each with its begin and end. Gold links count these words.

    Example:
        >>> spaced_words("maji  safi .")
        [('maji', (0, 4)), ('safi', (6, 10)), ('.', (11, 12))]
    """
    return [(word.group(), word.span()) for word in _WORD.finditer(text)]


def read_gold_links(
    path: Path, pairs: Sequence[SentencePair], *, foreign_first: bool = False
) -> list[GoldLinks]:
    """Read the gold links of sentence pairs.

    `1-2` is a sure link of word 1 and word 2, counted from 0; `1p2` and `1?2` are possible links. Line n belongs to
    pair n. An empty line means that no word is linked.

    Args:
        path: the file, plain or gzipped.
        pairs: the sentences, with spaces between the words.
        foreign_first: whether the first number of a link counts the foreign words. By default it counts the English
            words, because the English side comes first in bitext files.

    Returns:
        The links of each pair, always with the foreign word first.

    Raises:
        DataError: a line is malformed or names a missing word, the numbers of lines and pairs differ, or no link is
            sure.
    """

    def parse(line: str) -> GoldLinks:
        return _parse(line, foreign_first=foreign_first)

    found = []
    for number, links in parse_records(read_lines(path), parse, path, SkipReport(lenient=False)):
        if number <= len(pairs):
            _check(links, pairs[number - 1], f"{path}:{number}", foreign_first=foreign_first)
        found.append(links)
    if len(found) != len(pairs):
        raise DataError(
            f"{path}: {len(found)} lines of links for {len(pairs)} sentence pairs: expected a line for each pair"
        )
    if not any(links.sure for links in found):
        raise DataError(f"{path}: no link is sure, such as 0-0: recall has nothing to count")
    return found


def _parse(line: str, *, foreign_first: bool) -> GoldLinks:
    sure, possible = set[WordLink](), set[WordLink]()
    for written in line.split():
        if not (link := _LINK.fullmatch(written)):
            raise MalformedRecordError(
                f"expected links such as 0-0 (sure), 2p3 or 2?3 (possible), found {shown(written)}"
            )
        first, kind, second = int(link[1]), link[2], int(link[3])
        (sure if kind == "-" else possible).add((first, second) if foreign_first else (second, first))
    return GoldLinks(sure=frozenset(sure), possible=frozenset(sure | possible))


def _check(links: GoldLinks, pair: SentencePair, where: str, *, foreign_first: bool) -> None:
    n_foreign, n_english = len(spaced_words(pair.foreign)), len(spaced_words(pair.english))
    for foreign, english in sorted(links.possible):
        for side, number, n_words in (("foreign", foreign, n_foreign), ("English", english, n_english)):
            if number >= n_words:
                raise DataError(
                    f"{where}: a link names word {number} of the {side} side, which has {n_words} words, counted "
                    f"from 0: expected {'foreign-English' if foreign_first else 'English-foreign'} numbers of the "
                    "same sentences, divided into words by spaces"
                )
