"""Ids of the documents of one index: each is allowed, and no two look alike."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator

from opticlir.data.identifiers import allowed_id
from opticlir.data.in_memory import DocumentLike, documents_of
from opticlir.errors import DataError
from opticlir.records import Document


class DocumentIds:
    """The ids that documents may not have: those so far, and those of an index.

    Args:
        indexed: gives the id of the index that looks as it is asked (see `look_of`); None is no index.
        replaces: whether a document may have the id of one in the index, to take its place.
    """

    def __init__(self, indexed: Callable[[str], str | None] | None = None, *, replaces: bool = False) -> None:
        self._by_look: dict[str, str] = {}
        self._indexed, self._replaces = indexed, replaces
        self.replaced: set[str] = set()
        """Ids of the index whose documents are replaced."""

    def check(self, document: Document) -> None:
        """Refuse a document whose id cannot join the others.

        Raises:
            DataError: the id is not allowed (see `checked_id`), or looks like one before it.
        """
        doc_id = document.doc_id
        try:
            allowed_id(doc_id, "document")
        except DataError as error:
            raise DataError(f"{error}; its text begins with {document.text[:40]!r}") from None
        look = look_of(doc_id)
        if (seen := self._by_look.get(look)) is None and self._indexed is not None:
            seen = self._indexed(look)
            if seen == doc_id and self._replaces:
                self.replaced.add(doc_id)
                return
        if seen == doc_id:
            raise DataError(f"document id {doc_id!r} comes twice: ids must be unique")
        if seen is not None:
            raise DataError(
                f"document ids {seen!a} and {doc_id!a} look alike: they differ only in blanks "
                "around them, or in how an accent is written; rename one of the documents"
            )

    def add(self, document: Document) -> None:
        """Add the id of a document. Raises as `check`."""
        self.check(document)
        self._by_look[look_of(document.doc_id)] = document.doc_id


def checked_documents(
    documents: Iterable[DocumentLike], *, first: int = 0, ids: DocumentIds | None = None
) -> Iterator[Document]:
    """`documents_of`; the ids of a list are checked before the first of its documents is yielded.

    A wrong id at the end of a list then costs no encoding. Of a stream, ids are checked as they come.

    Args:
        documents: as of `documents_of`.
        first: as of `documents_of`.
        ids: those that they may not have; None is none.

    Raises:
        DataError: an id is not allowed, comes twice, or looks like another one.
        TypeError: as `documents_of`.
    """
    if isinstance(documents, Collection):
        ids = ids or DocumentIds()
        for document in documents_of(documents, first=first):
            if document.content.strip():
                ids.add(document)
            else:  # it is left out
                ids.check(document)
    return documents_of(documents, first=first)


def look_of(doc_id: str) -> str:
    """How an id looks: in NFC, without blanks around it."""
    return unicodedata.normalize("NFC", doc_id).strip()
