"""Text from outside as HTML that only shows it: no markup, script or direction of its own comes through."""

from collections.abc import Iterable, Sequence
from html import escape

from opticlir.visible import visible


def escaped(text: str) -> str:
    r"""Escape a text for markup, including quotes. Invisible characters are shown as in `visible`.

    Example:
        >>> escaped('<b title="x">\u202e')
        '&lt;b title=&quot;x&quot;&gt;&lt;U+202E&gt;'
    """
    return escape(visible(text), quote=True)


def isolated(text: str) -> str:
    """Return the markup of a foreign text whose writing direction does not affect its surroundings."""
    return f"<bdi>{escaped(text)}</bdi>"


def html_table(
    caption: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str | int | float]],
    notes: Iterable[str] = (),
) -> str:
    """Return a table that a notebook shows. All texts are escaped here.

    Args:
        caption: plain text above the table.
        headings: of the columns.
        rows: values by column; a number is shown with three decimals, a whole number as it is.
        notes: plain text below the table, a paragraph each.

    Example:
        >>> html_table("A & B", ["x"], [["<i>"]]).splitlines()[2]
        '<tr><td><bdi>&lt;i&gt;</bdi></td></tr>'
    """
    head = "".join(f'<th scope="col">{isolated(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{''.join(map(_shown, row))}</tr>\n" for row in rows)
    below = "".join(f"<p>{isolated(note)}</p>\n" for note in notes)
    return (
        f"<table><caption>{isolated(caption)}</caption>\n<thead><tr>{head}</tr></thead><tbody>\n"
        f"{body}</tbody></table>\n{below}"
    )


def _shown(value: str | int | float) -> str:
    shown = value if isinstance(value, str) else f"{value:.3f}" if isinstance(value, float) else str(value)
    return f"<td>{isolated(shown)}</td>"
