"""CLIRMatrix (Sun and Duh, EMNLP 2020) and AfriCLIRMatrix (Ogundepo et al., EMNLP 2022): Wikipedia titles as queries.

The relevant documents of a title are those that BM25 finds in its own language, followed over Wikipedia's links
between languages. Grades are 0 to 6; no person judged. CLIRMatrix, BI-139: `<xx>/<xx>.en.<split>.base.jl.gz`,
JSON lines `{"src_id", "src_query", "tgt_results": [[docid, grade], ...]}`, and `en.tsv.gz`, `docid<TAB>text`;
splits train, dev, test1 and test2; foreign titles and English documents. `<xx>` is Wikipedia's code, and
`--language` takes that too (`als` is Alemannic there); 137 of the 138 languages other than English are read, Simple
English is not. MULTI-8: the same in `MULTI-8/<xx>/<xx>.en.<split>.jl.gz`, titles that ara, deu, fra, jpn, rus, spa
and zho have in common with English; its rankings of several languages mixed are not read. AfriCLIRMatrix
(Apache-2.0): `test/queries/topics.africlirmatrix-v1.0.en.<xxx>.tsv`,
`test/qrels/qrels.africlirmatrix-v1.0.en.<xxx>.txt` and `africlirmatrix-v1.0-<language>/corpus.jsonl` (as
`northern_sotho`; or `<xxx>/corpus.jsonl`); English titles and documents of 15 African languages, one split. The texts
are of Wikipedia (CC BY-SA); CLIRMatrix states no licence of its own.
The documents are held in memory.
"""

from pathlib import Path
from typing import Any

from opticlir.data.corpora import read_corpus
from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.json_files import read_json_lines
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.lab.collections.published import published_files
from opticlir.lab.collections.trec_collection import TrecCollection
from opticlir.languages import language_code
from opticlir.records import Query, RetrievalTask
from opticlir.visible import shown

AFRICLIRMATRIX = TrecCollection(
    name="africlirmatrix",
    whence="topics and judgements are in the GitHub repository castorini/africlirmatrix, the documents are the data "
    "set castorini/africlirmatrix of the Hugging Face hub",
    topics=(
        "test/queries/topics.africlirmatrix-v1.0.en.{language}.tsv",
        "topics.africlirmatrix-v1.0.en.{language}.tsv",
    ),
    qrels=(
        "test/qrels/qrels.africlirmatrix-v1.0.en.{language}.txt",
        "qrels.africlirmatrix-v1.0.en.{language}.txt",
    ),
    documents=("africlirmatrix-v1.0-{name}/corpus.jsonl", "{language}/corpus.jsonl"),
    asks_in_english=True,
)

_EDITIONS = {"als": "gsw", "ckb": "ckb"}
"""Wikipedia's codes that our table maps to other languages: Alemannic and Central Kurdish."""
_WHENCE = "CLIRMatrix is at https://www.cs.jhu.edu/~shuosun/clirmatrix, data/{part} and data/DOCS"


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the titles of a language that English documents answer, BI-139.

    Args:
        folder: folder with `<xx>/` (or `BI-139/base/<xx>/`) and `en.tsv.gz` (or `DOCS/en.tsv.gz`).
        language: language of the titles, Wikipedia's code or any other.
        split: train, dev, test1 or test2.

    Returns:
        The task, without English queries.

    Raises:
        DataError: a file is missing or malformed, or a title occurs twice.
    """
    name = f"{{language}}.en.{split}.base.jl"
    forms = (f"{{language}}/{name}", f"BI-139/base/{{language}}/{name}", name)
    return _task("clirmatrix", folder, forms, "BI-139/base", language, split)


def load_multi8(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the titles of a language that English documents answer, MULTI-8.

    Args:
        folder: folder with `MULTI-8/<xx>/` (or `<xx>/`) and `en.tsv.gz` (or `DOCS/en.tsv.gz`).
        language: language of the titles, Wikipedia's code or any other.
        split: train, dev, test1 or test2.

    Returns:
        The task, without English queries.

    Raises:
        DataError: as in `load`.
    """
    name = f"{{language}}.en.{split}.jl"
    forms = (f"MULTI-8/{{language}}/{name}", f"{{language}}/{name}", name)
    return _task("clirmatrix-multi8", folder, forms, "MULTI-8", language, split)


def _task(
    name: str, folder: Path, forms: tuple[str, ...], part: str, language: str, split: str
) -> RetrievalTask:
    code = _EDITIONS.get(language.strip().lower()) or language_code(language)
    whence = _WHENCE.format(part=part)
    path = published_files(folder, forms, code, whence, _EDITIONS)[0]
    documents = published_files(folder, ("en.tsv", "DOCS/en.tsv"), "eng", whence)[0]
    report = SkipReport.of(None)
    records = parse_records(read_json_lines(path), _title, path, report)
    titles = list(refuse_duplicates(records, lambda title: title[0], path, report))
    return assemble_task(
        f"{name}.{code}.{split}",
        folder,
        read_corpus(documents),
        (Query(query_id, text, code) for query_id, text, _ in titles),
        {query_id: grades for query_id, _, grades in titles if grades},
    )


def _title(record: dict[str, Any]) -> tuple[str, str, dict[str, int]]:
    """Return id, text and grade by document."""
    text, results = record.get("src_query"), record.get("tgt_results")
    is_judged = isinstance(results, list) and all(
        isinstance(result, list) and len(result) == 2 and type(result[1]) is int for result in results
    )
    if not isinstance(text, str) or not text.strip() or not is_judged:
        raise MalformedRecordError(
            "expected src_id, src_query and tgt_results of [docid, integer grade], found "
            f"{shown(repr(record), 200)}"
        )
    grades = {checked_id(doc_id, "document"): grade for doc_id, grade in results or ()}
    return checked_id(record.get("src_id"), "query"), normalise_text(text), grades
