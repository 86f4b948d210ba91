"""Picks the English and the foreign side of a record among texts with a language code each."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from opticlir.data.bitext.columns import Columns
from opticlir.data.skipping import SkipReport
from opticlir.errors import DataError
from opticlir.languages import known_code, language_code, variant_distance


class RawPair(NamedTuple):
    """A pair as it is in the file."""

    line: int
    """Number of its line, or of its record, from 1."""
    english: str
    foreign: str
    score: float | None = None
    """Its quality, if the file says it."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader shall take from a file."""

    language: str | None = None
    """Foreign language, any code with the variant asked for (`zh-TW`); None if a file has only one."""
    columns: Columns = field(default_factory=Columns)
    """Columns that the user named."""
    needs_score: bool = False
    """Whether each pair must have a score."""
    report: SkipReport = field(default_factory=SkipReport)
    """Counts what is left out; a strict one stops at a malformed record."""

    @property
    def code(self) -> str | None:
        """ISO 639-3 code of the foreign language."""
        return self.language and language_code(self.language)


def code_itself(name: str) -> str | None:
    """Return a name that is a language code; None for another name."""
    return name if known_code(name) else None


class MissingSideError(Exception):
    """A record lacks one of the two languages, as often in files with many languages."""


class AmbiguousSideError(DataError):
    """Two texts of a record could be the same side."""


def choose_sides(
    names: Sequence[str],
    language: str | None,
    report: SkipReport,
    code_of: Callable[[str], str | None] = code_itself,
) -> tuple[str, str]:
    """Pick the names of the English and of the foreign text.

    The variant asked for goes first, else the nearest one is taken. The report says so if there are several.

    Args:
        names: codes in any form (`en`, `EN-US`, `swh_Latn`), or names that `code_of` understands.
        language: foreign language, any code; None if there is only one.
        report: gets a remark if variants compete.
        code_of: the code that a name stands for, in the spelling of the name; None if it stands for none.

    Returns:
        Name of the English text, name of the foreign text.

    Raises:
        MissingSideError: no English text, no text in `language`, or several languages to choose from.
        AmbiguousSideError: two names mean the same variant.

    Example:
        >>> choose_sides(["EN-US", "sw"], None, SkipReport())
        ('EN-US', 'sw')
    """
    tags = {name: tag for name in dict.fromkeys(names) if (tag := code_of(name))}
    codes = {name: language_code(tag) for name, tag in tags.items()}
    others = list(dict.fromkeys(code for code in codes.values() if code != "eng"))
    wanted = language or (others[0] if len(others) == 1 else None)
    code = wanted and language_code(wanted)
    if wanted and code in others and "eng" in codes.values():
        sides = []
        for tag, of_side in (("eng", "eng"), (wanted, code)):
            offered = {name: tags[name] for name, found in codes.items() if found == of_side}
            sides.append(_nearest(offered, tag, report))
        return sides[0], sides[1]
    found = ", ".join(names) or "no language"
    if wanted is None and len(others) > 1:
        raise MissingSideError(f"in several languages ({found}): name one with --language")
    raise MissingSideError(f"without an English and {'a foreign' if code is None else f'a {code!r}'} side")


def _nearest(offered: dict[str, str], wanted: str, report: SkipReport) -> str:
    """The name of the nearest variant; `offered` has the code of each name."""
    ranked = sorted((variant_distance(wanted, tag), name) for name, tag in offered.items())
    distance, best = ranked[0]
    same = [name for other, name in ranked if other == distance and _is_same(offered[name], offered[best])]
    if len(same) > 1:
        raise AmbiguousSideError(
            f"{' and '.join(map(repr, same))} both name {language_code(wanted)!r}: "
            "say with --columns which to read"
        )
    is_asked_for = not distance and len(re.split("[-_]", wanted)) > 1
    if len(ranked) > 1 and not is_asked_for:
        others = ", ".join(name for _, name in ranked[1:])
        report.remark(f"read the variant {best} for {wanted}, not {others}")
    return best


def _is_same(tag: str, other: str) -> bool:
    return variant_distance(tag, other) == 0
