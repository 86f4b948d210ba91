"""An alignment as a table in HTML: it can be selected, searched, read aloud, and needs no font of ours."""

from opticlir.pictures.alignment import TokenAlignment
from opticlir.pictures.page import escaped, html_page, isolated

_FAINTEST = 0.05  # smaller shares get their shade, and no number


def alignment_html(alignment: TokenAlignment) -> str:
    """Markup of an alignment, to be put into a page of `html_page`."""
    head = "".join(f'<th scope="col">{isolated(token)}</th>' for token in alignment.english)
    rows = "\n".join(
        f'<tr><th scope="row">{isolated(token)}</th>{"".join(map(_cell, shares))}</tr>'
        for token, shares in zip(alignment.foreign, alignment.shares.tolist(), strict=True)
    )
    return (
        f'<figure><div class="wide"><table class="alignment"><thead><tr><td></td>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>\n<figcaption>{escaped(alignment.legend)}</figcaption></figure>"
    )


def alignment_page(alignment: TokenAlignment, foreign: str, english: str) -> str:
    """A page of its own for an alignment, under the two texts it is of."""
    texts = f"<p>{isolated(foreign)}<br>{isolated(english)}</p>"
    return html_page("Token alignment", f"{texts}\n{alignment_html(alignment)}")


def _cell(share: float) -> str:
    number = f"{100 * share:.0f}" if share >= _FAINTEST else ""
    return f'<td style="--share:{share:.3f}">{number}</td>'
