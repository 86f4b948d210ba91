"""The language of the page itself: its texts, the names of languages, numbers and the direction of writing."""

import tomllib
from functools import cache
from importlib.resources import files

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.numbers import format_decimal, format_percent

from opticlir.languages import language_name, short_code

INTERFACES = ("en", "sw", "ha", "es", "ar")
"""ISO 639-1 codes of the languages that the page speaks. The first is used where no other is asked for."""


class Interface:
    """The page in one language. Called with the name of a text, it gives the text.

    Args:
        code: one of `INTERFACES`.

    Example:
        >>> Interface("es")("search"), Interface("ar").direction, Interface("sw").language("spa")
        ('Buscar', 'rtl', 'Kihispania')
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self._locale = Locale.parse(code)
        self._texts = interface_texts(code)

    def __call__(self, name: str, **values: str | int) -> str:
        """Return a text with its values filled in."""
        return self._texts[name].format(**values)

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return self._locale.text_direction

    @property
    def own_name(self) -> str:
        """What the language calls itself."""
        return (self._locale.display_name or self.code).capitalize()

    def language(self, code: str) -> str:
        """Name a language; in English where this interface has no name for it.

        Args:
            code: ISO 639-3 code.
        """
        name = self._locale.languages.get(short_code(code) or code) or language_name(code)
        return name[:1].upper() + name[1:]

    def number(self, value: float | int, digits: int = 0) -> str:
        """Write a number with so many decimals."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, pattern, locale=self._locale)

    def percent(self, share: float | int) -> str:
        """Write a share of 1 in whole percent."""
        return format_percent(share, "#,##0%", locale=self._locale)


def writing_direction(code: str) -> str:
    """Return `ltr` or `rtl` for a language; `ltr` where its script is not known.

    Args:
        code: ISO 639-3 code.

    Example:
        >>> writing_direction("fas"), writing_direction("swa"), writing_direction("kbp")
        ('rtl', 'ltr', 'ltr')
    """
    try:
        return Locale.parse(short_code(code) or code).text_direction
    except UnknownLocaleError:
        return "ltr"


@cache
def interface(code: str) -> Interface:
    """Return the page in one language, read once."""
    return Interface(code)


@cache
def interface_texts(code: str) -> dict[str, str]:
    """Return all texts of one language by name."""
    path = files("opticlir.service.pages") / "strings" / f"{code}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def preferred_interface(asked: str | None, accept_language: str) -> Interface:
    """Choose the language of the page.

    Args:
        asked: the code that the reader chose; anything else is ignored.
        accept_language: header of the browser.

    Example:
        >>> preferred_interface(None, "fr;q=0.9, ha-NG;q=0.5").code, preferred_interface("ar", "es").code
        ('ha', 'ar')
    """
    if asked in INTERFACES:
        return interface(asked)
    wanted = [asked for asked, _ in sorted(_weighted(accept_language), key=lambda each: -each[1])]
    return interface(negotiate_locale(wanted, INTERFACES, sep="-") or INTERFACES[0])


def _weighted(header: str) -> list[tuple[str, float]]:
    found = []
    for part in header.split(",")[:20]:
        name, _, quality = part.strip().partition(";q=")
        try:
            found.append((name.split("-")[0], float(quality or 1)))
        except ValueError:
            continue
    return found
