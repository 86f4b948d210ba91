"""Reads bitext: normalises, checks and counts every pair."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path

from opticlir.data.bitext.columns import Columns
from opticlir.data.bitext.places import Reader, files_of, located
from opticlir.data.bitext.sides import Selection
from opticlir.data.english import EnglishSide
from opticlir.data.normalisation import normalise_text
from opticlir.data.skipping import SkipReport, parse_records
from opticlir.errors import DataError, SettingsError
from opticlir.languages import language_code
from opticlir.records import SentencePair
from opticlir.visible import shown

logger = logging.getLogger(__name__)


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
    path: str | Path,
    *,
    language: str | None = None,
    weight: float = 1.0,
    skipped: SkipReport | None = None,
    columns: Columns | None = None,
    min_score: float | None = None,
) -> Iterator[SentencePair]:
    """Read sentence pairs in constant memory. The file name decides the format.

    | name | format |
    |---|---|
    | `F.tsv`, `F.txt`, `F.csv` | `english<TAB>foreign`, one pair a line; other columns by headings or `columns` |
    | `F.jsonl`, `F.json` | objects with `english` and `foreign`, or texts by language code |
    | `F.parquet`, `F.arrow`, `F.feather` | tables with the same columns; also a folder of them |
    | `F.po` | gettext: `msgid` English, `msgstr` foreign |
    | `F.tmx` | Translation Memory eXchange |
    | `F.xliff`, `F.xlf` | XLIFF 1.2 or 2 |
    | `F.en,F.sw` or `F` or `F.sw` | Moses: two files, line n of one translates line n of the other |
    | `F.zip` | an archive with one of these, as OPUS gives; `F.zip/NAME` is one of several |

    Text may be compressed (`.gz`, `.bz2`, `.xz`, `.zst`). Texts are in normal form and trimmed. A pair with an
    empty side is dropped and counted. If the sides look swapped, the report says so.

    Args:
        path: the file, or another form above.
        language: the foreign language, any code; required if a file has several. Of its variants, that of the
            code is read (`zh-TW`), else the nearest one, and the report says so.
        weight: weight of every pair, > 0.
        skipped: None refuses a malformed record; a lenient report skips and counts it.
        columns: columns of a table, by heading or by number from 1.
        min_score: drop and count pairs with a lower score; each pair must have one.

    Returns:
        Iterator over pairs in file order.

    Raises:
        ValueError: `weight` is not a finite number above 0.
        SettingsError: `language` is unknown; on iteration: `min_score` is given, and there are no scores.
        DataError: the name has no known format; on iteration: a file cannot be read, a record is malformed, or
            there is no pair.
    """
    if not (math.isfinite(weight) and weight > 0):
        raise ValueError(f"weight is {weight}: expected a finite number above 0")
    path = Path(path)
    if language:
        language_code(language)
    selection = Selection(language, columns or Columns(), min_score is not None, SkipReport.of(skipped))
    places = located(path, selection)
    return _pairs(path, places, selection, weight, min_score, is_silent=skipped is not None)


def bitext_files(path: Path, *, language: str | None = None) -> tuple[Path, ...]:
    """Return the files of a bitext path: two for a Moses pair, otherwise the path itself.

    Args:
        path: as in `read_bitext`.
        language: the foreign language, any code; required if a Moses prefix has several.

    Raises:
        DataError: the path has no known format, or a Moses pair is missing or ambiguous.
    """
    return files_of(path, Selection(language))


def _pairs(
    path: Path,
    places: list[tuple[Path, Reader]],
    selection: Selection,
    weight: float,
    min_score: float | None,
    *,
    is_silent: bool,
) -> Iterator[SentencePair]:
    report = selection.report
    n_pairs, sides = 0, EnglishSide()
    for file, reader in places:
        numbered = ((raw.line, (raw.english, raw.foreign, raw.score)) for raw in reader(file, selection))
        for line, (english, foreign, score) in parse_records(numbered, _normalise, file, report):
            if not (english and foreign):
                report.drop("with an empty side", f"{file}:{line}")
            elif min_score is not None and score is not None and score < min_score:
                report.drop(f"with a score below {min_score:g}", f"{file}:{line}")
            else:
                n_pairs += 1
                sides.add(english, foreign)
                yield SentencePair(english, foreign, weight)
    if sides.looks_swapped:
        report.remark(f"{path}: {_SWAPPED}")
    if not n_pairs:
        raise DataError(
            f"{path}: no sentence pair in it{f' ({report.summary()})' if report.summary() else ''}"
        )
    if not is_silent and report.summary():
        logger.warning("%s: %s%s", path, "left out: " if report.dropped else "", report.summary())


_SWAPPED = (
    "the English side looks foreign and the other one English: are the columns swapped? "
    "Say which is which, as in --columns english=2,foreign=1"
)


def _normalise(raw: tuple[str, str, float | None]) -> tuple[str, str, float | None]:
    english, foreign, score = raw
    return normalise_text(english), normalise_text(foreign), score
