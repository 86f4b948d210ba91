"""The shell of every HTML page we write: one file, nothing from elsewhere, no scripts."""

from html import escape
from importlib.resources import files
from string import Template

from opticlir.data.visible import visible


def html_page(title: str, content: str) -> str:
    """Put finished markup into a page that reads well in light and in dark.

    Args:
        title: plain text.
        content: markup; whoever made it has escaped what is in it.
    """
    folder = files("opticlir.pictures")
    style = (folder / "page.css").read_text(encoding="utf-8")
    shell = Template((folder / "page.html").read_text(encoding="utf-8"))
    return shell.substitute(title=escaped(title), style=style.rstrip(), content=content)


def escaped(text: str) -> str:
    r"""A text as it may stand in markup, in quotes too; see `visible` for what cannot be seen.

    Example:
        >>> escaped('<b title="x">\u202e')
        '&lt;b title=&quot;x&quot;&gt;&lt;U+202E&gt;'
    """
    return escape(visible(text), quote=True)


def isolated(text: str) -> str:
    """A foreign text in markup, its direction of writing kept from its surroundings."""
    return f"<bdi>{escaped(text)}</bdi>"
