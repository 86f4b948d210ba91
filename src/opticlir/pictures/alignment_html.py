"""An alignment as an HTML table, which can be selected, searched and read aloud."""

from collections.abc import Callable, Mapping

from opticlir.data.markup import escaped, isolated
from opticlir.pictures.alignment import TokenAlignment
from opticlir.pictures.page import html_page

_FAINTEST = 0.05  # smaller shares have a shade, but no number


def alignment_html(alignment: TokenAlignment) -> str:
    """Return the markup of an alignment for a page of `html_page`."""
    return (
        f'<figure><div class="wide">{_grid(alignment, _cell)}</div>\n'
        f"<figcaption>{escaped(alignment.legend)}</figcaption></figure>"
    )


def alignment_strip(alignments: Mapping[str, TokenAlignment]) -> str:
    """Return the markup of several alignments side by side: small grids without numbers, with captions."""
    figures = "\n".join(
        f"<figure><figcaption>{escaped(caption)}</figcaption>{_grid(alignment, _shade)}</figure>"
        for caption, alignment in alignments.items()
    )
    return f'<div class="strip">\n{figures}\n</div>'


def alignment_page(alignment: TokenAlignment, foreign: str, english: str) -> str:
    """Return a whole page with an alignment and its two texts.

    Args:
        alignment: the alignment to show.
        foreign: the foreign text as it was written.
        english: the English text as it was written.
    """
    texts = f"<p>{isolated(foreign)}<br>{isolated(english)}</p>"
    return html_page("Token alignment", f"{texts}\n{alignment_html(alignment)}")


def _grid(alignment: TokenAlignment, cell: Callable[[float], str]) -> str:
    head = "".join(f'<th scope="col">{isolated(token)}</th>' for token in alignment.english)
    rows = "\n".join(
        f'<tr><th scope="row">{isolated(token)}</th>{"".join(map(cell, shares))}</tr>'
        for token, shares in zip(alignment.foreign, alignment.shares.tolist(), strict=True)
    )
    return (
        f'<table class="alignment"><thead><tr><td></td>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'
    )


def _cell(share: float) -> str:
    number = f"{100 * share:.0f}" if share >= _FAINTEST else ""
    return f'<td style="--share:{share:.3f}">{number}</td>'


def _shade(share: float) -> str:
    return f'<td style="--share:{share:.2f}"></td>'
