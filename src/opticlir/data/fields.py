"""The names that files give to the fields of documents, queries and judgements."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """A field, and the names under which files have it.

    Names are compared in lower case, with every run of other characters as one underscore: `Query-ID` is
    `query_id`.
    """

    usual: tuple[str, ...]
    """The usual names, the first one preferred."""
    pattern: re.Pattern[str]
    """Other names that mean the field."""

    def find(self, names: Iterable[str]) -> str | None:
        """Return the name of the field among those of a record, or None.

        Example:
            >>> DOCUMENT_TEXT.find(["pid", "passage", "title"]), QUERY_ID.find(["Query-ID", "text"])
            ('passage', 'Query-ID')
        """
        plain = {_plain(name): name for name in reversed(list(names))}
        found = next((name for name in self.usual if name in plain), None) or next(
            (name for name in reversed(plain) if self.pattern.fullmatch(name)), None
        )
        return None if found is None else plain[found]


def _field(usual: str, pattern: str) -> Field:
    return Field(tuple(usual.split()), re.compile(pattern))


_NUMBER = "(?:id|uid|no|num|number|key)"
_DOCUMENT = "(?:doc(?:ument)?|corpus|passage|psg|para(?:graph)?|article|page|record|item|text|cord|p|d|c)"
_QUERY = "(?:query|question|topic|example|claim|q|t)"

DOCUMENT_ID = _field("id docid doc_id docno", f"(?:{_DOCUMENT}_?)?{_NUMBER}")
DOCUMENT_TITLE = _field("title", f"(?:(?:{_DOCUMENT}|wiki(?:pedia)?)_?)?(?:title|headline|heading)")
DOCUMENT_TEXT = _field(
    "text contents content",
    f"(?:(?:{_DOCUMENT}|main)_?)?(?:text|contents?|body)|passage|document|doc|abstract|paragraph|article|sentence|"
    "context|segment|summary|description|english",
)
QUERY_ID = _field("id query_id qid topic_id", f"(?:{_QUERY}_?)?{_NUMBER}|topic")
QUERY_TEXT = _field(
    "text query question title",
    f"(?:{_QUERY}_?)?(?:text|string|contents?|title)|topic|utterance|claim|sentence|description",
)
LANGUAGE = _field("lang language", f"(?:{_QUERY}_?)?(?:lang|language)(?:_?code)?")
JUDGED_QUERY = _field("query_id qid topic_id", f"{_QUERY}_?{_NUMBER}|query|topic|question")
JUDGED_DOCUMENT = _field("corpus_id doc_id docid docno", f"{_DOCUMENT}_?{_NUMBER}|document|doc|passage")
GRADE = _field(
    "score relevance rel grade label",
    "(?:relevance|rel|relevancy|relevant|quality)(?:_?(?:score|grade|label|level|judge?ment))?|judge?ment|gain",
)

_MAX_NAME = 40


def is_header(entries: Sequence[str], *needed: Field) -> bool:
    """Whether the entries of a first line are the names of columns, not the first record.

    Example:
        >>> is_header(["id", "text", "title"], DOCUMENT_ID, DOCUMENT_TEXT)
        True
        >>> is_header(["q1", "What is a text?"], QUERY_ID, QUERY_TEXT)
        False
    """
    found = [field.find(entries) for field in needed]
    return (
        None not in found
        and len(set(found)) == len(found)
        and all(len(entry) <= _MAX_NAME for entry in entries)
    )


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")
