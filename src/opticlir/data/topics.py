"""Topics (queries): TSV, TREC SGML, FIRE XML and JSON lines. The first character decides the format."""

import html
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.json_files import parse_json_object
from opticlir.data.normalisation import normalise_text
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.data.visible import shown
from opticlir.errors import DataError, SettingsError
from opticlir.languages import language_code
from opticlir.records import Query

_ID_KEYS = ("_id", "query_id", "qid", "id", "topic_id")
_TEXT_KEYS = ("text", "query", "question", "title")

_PARTS = {
    "num": "num", "identifier": "num", "title": "title", "desc": "desc", "description": "desc", "narr": "narr",
    "narrative": "narr",
}  # fmt: skip
"""Tags of a topic: those of TREC, FIRE and CLEF until 2007, and those of CLEF from 2008 on."""
_LETTERS = {"c": "zho", "e": "eng"}
"""Languages by one letter, as in the tags of TREC's Mandarin topics."""

# SGML: a field ends at the next field, closed or not; <EN-title> is a title in English
_TAGS = "|".join(_PARTS)
_FIELD = re.compile(
    rf"<(?:([a-z]{{1,3}})-)?({_TAGS})>(.*?)(?=</?(?:[a-z]{{1,3}}-)?(?:{_TAGS})>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_LABEL = re.compile(r"\A\s*(?:Number|Topic|Description|Narrative)\s*:", re.IGNORECASE)
_TOPIC = re.compile(r"(?=<top(?:ic)?\b)", re.IGNORECASE)
_TOPIC_END = re.compile(r"</top(?:ics?)?>.*", re.IGNORECASE)
_TOPIC_LANGUAGE = re.compile(r"<top(?:ic)?\s[^>]*\blang\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)


def read_topics(path: Path, language: str, *, fields: Sequence[str] = ("title",)) -> list[Query]:
    """Read queries in file order.

    | begins with | form |
    |---|---|
    | `<` | TREC SGML, closed or not, FIRE XML and CLEF until 2007: `<top><num><title><desc><narr>`, with the |
    | | language in `<top lang="hi">`, in the tags (`<EN-title>`) or nowhere; CLEF from 2008 on: |
    | | `<topic lang="fr"><identifier><title><description><narrative>` |
    | `{` | JSON lines: `_id` (or `query_id`, `qid`, `id`) and `text` (or `query`, `question`); HC4 topics |
    | else | `query_id<TAB>text` |

    Args:
        path: the file, plain or gzipped, in UTF-8; convert old files of CLEF and TREC with iconv first.
        language: language of the queries, any code. If a file states languages, only topics in this one are
            read. Of HC4 topics, the original or a human translation is read, never a machine translation.
        fields: parts of an SGML, XML or HC4 topic that make the query: title, desc, narr.

    Returns:
        One query per topic, text in NFC.

    Raises:
        ValueError: a field is not title, desc or narr.
        DataError: the file cannot be read or has no topic in `language`; a topic is malformed or has no
            text; two topics have the same id.
    """
    if not fields or not set(fields) <= {"title", "desc", "narr"}:
        raise ValueError(f"fields are {tuple(fields)}: expected title, desc or narr")
    report = SkipReport(lenient=False)
    code = language_code(language)
    lines = [(number, line) for number, line in read_lines(path, skipped=report) if line.strip()]
    first = lines[0][1].lstrip() if lines else ""
    topics: Iterator[tuple[int, tuple[str, str] | None]]
    if first.startswith("<"):
        topics = parse_records(
            _sgml_topics(lines), lambda topic: _from_sgml(topic, code, fields), path, report
        )
    elif first.startswith("{"):
        topics = parse_records(lines, lambda line: _from_json(line, code, fields), path, report)
    else:
        topics = parse_records(lines, _from_tsv, path, report)
    found = ((number, topic) for number, topic in topics if topic)
    queries = [
        Query(query_id, text, code)
        for query_id, text in refuse_duplicates(found, lambda topic: topic[0], path, report)
    ]
    if not queries:
        raise DataError(f"{path}: no topic in {code!r} in it")
    return queries


def _topic(query_id: Any, text: str) -> tuple[str, str]:
    query_id = checked_id(query_id, "query")
    text = normalise_text(text)
    if not text:
        raise MalformedRecordError(f"query {shown(query_id)} has no text")
    return query_id, text


def _from_tsv(line: str) -> tuple[str, str]:
    columns = line.split("\t")
    if len(columns) != 2:
        raise MalformedRecordError(
            f"expected 2 columns, query_id<TAB>text, found {len(columns)} in {shown(line)}"
        )
    return _topic(*columns)


def _sgml_topics(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield each topic with its first line number, from the opening tag on."""
    begin, parts = 0, list[str]()
    for number, line in lines:
        rest, *topics = _TOPIC.split(line)
        parts.append(_TOPIC_END.sub("", rest))
        for topic in topics:
            if begin:
                yield begin, "\n".join(parts)
            begin, parts = number, [_TOPIC_END.sub("", topic)]
    if begin:
        yield begin, "\n".join(parts)


def _from_sgml(topic: str, code: str, fields: Sequence[str]) -> tuple[str, str] | None:
    """Return id and text, or None if the topic is not in the requested language."""
    stated = _TOPIC_LANGUAGE.match(topic)
    if stated and not _means(stated[1], code):
        return None
    found: dict[str, str] = {}
    elsewhere = set()
    for tag_language, tag, content in _FIELD.findall(topic):
        part = _PARTS[tag.lower()]
        if tag_language and not _means(tag_language, code):
            elsewhere.add(part)
        else:
            found.setdefault(part, " ".join(html.unescape(_LABEL.sub("", content)).split()))
    if missing := [name for name in ("num", *fields) if name not in found]:
        if elsewhere.issuperset(missing):
            return None
        raise MalformedRecordError(f"a topic without <{missing[0]}>: {shown(topic.strip())}")
    return _topic(found["num"], " ".join(found[name] for name in fields))


def _means(tag: str, code: str) -> bool:
    """Whether a language tag of a file means the language with this ISO 639-3 code."""
    try:
        return (_LETTERS.get(tag.lower()) or language_code(tag)) == code
    except SettingsError:
        return False


def _from_json(line: str, code: str, fields: Sequence[str]) -> tuple[str, str] | None:
    """Return id and text, or None if the topic is not in the requested language."""
    record = parse_json_object(line)
    query_id = next((record[key] for key in _ID_KEYS if key in record), None)
    if isinstance(record.get("topics"), list):
        text = _hc4_text(record["topics"], code, fields)
        return None if text is None else _topic(query_id, text)
    text = next((record[key] for key in _TEXT_KEYS if key in record), None)
    if not isinstance(text, str):
        raise MalformedRecordError(f"expected the keys _id and text, found {shown(', '.join(record))}")
    return _topic(query_id, text)


def _hc4_text(versions: list[Any], code: str, fields: Sequence[str]) -> str | None:
    """The text of a topic in a language: the original or a human translation."""
    keys = {"title": "topic_title", "desc": "topic_description", "narr": "topic_narrative"}
    by_source: dict[str, str] = {}
    for version in versions:
        if not isinstance(version, dict):
            raise MalformedRecordError(f"expected objects under topics, found {shown(repr(version))}")
        if _means(str(version.get("lang")), code):
            text = " ".join(str(version.get(keys[name], "")) for name in fields)
            by_source.setdefault(str(version.get("source")), text)
    # no track translates into English, so English topics are originals, marked or not
    by_people = ("original", "human translation", *(by_source if code == "eng" else ()))
    return next((by_source[source] for source in by_people if source in by_source), None)
