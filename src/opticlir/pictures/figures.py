"""Figures with matplotlib: its settings, its fonts, and the finished images."""

import base64
import importlib.util
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from opticlir.errors import SetupError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FIRST_FONT = "DejaVu Sans"  # comes with matplotlib
_BOXES = "Last Resort"  # has every letter, but draws one box for a whole script
_MIME = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Image:
    """A finished picture."""

    data: bytes
    format: Literal["png", "svg"]

    @property
    def uri(self) -> str:
        """The picture as a `data:` address, for pages in one file."""
        return f"data:{_MIME[self.format]};base64,{base64.b64encode(self.data).decode('ascii')}"


def require_matplotlib() -> None:
    """Check that pictures can be drawn.

    Raises:
        SetupError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise SetupError("pictures need matplotlib: pip install 'opticlir[pictures]'")


@contextmanager
def drawing(text: str = "") -> Iterator[str]:
    """Set matplotlib up for our figures while the block runs, with fonts for the letters of `text`.

    Yields:
        The characters of `text` that no installed font has.

    Raises:
        SetupError: matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib as mpl  # noqa: PLC0415 - an extra

    families, missing = _fonts_for(text)
    settings = {
        "font.family": families,
        "svg.hashsalt": "opticlir",  # else the ids in the file change with each run
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.parse_math": False,  # a dollar sign does not begin a formula
    }
    with mpl.rc_context(settings):
        yield missing


def render(figure: "Figure", kind: Literal["png", "svg"]) -> Image:
    """Draw a figure. Equal figures give equal bytes."""
    buffer = io.BytesIO()
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    figure.savefig(buffer, format=kind, dpi=150, bbox_inches="tight", metadata=metadata)
    return Image(buffer.getvalue(), kind)


def _fonts_for(text: str) -> tuple[list[str], str]:
    """Return font families that cover the letters of a text, and the letters that none of them has."""
    from matplotlib.font_manager import fontManager  # noqa: PLC0415 - an extra

    missing = {ord(char) for char in text if not char.isspace()}
    families = [_FIRST_FONT]
    upright = (
        font
        for font in fontManager.ttflist
        if font.style == "normal" and font.weight == 400 and not font.name.startswith(_BOXES)
    )
    for font in sorted(upright, key=lambda font: (font.name != _FIRST_FONT, font.name, font.fname)):
        if not missing:
            break
        if covered := missing & _letters_of(font.fname):
            missing -= covered
            families += [font.name] if font.name not in families else []
    return families, "".join(map(chr, sorted(missing)))


@cache
def _letters_of(font_file: str) -> frozenset[int]:
    """Code points of a font; empty for a font that cannot be used (bitmaps, removed files)."""
    from matplotlib.font_manager import get_font  # noqa: PLC0415 - an extra

    try:
        return frozenset(get_font(font_file).get_charmap())
    except (OSError, RuntimeError):
        return frozenset()
