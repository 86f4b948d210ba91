"""Text in SGML and XML."""

import html
import re

_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"</?[a-z!?][^<>]*>", re.IGNORECASE)


def without_tags(text: str) -> str:
    """Return the text of an element: no tags and comments, entities as characters, and single spaces.

    Example:
        >>> without_tags("<p>Boil &amp; drink.</p><p><![CDATA[5 < 6]]></p>")
        'Boil & drink. 5 < 6'
    """
    escaped = _CDATA.sub(lambda found: html.escape(found[1], quote=False), text)
    return " ".join(html.unescape(_TAG.sub(" ", _COMMENT.sub(" ", escaped))).split())
