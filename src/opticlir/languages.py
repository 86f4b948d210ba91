"""Language codes and names. Every code that opticlir stores or prints is ISO 639-3."""

import re
from functools import cache
from typing import TYPE_CHECKING

from opticlir.errors import SettingsError

if TYPE_CHECKING:
    from iso639 import Language

# Codes of single varieties that opticlir treats as the written language they belong to. The macrolanguage tables
# of ISO 639-3 do not decide this: they also join languages that are written apart (Malay and Indonesian).
_VARIETIES = {
    "arb": "ara", "cmn": "zho", "fil": "tgl", "npi": "nep", "swh": "swa", "aka": "twi", "pes": "fas",
    "als": "sqi", "lvs": "lav", "nob": "nor", "zsm": "msa", "khk": "mon", "plt": "mlg", "ory": "ori",
    "gaz": "orm", "ckb": "kur", "uzn": "uzb", "ekk": "est", "azj": "aze", "ydd": "yid",
}  # fmt: skip

# ISO 639-1 codes that were withdrawn and are still in files.
_WITHDRAWN = {"iw": "heb", "ji": "yid", "in": "ind", "jw": "jav", "mo": "ron"}

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_FARTHEST = 998

# Names in everyday use where the reference name of ISO 639-3 is another one.
_USUAL_NAMES = {
    "ell": "Greek", "hat": "Haitian Creole", "kir": "Kyrgyz", "lim": "Limburgish", "nso": "Northern Sotho",
    "nya": "Nyanja", "ori": "Odia", "oss": "Ossetic", "pan": "Punjabi", "pus": "Pashto",
}  # fmt: skip


def language_code(code: str) -> str:
    """Return the ISO 639-3 code for a code in any common form: `sw`, `swh`, `swh_Latn`, `zh-CN`, `SO`.

    A well-formed three-letter code is accepted even if no table lists it.

    Raises:
        SettingsError: the code is neither a known code of two letters nor three letters.

    Example:
        >>> language_code("sw"), language_code("zh-CN"), language_code("swh_Latn"), language_code("kbp")
        ('swa', 'zho', 'swa', 'kbp')
    """
    head = code.strip().replace("_", "-").split("-")[0].lower()
    if len(head) in (2, 3) and head.isascii() and head.isalpha():
        found = _WITHDRAWN.get(head) or _other_codes().get(head) or head
        if len(found) == 3:
            return _VARIETIES.get(found, found)
    example = code_of_name(code.strip()) or "swa"
    raise SettingsError(
        f"unknown language code {code!r}: give an ISO 639-3 code of three letters, such as {example!r}"
    )


def known_code(name: str) -> str | None:
    """Return the ISO 639-3 code that a free name is, such as a key, a heading or the ending of a file name.

    The whole name must be a code that is registered, alone or with a registered script or region. `language_code`
    is for codes that a user types: it accepts any three letters.

    Example:
        >>> known_code("eng_Latn"), known_code("zh-TW"), known_code("idx"), known_code("is_gold")
        ('eng', 'zho', None, None)
    """
    name = name.strip()
    if not _TAG.fullmatch(name):
        return None
    from langcodes import tag_is_valid  # noqa: PLC0415

    try:
        code = language_code(name)
    except SettingsError:
        return None
    head, *subtags = re.split("[-_]", name.lower())
    # the registry of tags lacks the bibliographic codes (`fre`)
    is_registered = head in _WITHDRAWN or head in _other_codes() or head in _languages()
    return code if is_registered and tag_is_valid("-".join(["en", *subtags])) else None


def variant_distance(wanted: str, offered: str) -> int:
    """Return how far a variant of a language is from the one asked for: 0 is the same.

    Spelling does not count (`zh_cn` and `zho-CN` are the same); script, region and variety do.

    Args:
        wanted: the code asked for, in any form.
        offered: another code of the same language.

    Example:
        >>> variant_distance("zh-TW", "zho_TW"), variant_distance("zh-TW", "zh-Hant")
        (0, 1)
        >>> variant_distance("zh-TW", "zh-CN") > variant_distance("zh-TW", "zh-Hant")
        True
    """
    if _spelling(wanted) == _spelling(offered):
        return 0
    from langcodes import standardize_tag, tag_distance  # noqa: PLC0415

    asked, other = (standardize_tag(_spelling(each)) for each in (wanted, offered))
    return 1 + min(tag_distance(asked, other), _FARTHEST)


def language_codes(codes: str) -> tuple[str, ...]:
    """Return the ISO 639-3 codes in a list separated by commas or plus signs, without repetitions.

    Raises:
        SettingsError: a code is unknown; see `language_code`.

    Example:
        >>> language_codes("hau,yo"), language_codes("hau+yor+ha"), language_codes("swh")
        (('hau', 'yor'), ('hau', 'yor'), ('swa',))
    """
    return tuple(dict.fromkeys(language_code(code) for code in codes.replace("+", ",").split(",")))


def language_name(code: str) -> str:
    """Return the English name of a language, or its code if the name is unknown.

    Example:
        >>> language_name("kbp"), language_name("sw"), language_name("qqq")
        ('Kabiyè', 'Swahili', 'qqq')
    """
    return _name(language_code(code)) or code


def code_of_name(name: str) -> str:
    """Return the ISO 639-3 code of a language by its English name, in any case; empty if the name is unknown.

    Example:
        >>> code_of_name("swahili"), code_of_name("nothing")
        ('swa', '')
    """
    return _codes_by_name().get(name.lower(), "")


def short_code(code: str) -> str | None:
    """Return the ISO 639-1 code of a language, or None if it has none."""
    language = _languages().get(language_code(code))
    return language.part1 if language else None


def _spelling(code: str) -> str:
    """A code in one spelling: ISO 639-3, its own variety kept, with script and region in lower case."""
    head, *subtags = re.split("[-_]", code.strip().lower())
    return "-".join([_WITHDRAWN.get(head) or _other_codes().get(head) or head, *subtags])


@cache
def _languages() -> dict[str, "Language"]:
    """Languages by ISO 639-3 code. Loading them takes 0.2 seconds, so it waits until a code is looked up."""
    from iso639 import ALL_LANGUAGES  # noqa: PLC0415

    return {language.part3: language for language in ALL_LANGUAGES}


@cache
def _other_codes() -> dict[str, str]:
    """ISO 639-3 code by code of ISO 639-1 and by bibliographic code of ISO 639-2 (`fre`, `ger`)."""
    return {
        other: code
        for code, language in _languages().items()
        for other in (language.part1, language.part2b)
        if other
    }


def _name(code: str) -> str | None:
    """The name without a remark in parentheses, such as (macrolanguage)."""
    language = _languages().get(code)
    return _USUAL_NAMES.get(code) or (language.name.split(" (")[0] if language else None)


@cache
def _codes_by_name() -> dict[str, str]:
    """Code by lower-case name. If languages share a name, the most widely coded one keeps it."""
    ordered = sorted(
        _languages().values(), key=lambda each: (bool(each.part1), bool(each.part2t), each.part3)
    )
    named = ((_name(each.part3), each) for each in ordered if each.status == "A")
    return {name.lower(): _VARIETIES.get(each.part3, each.part3) for name, each in named if name}
