"""Which of several texts is the English side and which the foreign one."""

from collections.abc import Mapping
from typing import TypeAlias

from opticlir.errors import SettingsError
from opticlir.languages import language_code

RawPair: TypeAlias = tuple[int, str, str]
"""Line number, English side, foreign side, as the file has them."""


class MissingSideError(Exception):
    """A record has no text in one of the two languages: usual in files of many languages."""


def code_or_none(code: str) -> str | None:
    """ISO 639-3 code of what may be a language code, None where it is none."""
    try:
        return language_code(code)
    except SettingsError:
        return None


def choose_sides(texts: Mapping[str, str], language: str | None) -> tuple[str, str]:
    """Pick the English and the foreign text out of texts by language code.

    Args:
        texts: texts by code in any form (`en`, `EN-US`, `swh_Latn`); where two codes mean one
            language, the first is taken.
        language: ISO 639-3 code of the foreign side; None where only one other language is there.

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
