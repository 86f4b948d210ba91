"""Topics (queries): SGML and XML, JSON, tables, and `query_id<TAB>text`. The first character decides the format."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from opticlir.data.fields import LANGUAGE, QUERY_ID, QUERY_TEXT, is_header
from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.normalisation import normalise_text
from opticlir.data.sgml_topics import languages_of, parse_sgml_topic, sgml_topics, tagged_language
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.tables import Row, read_records
from opticlir.errors import DataError, SettingsError
from opticlir.languages import code_of_name, language_code
from opticlir.records import Query
from opticlir.visible import is_blank, shown

UNKNOWN_LANGUAGE = "und"
"""ISO 639-3 for a language that is not stated."""


Parser: TypeAlias = Callable[[Any, str, Sequence[str]], tuple[Any, str] | None]
"""From a topic, a language and the wanted fields to id and text, or None if it is in another language."""


class _Form(NamedTuple):
    """How the topics of a file are read."""

    topics: Iterator[tuple[int, Any]]
    languages: Callable[[Any], set[str]]
    """The languages that a topic states; none if it is in any."""
    parse: Parser


def read_topics(
    path: Path, language: str | None = None, *, fields: Sequence[str] = ("title",)
) -> list[Query]:
    """Read queries in file order.

    | begins with | form |
    |---|---|
    | `<` | SGML and XML: TREC (closed or not), TREC-COVID, FIRE, and CLEF before and since 2008. The language is |
    | | in `<top lang="hi">`, in the tags (`<EN-title>`) or nowhere |
    | `{` or `[` | JSON lines or an array: `_id` (`query_id`, `qid`, `id`) and `text` (`query`, `question`), perhaps |
    | | `lang`; HC4 topics |
    | names of columns | TSV or CSV: the columns may have any order, and other columns are ignored |
    | else | `query_id<TAB>text`, and CSV likewise |

    Parquet and Arrow tables are read too.

    Args:
        path: the file, plain or compressed, in UTF-8; convert old files of CLEF and TREC with iconv first.
        language: language of the queries, any code. If a file states languages, only topics in this one are
            read. None is the one language that the file states, or `und` if it states none. Of HC4 topics,
            the original or a human translation is read, never a machine translation.
        fields: parts of an SGML, XML or HC4 topic that make the query: title, desc, narr.

    Returns:
        One query per topic, text in normal form.

    Raises:
        ValueError: a field is not title, desc or narr.
        DataError: the file cannot be read, has no topic in `language`, or has several languages and `language`
            is None; a topic is malformed or has no text; two topics have the same id.
    """
    if not fields or not set(fields) <= {"title", "desc", "narr"}:
        raise ValueError(f"fields are {tuple(fields)}: expected title, desc or narr")
    return read_topic_files([path], language, fields)


def read_topic_files(paths: Sequence[Path], language: str | None, fields: Sequence[str]) -> list[Query]:
    """Read the queries of several files of one collection; arguments and errors as `read_topics`."""
    report, earlier = SkipReport(lenient=False), set[str]()
    forms = [(path, _form(path, report)) for path in paths]
    topics = [(path, form, list(form.topics)) for path, form in forms]
    stated = {
        each for _, form, found in topics for _, topic in found for each in _tolerant(form.languages, topic)
    }
    code = _chosen(paths[0], language, stated)
    queries: list[Query] = []
    for path, form, found in topics:
        parsed = parse_records(found, partial(_topic, form.parse, code, fields), path, report)
        in_language = ((number, topic) for number, topic in parsed if topic)
        queries += (
            Query(query_id, text, code)
            for query_id, text in refuse_duplicates(
                in_language, lambda topic: topic[0], path, report, earlier
            )
        )
    if not queries:
        others = f": there are topics in {', '.join(sorted(stated))}" if stated else ""
        raise DataError(f"{paths[0]}: no topic in {code!r} in it{others}")
    return queries


def _chosen(path: Path, language: str | None, stated: set[str]) -> str:
    if language is not None:
        return language_code(language)
    if len(stated) > 1:
        raise DataError(
            f"{path}: there are topics in {', '.join(sorted(stated))}: choose one of these languages (--language)"
        )
    return next(iter(stated), UNKNOWN_LANGUAGE)


def _form(path: Path, report: SkipReport) -> _Form:
    form, items = read_records(path, report, _names_columns)
    if form == "markup":
        return _Form(sgml_topics(items), languages_of, parse_sgml_topic)
    if form == "rows":
        return _Form(items, _row_languages, _from_row)
    return _Form(items, lambda _: set(), _from_line)


def _names_columns(entries: Sequence[str]) -> bool:
    """Whether a first line is a heading: it names id and text, or an id and one other column, such as `id<TAB>sw`."""
    is_id_and_word = len(entries) == 2 and bool(QUERY_ID.find(entries[:1])) and len(entries[1].split()) == 1
    return is_id_and_word or is_header(entries, QUERY_ID, QUERY_TEXT)


def _tolerant(languages: Callable[[Any], set[str]], topic: Any) -> set[str]:
    try:
        return languages(topic)
    except MalformedRecordError:  # the parser refuses it, with its line
        return set()


def _topic(parse: Parser, code: str, fields: Sequence[str], topic: Any) -> tuple[str, str] | None:
    found = parse(topic, code, fields)
    if found is None:
        return None
    query_id, text = checked_id(found[0], "query"), normalise_text(found[1])
    if is_blank(text):
        raise MalformedRecordError(
            f"query {shown(query_id)} has no text" + (f": {shown(text)}" if text else "")
        )
    return query_id, text


def _from_line(line: str, _code: str, _fields: Sequence[str]) -> tuple[Any, str]:
    columns = line.split("\t")
    if len(columns) != 2:
        raise MalformedRecordError(
            f"expected 2 columns, query_id<TAB>text, found {len(columns)} in {shown(line)}"
        )
    return columns[0], columns[1]


def _from_row(row: Row, code: str, fields: Sequence[str]) -> tuple[Any, str] | None:
    id_name, text_name = QUERY_ID.find(row), QUERY_TEXT.find(row)
    if id_name and text_name in (None, id_name) and len(row) == 2:
        text_name = next(name for name in row if name != id_name)
    query_id = row[id_name] if id_name else None
    if isinstance(row.get("topics"), list):
        text = _hc4_text(row["topics"], code, fields)
        return None if text is None else (query_id, text)
    if text_name is None or not isinstance(row[text_name], str):
        raise MalformedRecordError(f"expected the keys _id and text, found {shown(', '.join(row))}")
    if code not in (_row_languages(row) or {code}):
        return None
    return query_id, row[text_name]


def _row_languages(row: Row) -> set[str]:
    if isinstance(row.get("topics"), list):
        return {
            tagged_language(str(version.get("lang")))
            for version in _versions(row["topics"])
            if _by_people(version)
        }
    name = LANGUAGE.find(row)
    code = _code(row[name]) if name and isinstance(row[name], str) else ""
    return {code} if code else set()


def _code(language: str) -> str:
    """The code for a code or name of a language; empty for anything else."""
    try:
        return language_code(language)
    except SettingsError:
        return code_of_name(language.strip())


def _hc4_text(versions: list[Any], code: str, fields: Sequence[str]) -> str | None:
    """The text of a topic in a language: the original before a human translation."""
    keys = {"title": "topic_title", "desc": "topic_description", "narr": "topic_narrative"}
    in_language = [
        version
        for version in _versions(versions)
        if _by_people(version) and tagged_language(str(version.get("lang"))) == code
    ]
    in_language.sort(key=lambda version: version.get("source") != "original")
    return next((" ".join(str(each.get(keys[name], "")) for name in fields) for each in in_language), None)


def _versions(versions: list[Any]) -> list[Row]:
    for version in versions:
        if not isinstance(version, dict):
            raise MalformedRecordError(f"expected objects under topics, found {shown(repr(version))}")
    return versions


def _by_people(version: Row) -> bool:
    """Whether no machine translated it. No track translates into English, so English topics are originals."""
    return (
        version.get("source") in ("original", "human translation")
        or tagged_language(str(version.get("lang"))) == "eng"
    )
