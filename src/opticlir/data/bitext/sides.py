"""Picks the English and the foreign side of a record with texts by language code."""

from collections.abc import Mapping
from typing import TypeAlias

from opticlir.errors import SettingsError
from opticlir.languages import language_code

RawPair: TypeAlias = tuple[int, str, str]
"""Line number, English side and foreign side, as in the file."""


class MissingSideError(Exception):
    """A record lacks one of the two languages, as often in files with many languages."""


def code_or_none(code: str) -> str | None:
    """Return the ISO 639-3 code of a language code; None if it is not one."""
    try:
        return language_code(code)
    except SettingsError:
        return None


def choose_sides(texts: Mapping[str, str], language: str | None) -> tuple[str, str]:
    """Pick the English and the foreign text.

    Args:
        texts: texts by code in any form (`en`, `EN-US`, `swh_Latn`); if two codes mean one language, the
            first counts.
        language: ISO 639-3 code of the foreign side; None if there is only one other language.

    Returns:
        English text, foreign text.

    Raises:
        MissingSideError: no English text, no text in `language`, or several to choose from.

    Example:
        >>> choose_sides({"EN-US": "water", "sw": "maji"}, None)
        ('water', 'maji')
    """
    by_code: dict[str, str] = {}
    for code, text in texts.items():
        by_code.setdefault(code_or_none(code) or code, text)
    others = [code for code in by_code if code != "eng"]
    wanted = language or (others[0] if len(others) == 1 else None)
    if "eng" in by_code and wanted in by_code and wanted != "eng":
        return by_code["eng"], by_code[wanted]
    found = ", ".join(texts) or "no language"
    if wanted is None and len(others) > 1:
        raise MissingSideError(f"in several languages ({found}): name one with --language")
    raise MissingSideError(
        f"without an English and {'a foreign' if wanted is None else f'a {wanted!r}'} side"
    )
