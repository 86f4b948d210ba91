"""An alignment in the terminal: a grid, or a list if it is too wide. It is readable without colour."""

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from opticlir.pictures.alignment import TokenAlignment

_SHADES = ((0.75, "█"), (0.5, "▓"), (0.25, "▒"), (0.05, "░"))
_FAINTEST = _SHADES[-1][0]  # smaller shares are not shown
_NARROWEST, _WIDEST = 4, 12  # columns of a token: "█100", and a long word
_MOST_BANDS = 3
_BLUE = (37, 99, 235)


def alignment_lines(alignment: TokenAlignment, *, width: int = 80) -> Text:
    """Draw an alignment: a row per foreign token, a column per English token, shares in percent.

    A grid wider than the terminal is split into up to three parts, one below the other. A wider one becomes a list:
    one line per foreign token with its English tokens.

    Args:
        alignment: the alignment to draw.
        width: columns of the terminal.
    """
    label = min(_WIDEST + 4, max(map(cell_len, alignment.foreign)))
    bands = _bands(alignment, width - label)
    drawn = (
        Text("\n\n").join(_grid(alignment, columns, label) for columns in bands)
        if len(bands) <= _MOST_BANDS
        else _list(alignment, label)
    )
    return Text("\n").join([drawn, Text(alignment.legend, style="dim")])


def _bands(alignment: TokenAlignment, width: int) -> list[range]:
    """Ranges of columns that fit side by side. Each has at least one column, however narrow the terminal."""
    bands, start, used = [], 0, 0
    for column, token in enumerate(alignment.english):
        needed = 1 + _column_width(token)
        if used + needed > width and column > start:
            bands.append(range(start, column))
            start, used = column, 0
        used += needed
    return [*bands, range(start, len(alignment.english))]


def _column_width(token: str) -> int:
    return max(_NARROWEST, min(_WIDEST, cell_len(token)))


def _fitted(token: str, width: int) -> str:
    return set_cell_size(token, width) if cell_len(token) <= width else f"{set_cell_size(token, width - 1)}…"


def _grid(alignment: TokenAlignment, columns: range, label: int) -> Text:
    widths = {column: _column_width(alignment.english[column]) for column in columns}
    lines = [Text(" " * label)]
    for column, width in widths.items():
        lines[0].append(" ").append(_fitted(alignment.english[column], width), style="bold")
    shares = alignment.shares
    for row, token in enumerate(alignment.foreign):
        line = Text.assemble((_fitted(token, label), "bold"))
        for column, width in widths.items():
            line.append(" ").append_text(_cell(float(shares[row, column]), width))
        lines.append(line)
    return Text("\n").join(lines)


def _cell(share: float, width: int) -> Text:
    if share < _FAINTEST:
        return Text("·".ljust(width), style="dim")
    shade = next(glyph for least, glyph in _SHADES if share >= least)
    return Text(f"{shade}{100 * share:3.0f}".ljust(width), style=_colour(share))


def _colour(share: float) -> Style:
    """Background from white to blue, and a text colour with enough contrast."""
    red, green, blue = (round(255 + (tint - 255) * share) for tint in _BLUE)
    return Style(color="white" if share > 0.6 else "black", bgcolor=f"rgb({red},{green},{blue})")


def _list(alignment: TokenAlignment, label: int) -> Text:
    lines = []
    for row, token in enumerate(alignment.foreign):
        links = ", ".join(
            f"{english} {100 * share:.0f}" for english, share in alignment.strongest(row, at_least=_FAINTEST)
        )
        lines.append(Text.assemble((_fitted(token, label), "bold"), "  ", links))
    return Text("\n").join(lines)
