"""Mewsli-X (Ruder et al., EMNLP 2021, XTREME-R): names in news of 11 languages, and a million entities to search.

`candidate_set_entities.jsonl`, one entity a line with `entity_id` (of WikiData), `title` and `description` in
one of 50 languages, 1,003,893 of them; `wikinews_mentions-<split>.jsonl`, one article a line with `context`
(`language`, `text`, `sentence_spans`) and `mentions` (`example_id`, `entity_id`, `mention_span`), splits dev
and test. Mentions of dev and test: ar 318, 1501; de 326, 1551; en 316, 1490; es 311, 1552; fa 72, 458; ja
310, 1519; pl 304, 1562; ro 145, 672; ta 312, 1567; tr 262, 1215; uk 315, 1537. The texts are of Wikipedia (CC
BY-SA) and Wikinews (CC BY). A query is a name and its sentence; the published measure
is AP. The entities are held in memory, about 0.5 KB each.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.json_files import read_json_lines
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.errors import DataError, SettingsError
from opticlir.lab.collections.published import published_files
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask
from opticlir.visible import shown

_WHENCE = (
    "Mewsli-X is made by get-mewsli-x.sh in dense_representations_for_entity_retrieval/mel of the GitHub repository "
    "google-research/google-research"
)


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the entity of a name.

    Args:
        folder: folder with the files.
        language: language of the articles, any code.
        split: dev or test.

    Returns:
        The task.

    Raises:
        DataError: a file is missing or malformed, or has no article in the language.
    """
    code = language_code(language)
    (mentions,) = published_files(folder, (f"wikinews_mentions-{split}.jsonl",), code, _WHENCE)
    (entities,) = published_files(folder, ("candidate_set_entities.jsonl",), code, _WHENCE)
    report = SkipReport.of(None)
    articles = parse_records(read_json_lines(mentions), _mentions, mentions, report)
    there, found = set(), []
    for _, (spoken, names) in articles:
        there.add(spoken)
        found.extend(names if spoken == code else [])
    if not found:
        raise DataError(f"{mentions}: no article in {code!r}: there are {', '.join(sorted(there))}")
    return assemble_task(
        f"mewsli-x.{code}.{split}",
        folder,
        _entities(entities, report),
        (Query(query_id, text, code) for query_id, text, _ in found),
        {query_id: {entity: 1} for query_id, _, entity in found},
    )


def _entities(path: Path, report: SkipReport) -> Iterator[Document]:
    records = parse_records(read_json_lines(path), _entity, path, report)
    return refuse_duplicates(records, lambda document: document.doc_id, path, report)


def _entity(record: dict[str, Any]) -> Document:
    title, description = record.get("title"), record.get("description")
    if not isinstance(title, str) or not isinstance(description, str):
        raise MalformedRecordError(
            f"expected entity_id, title and description, found {shown(repr(record), 200)}"
        )
    doc_id = checked_id(record.get("entity_id"), "document")
    return Document(doc_id, normalise_text(description), normalise_text(title))


def _mentions(record: dict[str, Any]) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the language of an article, and id, query and entity of each mention."""
    try:
        context = record["context"]
        text, language = context["text"], language_code(context["language"])
        spans = [(span["start"], span["end"]) for span in context["sentence_spans"]]
        if not text:
            raise MalformedRecordError("the article has no text: get-mewsli-x.sh fills it in")
        return language, [_mention(mention, text, spans) for mention in record["mentions"]]
    except (KeyError, TypeError, AttributeError, SettingsError) as error:
        raise MalformedRecordError(
            "expected context > language, text and sentence_spans, and mentions > example_id, entity_id and "
            f"mention_span: {error!r}"
        ) from None


def _mention(mention: dict[str, Any], text: str, spans: list[tuple[int, int]]) -> tuple[str, str, str]:
    start, end = mention["mention_span"]["start"], mention["mention_span"]["end"]
    query_id = checked_id(mention["example_id"], "query")
    name = normalise_text(text[start:end])
    if not name or name != normalise_text(mention["mention_span"]["text"]):
        raise MalformedRecordError(
            f"mention {shown(query_id)} is {shown(mention['mention_span']['text'])}, but characters {start} to {end} "
            f"of the text are {shown(name)}"
        )
    # offsets count the characters of the file, so the text is brought into normal form after it is cut
    sentence = next((text[first:last] for first, last in spans if first <= start < last), "")
    query = " ".join(f"{name} {normalise_text(sentence)}".split())
    return query_id, query, checked_id(mention["entity_id"], "document")
