"""Collections in BEIR layout: `corpus.jsonl`, `queries.jsonl`, `qrels/<split>.tsv`, in any form that is read."""

from pathlib import Path

from opticlir.data.collection_files import collection_files, stems_in
from opticlir.data.corpora import read_corpus
from opticlir.data.language_files import language_file, language_files
from opticlir.data.qrels import read_qrels_files
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.topics import read_topic_files
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import Query, RetrievalTask

_BY_LANGUAGE = "{language}.*"
_QUERIES = ("queries", "topics")


def read_queries(path: Path, language: str | None = None) -> list[Query]:
    """Read queries in any form that `read_topics` reads.

    Args:
        path: the file, plain or compressed; or a folder with `queries/<language>.jsonl` or `queries.jsonl`.
        language: language of the queries, any code; None is the one that the file states, or `und`.

    Returns:
        Queries in file order.

    Raises:
        DataError: there are no queries in `language`, or a query is malformed.
    """
    files = _query_files(path, language) if path.is_dir() else [path]
    return read_topic_files(files, language, ["title"])


def read_beir(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read a collection in BEIR layout as one retrieval task.

    `queries.jsonl` is in `language`, unless a folder `queries` has one file per language. In that case
    `queries.jsonl` holds the same queries in English. Each part can be plain or compressed, a table (TSV, CSV,
    Parquet) instead of JSON lines, or several files (`corpus-00000-of-00002.parquet`, `corpus/*.jsonl.gz`).

    Args:
        folder: contains the corpus, the queries and `qrels/`.
        language: language of the queries, any code.
        split: name of `qrels/<split>.tsv`; queries without a judgement in it are left out.

    Returns:
        The task, with `english_queries` if the folder has them and `language` is not English.

    Raises:
        DataError: a file is missing or malformed, or the parts do not belong together.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder, expected one with corpus.jsonl, queries.jsonl and qrels/")
    qrels = read_qrels_files(_qrels_files(folder, split))
    documents = read_corpus(folder)
    query_files = _query_files(folder, language)
    english_files = _english_query_files(folder)
    is_other = english_files != query_files
    return assemble_task(
        f"beir.{folder.resolve().name}.{split}",
        folder,
        documents,
        read_topic_files(query_files, language, ["title"]),
        qrels,
        read_topic_files(english_files, "eng", ["title"]) if english_files and is_other else [],
    )


def _qrels_files(folder: Path, split: str) -> list[Path]:
    """Find `qrels/<split>.tsv`, or what can take its place: `qrels.<split>.txt`, or `qrels.txt` alone."""
    splits = folder / "qrels"
    if found := collection_files(splits, [split]) if splits.is_dir() else []:
        return found
    if found := collection_files(folder, [f"qrels.{split}", f"qrels-{split}", f"qrels_{split}"]):
        return found
    if not splits.is_dir() and (found := collection_files(folder, ["qrels"])):
        return found
    there = ", ".join(stems_in(splits)) or "none"
    raise DataError(f"{splits / split}.tsv: no such file: the splits in {splits} are: {there}")


def _query_files(folder: Path, language: str | None) -> list[Path]:
    """Find the queries of a language: `queries/<language>.jsonl`, else `queries.jsonl`."""
    by_language = language_files(folder / "queries", _BY_LANGUAGE)
    code = None if language is None else language_code(language)
    if code in by_language:
        return [by_language[code]]
    if not by_language or code in ("eng", None):
        if plain := collection_files(folder, _QUERIES):
            return plain
        wanted = "" if code is None else f"queries/{code}.jsonl and "
        raise DataError(f"{folder}: no queries in it: looked for {wanted}queries.jsonl")
    return [language_file(folder / "queries", _BY_LANGUAGE, code)]


def _english_query_files(folder: Path) -> list[Path]:
    by_language = language_files(folder / "queries", _BY_LANGUAGE)
    if "eng" in by_language:
        return [by_language["eng"]]
    return collection_files(folder, _QUERIES) if by_language else []
