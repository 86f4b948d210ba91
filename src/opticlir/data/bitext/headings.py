"""What the headings of a table mean: which columns hold English, the foreign language, and a score."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from opticlir.data.bitext.samples import ColumnSamples
from opticlir.data.bitext.sides import AmbiguousSideError, MissingSideError, Selection, choose_sides
from opticlir.data.english import english_share
from opticlir.errors import DataError
from opticlir.languages import code_of_name, known_code

_SEPARATORS = re.compile(r"[\s_\-.:()/]+")


def _words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_FILLERS = _words(
    "text texts sentence sentences side column string utterance translation translated lang language src tgt "
    "source target original 1 2"
)
# an identifier or a measure of a language is not its text: en_id, sw-score
_NO_TEXT = re.compile(r".*[\s_\-.](id|ids|idx|index|key|score|sim|url|length|len|words|tokens)")
# codes of languages that are more often the name of something else
_ALSO_WORDS = _words("id no nr is sim doc url ref src key row seq num lid set pos")
_FOREIGN = ("foreign", "non_english", "target", "translation")
_DIRECTIONS = (
    ("source", "target"), ("src", "tgt"), ("src", "trg"), ("source_text", "target_text"),
    ("sentence1", "sentence2"), ("text1", "text2"),
)  # fmt: skip
_SCORES = _words("score sim similarity margin confidence quality laser labse bicleaner cosine")


@dataclass(frozen=True, slots=True)
class Sides:
    """The headings to read."""

    english: str
    foreign: str
    score: str | None


def find_sides(names: Sequence[str], samples: ColumnSamples, selection: Selection) -> Sides | None:
    """Find the columns of the two sides.

    The columns that the user named go first, then `english` with `foreign`, then language codes and names. Last come
    `source` and `target`, of which the texts show which is English. A column is only taken if it holds text.

    Args:
        names: the headings.
        samples: values of the columns.
        selection: what to take.

    Returns:
        The headings; None if they do not say which columns to read.

    Raises:
        DataError: the user named a column that is not there, or two columns could be the same side.
        MissingSideError: the languages are known, and one of the two sides is not among them.
    """
    asked = selection.columns
    for name in (asked.english, asked.foreign, asked.score):
        if name is not None and name not in names:
            raise DataError(f"no column {name!r}: the columns are {', '.join(names)}")
    english, foreign = asked.english, asked.foreign
    if english is None or foreign is None:
        found = _found([name for name in names if name != asked.score], samples, selection)
        if found is None:
            return None
        english, foreign = english or found[0], foreign or found[1]
    return Sides(english, foreign, asked.score or _score(names, selection))


def _found(names: Sequence[str], samples: ColumnSamples, selection: Selection) -> tuple[str, str] | None:
    # a short file may have numbers alone in a column of text
    perhaps = [name for name in names if samples.has_text(name) or name.casefold() not in _ALSO_WORDS]
    missing: MissingSideError | None = None
    for usable in ([name for name in perhaps if samples.has_text(name)], perhaps):
        try:
            if found := _by_word(names, selection) or _by_language(usable, selection):
                return found
        except MissingSideError as error:
            missing = error
    if missing:
        raise missing
    return _by_direction(perhaps, samples, selection) or _next_to_english(names)


def language_of_heading(name: str) -> str | None:
    """Return the code that a heading names: `en`, `sentence_eng_Latn`, `Swahili`, `text (sw)`; None for others."""
    if _NO_TEXT.fullmatch(name):
        return None
    if known_code(name):
        return name.strip()
    rest = [part for part in _SEPARATORS.split(name.strip()) if part and part.casefold() not in _FILLERS]
    return "-".join(rest) if rest and known_code("-".join(rest)) else code_of_name(" ".join(rest)) or None


def _by_word(names: Sequence[str], selection: Selection) -> tuple[str, str] | None:
    """The column `english` with one that is called foreign."""
    plain = {name.strip().casefold(): name for name in names}
    english = next((plain[word] for word in ("english", "eng", "en") if word in plain), None)
    foreign = next((plain[word] for word in _FOREIGN if word in plain), None)
    is_named = any(_is_wanted(name, selection) for name in names)
    return (english, foreign) if english and foreign and not is_named else None


def _is_wanted(name: str, selection: Selection) -> bool:
    tag = language_of_heading(name)
    return bool(tag and selection.code and known_code(tag) == selection.code)


def _by_language(names: Sequence[str], selection: Selection) -> tuple[str, str] | None:
    exact = [name for name in names if known_code(name) and language_of_heading(name)]
    loose = [name for name in names if language_of_heading(name)]
    missing: MissingSideError | None = None
    for offered in (exact, loose):  # whole codes go before names and codes with words around them
        try:
            return choose_sides(offered, selection.language, selection.report, language_of_heading)
        except MissingSideError as error:
            missing = error
    if missing and any(known_code(name) == "eng" for name in exact):
        raise missing
    return None


def _by_direction(
    names: Sequence[str], samples: ColumnSamples, selection: Selection
) -> tuple[str, str] | None:
    """The columns of a translation from one language to another, the English one first."""
    plain = {name.strip().casefold(): name for name in names}
    for source, target in _DIRECTIONS:
        if source in plain and target in plain:
            first, second = plain[source], plain[target]
            if english_share(samples.texts(second)) > english_share(samples.texts(first)):
                first, second = second, first
            selection.report.remark(f"took the column {first} for English and {second} for the translation")
            return first, second
    return None


def _next_to_english(names: Sequence[str]) -> tuple[str, str] | None:
    """The only other column next to `English`, such as `Kiswahili`: tables have no names of languages in themselves."""
    english = [name for name in names if name.strip().casefold() == "english"]
    others = [name for name in names if name not in english]
    is_named = any(language_of_heading(name) for name in others)
    return (english[0], others[0]) if len(english) == len(others) == 1 and not is_named else None


def _score(names: Sequence[str], selection: Selection) -> str | None:
    if not selection.needs_score:
        return None
    found = [name for name in names if _SCORES.intersection(_SEPARATORS.split(name.casefold()))]
    if len(found) > 1:
        raise AmbiguousSideError(
            f"{' and '.join(found)} could both be the score: say with --columns score={found[0]}"
        )
    return found[0] if found else None
