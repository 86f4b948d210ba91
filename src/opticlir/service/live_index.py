"""The index of a service: the version that is searched, and changes that publish the next one."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from opticlir.data.in_memory import DocumentLike, documents_of
from opticlir.errors import ArtefactError, DataError
from opticlir.records import Document
from opticlir.search import Entry, ExactIndex, Index, LanguageRoutes, MultilingualRetriever
from opticlir.search.encoding import encoded
from opticlir.search.language_routes import english_words
from opticlir.service.models import ServedModel
from opticlir.storage import current_version

CHUNK = 8
"""Texts that are encoded between two checks, and between two turns of other callers."""


class OpenedIndex(MultilingualRetriever[ServedModel]):
    """An index at one version, with a retriever per model."""

    def __init__(self, index: Index, routes: LanguageRoutes[ServedModel]) -> None:
        super().__init__(index, tuple(routes.models.values()), routes=routes)
        self.version = index.version


class LiveIndex:
    """An index that is searched while it changes. Threads may share it.

    Args:
        path: the index folder.
        models: that read questions; the first one encodes new documents.

    Raises:
        ArtefactError: the index is missing or damaged, or another document encoder built it.
    """

    def __init__(self, path: Path, models: Sequence[ServedModel]) -> None:
        self._path, self._served = path, tuple(models)
        self._routes = LanguageRoutes(models, lambda: english_words(self.opened.index))
        self.opened = OpenedIndex(ExactIndex.open(path), self._routes)
        """The version that is searched; whoever uses it takes it once, since another thread may replace it."""
        self._writing = threading.RLock()

    @property
    def version(self) -> str:
        """The version of the index that is searched."""
        return self.opened.version

    def __len__(self) -> int:
        """Documents in the index."""
        return len(self.opened.index)

    def documents(self, offset: int = 0, limit: int = 100) -> tuple[Document, ...]:
        """A page of the documents, in the order of the index."""
        index = self.opened.index
        return tuple(index.document(row) for row in range(offset, min(offset + limit, len(index))))

    def document(self, doc_id: str) -> Document:
        """One document.

        Raises:
            DataError: the index has no such document.
        """
        return self.opened.index.get(doc_id)

    def put(self, documents: Iterable[DocumentLike]) -> str:
        """Publish a version of the index with new documents; one with a known id replaces the old one.

        Returns:
            The new version.

        Raises:
            DataError: an id is blank or comes twice, or a document has no text.
            ArtefactError: another process is writing the index, or the disk refuses. Then nothing is changed.
        """
        new = list(documents_of(documents))
        for document in new:
            if not document.content.strip():
                raise DataError(f"document {document.doc_id!r} has no text")
        with self._writing:
            self.reload()  # another process may have written
            entries = self._encoded(new)
            self.opened.index.update(entries)
            return self.reload()

    def _encoded(self, documents: Sequence[Document]) -> list[Entry]:
        """Documents with their passages; searches have their turns in between."""
        served = self._served[0]
        retriever = self.opened.retrievers[served.name]
        found: list[Entry] = []
        for start in range(0, len(documents), CHUNK):
            with served.lock:
                for document, passages in encoded(
                    documents[start : start + CHUNK], retriever.model, retriever.windows
                ):
                    found.append((document, list(passages)))
        return found

    def delete(self, doc_ids: Iterable[str]) -> str:
        """Publish a version of the index without some documents, and return the version.

        Raises:
            DataError: an id is not in the index, or none would be left. Then nothing is deleted.
            ArtefactError: another process is writing the index, or the disk refuses.
        """
        with self._writing:
            self.opened.index.delete(list(doc_ids))
            return self.reload()

    def reload(self) -> str:
        """Search the version of the index that is current now, and return it. Answers under way keep theirs.

        Raises:
            ArtefactError: the index is damaged or another document encoder built it; the old version is kept.
        """
        with self._writing:
            self.opened = OpenedIndex(self.opened.index.reopened(), self._routes)
            return self.version

    def is_current(self) -> bool:
        """Whether no other version of the index has been published since this one was opened."""
        try:
            return current_version(self._path) == self.version
        except ArtefactError:
            return True  # there is nothing to reload
