"""Documents in SGML: `<DOC>` with `<DOCNO>`, as TREC, CLEF and FIRE have them, and `<doc id="...">`."""

import html
import re
from collections.abc import Iterator

from opticlir.data.sgml import without_tags
from opticlir.data.skipping import MalformedRecordError
from opticlir.visible import shown

_BEGIN = re.compile(r"(?=<doc(?:\s[^>]*)?>)", re.IGNORECASE)
_END = re.compile(r"</doc\s*>.*", re.IGNORECASE | re.DOTALL)
_ATTRIBUTE = re.compile(r"\b(id|docno|title)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_OPENING = re.compile(r"\A<doc(?:\s[^>]*)?>", re.IGNORECASE)
_NUMBER = re.compile(r"<(docno|docid|id)\s*>([^<]*)", re.IGNORECASE)
_TITLE = re.compile(r"<(title|headline|head|hl|ti|ttl)(?:\s[^>]*)?>(.*?)</\1\s*>", re.IGNORECASE | re.DOTALL)
_TEXT = re.compile(
    r"<(text|body|tx|ld|lp|leadpara)(?:\s[^>]*)?>(.*?)(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL
)
_NO_TEXT = re.compile(
    r"<(docno|docid|id|dochdr|docoldno|date|date_time|time|doctype|length|byline|author|bib|url|script|style)"
    r"(?:\s[^>]*)?>.*?</\1\s*>",
    re.IGNORECASE | re.DOTALL,
)


def trec_documents(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield each document from its opening tag on, with its first line number; one is in memory at a time."""
    begin, parts = 0, list[str]()
    for number, line in lines:
        rest, *documents = _BEGIN.split(line)
        if begin:
            parts.append(_END.sub("", rest))
        for document in documents:
            if begin:
                yield begin, "\n".join(parts)
            begin, parts = number, [_END.sub("", document)]
    if begin:
        yield begin, "\n".join(parts)


def parse_trec_document(document: str) -> tuple[str, str, str]:
    """Return id, title and text, without tags.

    The text is that of `<TEXT>` and of what newspapers have in its place (`<LP>`, `<TX>`); without such a tag
    it is everything but the title and the notes about the document.

    Raises:
        MalformedRecordError: there is no id.

    Example:
        >>> parse_trec_document("<DOC><DOCNO> A-1 </DOCNO><HEADLINE>Rain</HEADLINE><TEXT><P>It rains.</P></TEXT>")
        ('A-1', 'Rain', 'It rains.')
    """
    opening = _OPENING.match(document)
    stated = {
        name.lower(): html.unescape("".join(values))
        for name, *values in _ATTRIBUTE.findall(opening[0] if opening else "")
    }
    numbers = {
        name.lower(): html.unescape(value).strip() for name, value in reversed(_NUMBER.findall(document))
    }
    doc_id = (
        numbers.get("docno") or stated.get("docno") or stated.get("id") or next(iter(numbers.values()), "")
    )
    if not doc_id:
        raise MalformedRecordError(f"a document without <DOCNO>: {shown(document.strip())}")
    title = _TITLE.search(document)
    texts = [found[2] for found in _TEXT.finditer(document)]
    if not texts:
        rest = _NO_TEXT.sub(" ", document[opening.end() if opening else 0 :])
        texts = [_TITLE.sub(" ", rest, count=1)]
    return (
        doc_id,
        without_tags(title[2]) if title else stated.get("title", ""),
        without_tags("\n".join(texts)),
    )
