"""The frame of every HTML page: one file, without scripts and external resources."""

from importlib.resources import files
from string import Template

from opticlir.data.markup import escaped


def html_page(title: str, content: str) -> str:
    """Return a page with the given content, for light and dark mode.

    Args:
        title: plain text.
        content: markup, in which all text is already escaped.
    """
    style = style_sheet("page.css") + style_sheet("alignment.css")
    shell = Template((files("opticlir.pictures") / "page.html").read_text(encoding="utf-8"))
    return shell.substitute(title=escaped(title), style=style.rstrip(), content=content)


def style_sheet(name: str) -> str:
    """Return one of the style sheets of this package: `page.css`, or `alignment.css` for alignments alone."""
    return (files("opticlir.pictures") / name).read_text(encoding="utf-8")
