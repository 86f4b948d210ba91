"""A report in one HTML file: sections with text, tables and pictures. All text is escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from opticlir.data.markup import escaped
from opticlir.pictures.figures import Image
from opticlir.pictures.page import html_page

Cell: TypeAlias = str | float | int | None
"""A table cell: text, a measure, a count, or nothing."""

_STRONG_ROW = '<tr class="strong">'
_NUMBER = ' class="number"'


@runtime_checkable
class Block(Protocol):
    """An element of a section."""

    def html(self) -> str:
        """Return its markup, with all text escaped."""


@dataclass(frozen=True, slots=True)
class Prose:
    """Plain text. An empty line begins a new paragraph."""

    text: str

    def html(self) -> str:
        """Return one `p` per paragraph."""
        paragraphs = (part for part in self.text.split("\n\n") if part.strip())
        return "\n".join(f"<p>{escaped(paragraph)}</p>" for paragraph in paragraphs)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header. Columns with only numbers are aligned right."""

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    """Cells are shown as by `shown_cell`."""
    note: str = ""
    strong_rows: frozenset[int] = frozenset()
    """Highlighted rows, by number from 0."""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.header):
                raise ValueError(f"row {number} has {len(row)} cells, the header {len(self.header)}")

    def html(self) -> str:
        """Return a `table`, which scrolls if it is wide, and the note below."""
        numeric = [
            all(isinstance(row[column], float | int | None) for row in self.rows)
            for column in range(len(self.header))
        ]
        head = _row("th", self.header, numeric)
        body = "\n".join(
            f"{_STRONG_ROW if number in self.strong_rows else '<tr>'}{_row('td', row, numeric)}</tr>"
            for number, row in enumerate(self.rows)
        )
        note = f'\n<p class="note">{escaped(self.note)}</p>' if self.note else ""
        return (
            f'<div class="wide"><table class="rows"><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>'
            f"</table></div>{note}"
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """An image with a description for readers who cannot see it."""

    image: Image
    description: str
    caption: str = ""

    def html(self) -> str:
        """Return a `figure` that contains the image. On a narrow screen it scrolls."""
        caption = f"<figcaption>{escaped(self.caption)}</figcaption>" if self.caption else ""
        image = f'<img src="{self.image.uri}" alt="{escaped(self.description)}">'
        return f'<figure><div class="wide">{image}</div>{caption}</figure>'


@dataclass(frozen=True, slots=True)
class Markup:
    """Markup in which all text is already escaped."""

    markup: str

    def html(self) -> str:
        """Return the markup unchanged."""
        return self.markup


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its content."""

    title: str
    blocks: Sequence[Block]

    def html(self) -> str:
        """Return a `section`."""
        content = "\n".join(block.html() for block in self.blocks)
        return f"<section>\n<h2>{escaped(self.title)}</h2>\n{content}\n</section>"


def report_html(title: str, sections: Sequence[Section]) -> str:
    """Return the whole page. It needs no other file and no connection.

    Example:
        >>> page = report_html("A & B", [Section("Why", [Prose("Because 1 < 2.")])])
        >>> "<h2>Why</h2>" in page and "1 &lt; 2" in page and "<title>A &amp; B</title>" in page
        True
    """
    return html_page(title, "\n".join(section.html() for section in sections))


def shown_cell(cell: Cell) -> str:
    """Return a cell as text: three decimals, counts with thousands separators, nothing for None.

    Example:
        >>> shown_cell(0.25), shown_cell(9038), shown_cell("hau"), shown_cell(None)
        ('0.250', '9,038', 'hau', '')
    """
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.3f}"


def _row(tag: str, cells: Sequence[Cell], numeric: Sequence[bool]) -> str:
    return "".join(
        f"<{tag}{_NUMBER if is_number else ''}>{escaped(shown_cell(cell))}</{tag}>"
        for cell, is_number in zip(cells, numeric, strict=True)
    )
