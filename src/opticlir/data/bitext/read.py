"""Reads bitext: picks the reader for a file, and normalises, checks and counts every pair."""

import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path

from opticlir.data.bitext.jsonl import read_jsonl
from opticlir.data.bitext.moses import is_moses, moses_files, read_moses
from opticlir.data.bitext.po import read_po
from opticlir.data.bitext.sides import RawPair
from opticlir.data.bitext.tmx import read_tmx
from opticlir.data.bitext.tsv import read_tsv
from opticlir.data.normalisation import normalise_text
from opticlir.data.skipping import SkipReport, parse_records
from opticlir.data.visible import shown
from opticlir.errors import DataError, SettingsError
from opticlir.languages import language_code
from opticlir.records import SentencePair

logger = logging.getLogger(__name__)

_READERS: dict[str, Callable[[Path, str | None, SkipReport], Iterator[RawPair]]] = {
    ".tsv": read_tsv,
    ".txt": read_tsv,
    ".jsonl": read_jsonl,
    ".json": read_jsonl,
    ".po": read_po,
    ".tmx": read_tmx,
}


def parse_bitext_argument(argument: str) -> tuple[Path, float]:
    """Split `FILE[:WEIGHT]`, an argument of the command line.

    Args:
        argument: a path, followed by a colon and a number if its pairs count more or less.

    Returns:
        The path, and the weight of each of its pairs (1 if none is given).

    Raises:
        SettingsError: the weight is not a finite number above 0.

    Example:
        >>> parse_bitext_argument("news.tsv:3")
        (PosixPath('news.tsv'), 3.0)
    """
    head, colon, tail = argument.rpartition(":")
    if not colon or not head or not {"/", "\\"}.isdisjoint(tail) or Path(argument).exists():
        return Path(argument), 1.0
    try:
        weight = float(tail)
    except ValueError:
        raise SettingsError(
            f"{argument}: expected FILE or FILE:WEIGHT, and {shown(tail)} is not a number"
        ) from None
    if not (math.isfinite(weight) and weight > 0):
        raise SettingsError(f"{argument}: a weight is a finite number above 0, not {tail}")
    return Path(head), weight


def read_bitext(
    path: str | Path, *, language: str | None = None, weight: float = 1.0, skipped: SkipReport | None = None
) -> Iterator[SentencePair]:
    """Read sentence pairs in constant memory. The file name decides the format.

    | name | format |
    |---|---|
    | `F.tsv`, `F.txt` | `english<TAB>foreign`, one pair a line |
    | `F.jsonl`, `F.json` | one JSON object a line: `english` and `foreign`, or texts by language code |
    | `F.po` | gettext: `msgid` English, `msgstr` foreign |
    | `F.tmx` | Translation Memory eXchange |
    | `F.en,F.sw` or `F` or `F.sw` | Moses: two files, line n of one translates line n of the other |

    Each also with `.gz`. Texts are in NFC and trimmed. A pair with an empty side is dropped and counted.

    Args:
        path: the file, or a Moses form above.
        language: the foreign language, any code; required if a file has several.
        weight: weight of every pair, > 0.
        skipped: None refuses a malformed record; a lenient report skips and counts it.

    Returns:
        Iterator over pairs in file order.

    Raises:
        ValueError: `weight` is not a finite number above 0.
        DataError: the name has no known format; on iteration: a file cannot be read, a record is malformed, or
            there is no pair.
    """
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"weight is {weight}: expected a finite number above 0")
    path = Path(path)
    reader = _reader_of(path)
    return _pairs(path, reader, language and language_code(language), weight, skipped)


def bitext_files(path: Path, *, language: str | None = None) -> tuple[Path, ...]:
    """Return the files of a bitext path: two for a Moses pair, otherwise the path itself.

    Args:
        path: as in `read_bitext`.
        language: the foreign language, any code; required if a Moses prefix has several.

    Raises:
        DataError: the path has no known format, or a Moses pair is missing or ambiguous.
    """
    if _reader_of(path) is read_moses:
        return moses_files(path, language and language_code(language))
    return (path,)


def _reader_of(path: Path) -> Callable[[Path, str | None, SkipReport], Iterator[RawPair]]:
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix in _READERS and path.exists():
        return _READERS[suffix]
    if is_moses(path):
        return read_moses
    if suffix in _READERS:  # its error says that the file is missing
        return _READERS[suffix]
    if not path.exists():
        raise DataError(f"{path}: no such file, and no Moses pair {path.name}.en with another {path.name}.*")
    raise DataError(
        f"{path}: the name has no known bitext format: expected {', '.join(sorted(_READERS))}, "
        "each also with .gz, or a Moses pair given as english.txt,foreign.txt"
    )


def _pairs(
    path: Path,
    reader: Callable[[Path, str | None, SkipReport], Iterator[RawPair]],
    language: str | None,
    weight: float,
    skipped: SkipReport | None,
) -> Iterator[SentencePair]:
    report = SkipReport.of(skipped)
    n_pairs = 0
    numbered = ((line, (english, foreign)) for line, english, foreign in reader(path, language, report))
    for line, (english, foreign) in parse_records(numbered, _normalise, path, report):
        if english and foreign:
            n_pairs += 1
            yield SentencePair(english, foreign, weight)
        else:
            report.drop("with an empty side", f"{path}:{line}")
    if not n_pairs:
        raise DataError(
            f"{path}: no sentence pair in it{f' ({report.summary()})' if report.summary() else ''}"
        )
    if skipped is None and report.summary():
        logger.warning("%s: left out: %s", path, report.summary())


def _normalise(sides: tuple[str, str]) -> tuple[str, str]:
    english, foreign = sides
    return normalise_text(english), normalise_text(foreign)
