"""Documents, queries and sentence pairs from memory instead of from files."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from opticlir.data.metadata import FieldReader
from opticlir.data.normalisation import normalise_typed
from opticlir.records import Document, FieldValue, Query, SentencePair

logger = logging.getLogger(__name__)

DocumentLike: TypeAlias = Document | str | tuple[str, str] | tuple[str, str, str] | Mapping[str, Any]
"""A `Document`, a text, `(id, text)`, `(id, title, text)`, or a mapping with `_id` (or `id`), `title` and `text`.

Other keys of a mapping are metadata fields.
"""

QueryLike: TypeAlias = Query | str | tuple[str, str]
"""A `Query`, a text, or `(id, text)`."""

PairLike: TypeAlias = SentencePair | tuple[str, str]
"""A `SentencePair`, or `(english, foreign)`."""


def documents_of(items: Iterable[DocumentLike], *, first: int = 0) -> Iterator[Document]:
    """Read documents in any of the forms of `DocumentLike`; texts are brought into their normal form.

    A plain text gets its position as its id: "0", "1", and so on.

    Args:
        items: the documents.
        first: the position of the first one.

    Raises:
        TypeError: an item has none of these forms.
        DataError: a text is no valid Unicode.

    Example:
        >>> [each.doc_id for each in documents_of(["Boil water.", ("d7", "Wash hands.")])]
        ['0', 'd7']
    """
    _refuse_one(items, "documents")
    reader = FieldReader(logger.warning)
    item: Any
    doc_id: Any
    title: Any
    text: Any
    for position, item in enumerate(items, start=first):
        fields: dict[str, FieldValue] = {}
        match item:
            case Document():
                doc_id, title, text = item.doc_id, item.title, item.text
                fields = reader.read(item.fields, ())
            case str():
                doc_id, title, text = str(position), "", item
            case Mapping():
                doc_id, title, text = (
                    item.get("_id", item.get("id")),
                    item.get("title") or "",
                    item.get("text"),
                )
                fields = reader.read(item, ("_id", "id", "title", "text"))
            case (doc_id, text):
                title = ""
            case (doc_id, title, text):
                pass
            case _:
                doc_id = title = text = None
        if not (isinstance(doc_id, str) and isinstance(title, str) and isinstance(text, str)):
            raise TypeError(
                f"document {position} is {_shown(item)}: expected a Document, a text, (id, text), "
                "(id, title, text) or a mapping with _id, title and text"
            )
        yield Document(doc_id, normalise_typed(text), normalise_typed(title), fields)


def queries_of(items: Iterable[QueryLike] | Mapping[str, str]) -> list[Query]:
    """Read queries in any of the forms of `QueryLike`, or a mapping of ids to texts, likewise.

    Raises:
        TypeError: an item has none of these forms.
        DataError: a text is no valid Unicode.

    Example:
        >>> [(each.query_id, each.text) for each in queries_of({"q1": "Homa ni nini?"})]
        [('q1', 'Homa ni nini?')]
    """
    refuse_one_text(items, "queries")
    found = []
    item: Any
    query_id: Any
    text: Any
    for position, item in enumerate(items.items() if isinstance(items, Mapping) else items):
        language = "und"
        match item:
            case Query():
                query_id, text, language = item.query_id, item.text, item.language
            case str():
                query_id, text = str(position), item
            case (query_id, text):
                pass
            case _:
                query_id = text = None
        if not (isinstance(query_id, str) and isinstance(text, str)):
            raise TypeError(f"query {position} is {_shown(item)}: expected a Query, a text or (id, text)")
        found.append(Query(query_id, normalise_typed(text), language))
    return found


def pairs_of(items: Iterable[PairLike]) -> list[SentencePair]:
    """Read sentence pairs in either form of `PairLike`; texts are brought into their normal form.

    Raises:
        TypeError: an item has neither form.
        ValueError: a side is blank.
        DataError: a text is no valid Unicode.

    Example:
        >>> pairs_of([("water", "maji")])
        [SentencePair(english='water', foreign='maji', weight=1.0, language='')]
    """
    refuse_one_text(items, "pairs")
    found = []
    item: Any
    for position, item in enumerate(items):
        match item:
            case SentencePair():
                english, foreign, weight, language = item.english, item.foreign, item.weight, item.language
            case (str(english), str(foreign)):
                weight, language = 1.0, ""
            case _:
                raise TypeError(
                    f"pair {position} is {_shown(item)}: expected (english, foreign) or a SentencePair"
                )
        pair = SentencePair(normalise_typed(english), normalise_typed(foreign), weight, language)
        if not pair.english or not pair.foreign:
            raise ValueError(f"pair {position} is {_shown(item)}: a side is blank")
        found.append(pair)
    return found


def refuse_one_text(items: Any, expected: str) -> None:
    """Refuse a single text where several things are expected: its letters would be taken for them.

    Args:
        items: an argument of the caller.
        expected: what the items are, for the message.

    Raises:
        TypeError: it is one text.
    """
    if isinstance(items, str | bytes):
        raise TypeError(f"expected a list of {expected}, found one text: {_shown(items)}")


def _refuse_one(items: Any, expected: str) -> None:
    refuse_one_text(items, expected)
    if isinstance(items, Mapping):
        raise TypeError(f"expected a list of {expected}, found one mapping: {_shown(items)}")


def _shown(item: Any) -> str:
    return repr(item)[:80]
