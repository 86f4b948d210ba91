"""A test collection in TREC style: topics, judgements and documents in separate files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opticlir.data.corpora import read_corpus
from opticlir.data.qrels import read_qrels
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.topics import read_topics
from opticlir.errors import DataError
from opticlir.lab.collections.published import published_files
from opticlir.languages import language_code
from opticlir.records import Document, RetrievalTask


@dataclass(frozen=True, kw_only=True)
class TrecCollection:
    """The files of a collection; each part is a tuple of forms as in `published_files`.

    `{split}` in a form is replaced by the requested split. A collection without it has one split and ignores the
    argument.
    """

    name: str
    whence: str
    """Where the owner publishes it, for the message about a missing file."""
    topics: tuple[str, ...]
    """Files for `read_topics`."""
    qrels: tuple[str, ...]
    documents: tuple[str, ...]
    """Files for `read_corpus`; several files are read as one collection."""
    english: tuple[str, ...] = ()
    """The same topics in English; they may be missing."""
    topics_of: Mapping[str, str] = field(default_factory=dict)
    """If a split has other judgements for the topics of another split: that split."""
    asks_in_english: bool = False
    """Whether the topics are English, and the requested language is that of the documents."""
    fields: tuple[str, ...] = ("title",)
    """Parts of a topic that make the query."""

    def load(self, folder: Path, language: str, split: str) -> RetrievalTask:
        """Read the collection in one language.

        Args:
            folder: folder with the files.
            language: language of the topics, or of the documents if the topics are English; any code.
            split: which topics and judgements.

        Returns:
            The task; topics without judgements are left out.

        Raises:
            DataError: a file is missing or malformed. For a missing language, the message lists the others.
        """
        code = language_code(language)
        asked = "eng" if self.asks_in_english else code
        topics_split = self.topics_of.get(split, split)
        topics = self._files(self.topics, folder, code, topics_split)
        qrels = self._files(self.qrels, folder, code, split)
        documents = self._files(self.documents, folder, code, split)
        try:
            english = self._files(self.english, folder, code, topics_split) if self.english else []
        except DataError:
            english = []
        has_splits = any("{split}" in form for form in (*self.topics, *self.qrels))
        return assemble_task(
            f"{self.name}.{code}.{split}" if has_splits else f"{self.name}.{code}",
            folder,
            _documents(documents),
            read_topics(topics[0], asked, fields=self.fields),
            read_qrels(qrels[0]),
            read_topics(english[0], "eng", fields=self.fields) if english else [],
        )

    def _files(self, forms: tuple[str, ...], folder: Path, code: str, split: str) -> list[Path]:
        filled = [form.replace("{split}", split) for form in forms]
        return published_files(folder, filled, code, self.whence)


def _documents(paths: list[Path]) -> Iterator[Document]:
    for path in paths:
        yield from read_corpus(path)
