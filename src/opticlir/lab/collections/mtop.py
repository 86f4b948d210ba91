"""MTOP (Li et al., EACL 2021) as retrieval: the same utterance in English, or one of the same intent.

Licence CC BY-SA 4.0. Languages en, de, es, fr, hi and th. As its authors publish it: `<xx>/train.txt`,
`eval.txt` (here `dev`) and `test.txt`, eight columns without a header: id, intent, slots, utterance, domain,
locale, decoupled form, tokens as JSON; an utterance has one id in all languages, and not every one is
translated. Or joined over the languages, as XSemPLR ships it: `<split>.json`, a list of `{"id", "question":
{language: text}, "mr": {"slot_intent": {language: parse}}}`; dev has 859 utterances, and the intent is what
the parse begins with: `[IN:CREATE_CALL [SL:CONTACT ...`. The SHA-256 of its `dev.json` begins with
90786d97756b710c.
"""

import logging
import re
from dataclasses import dataclass
from pathlib import Path

from opticlir.data.identifiers import checked_id, refuse_duplicates
from opticlir.data.json_files import read_json
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, SkipReport, parse_records
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.lab.collections.published import published_files
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask
from opticlir.visible import shown

logger = logging.getLogger(__name__)

_INTENT = re.compile(r"\[IN:(\S+)")
_COLUMNS = 8
_WHENCE = (
    "MTOP is https://fb.me/mtop_dataset; joined over its languages, as <split>.json, it is in the GitHub repository "
    "psunlpgroup/XSemPLR"
)


@dataclass(frozen=True, slots=True)
class _Utterance:
    utterance_id: str
    intent: str
    text_of: dict[str, str]
    """By ISO 639-3 code."""


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the English form of an utterance.

    Args:
        folder: folder with `<split>.json`, or with the folders of the languages.
        language: language of the queries, any code.
        split: train, dev or test.

    Returns:
        The task, without English queries, because these would be the documents.

    Raises:
        DataError: a file is missing or malformed, or lacks the language.
    """
    return _load(folder, language, split, by_intent=False)


def load_intent(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the other English utterances of the same intent.

    The English form of the query itself has grade 0; otherwise the task would be that of `load`. An intent with one
    utterance gives no query. Arguments and errors as in `load`.
    """
    return _load(folder, language, split, by_intent=True)


def _load(folder: Path, language: str, split: str, *, by_intent: bool) -> RetrievalTask:
    code = language_code(language)
    joined = folder / f"{split}.json"
    utterances = _utterances(joined) if joined.is_file() else _published(folder, code, split)
    documents = [Document(f"eng.{each.utterance_id}", _text(each, "eng", folder)) for each in utterances]
    queries = [Query(each.utterance_id, _text(each, code, folder), code) for each in utterances]
    by_name: dict[str, list[str]] = {}
    for each in utterances:
        by_name.setdefault(each.intent, []).append(each.utterance_id)
    qrels = {
        each.utterance_id: {f"eng.{other}": int(other != each.utterance_id) for other in by_name[each.intent]}
        if by_intent
        else {f"eng.{each.utterance_id}": 1}
        for each in utterances
    }
    judged = {query: grades for query, grades in qrels.items() if any(grades.values())}
    name = "mtop-intent" if by_intent else "mtop"
    return assemble_task(f"{name}.{code}.{split}", folder, documents, queries, judged)


def _published(folder: Path, code: str, split: str) -> list[_Utterance]:
    """Return the utterances that exist in English and in another language."""
    name = f"{{language}}/{'eval' if split == 'dev' else split}.txt"
    sides = {}
    for each in ("eng", code):
        (path,) = published_files(folder, (f"mtop/{name}", name), each, _WHENCE)[:1]
        report = SkipReport.of(None)
        rows = parse_records(read_lines(path), _row, path, report)
        sides[each] = {row[0]: row for row in refuse_duplicates(rows, lambda row: row[0], path, report)}
    both = sides["eng"].keys() & sides[code].keys()
    same = [each for each in sides["eng"] if each in both and sides["eng"][each][1] == sides[code][each][1]]
    if 2 * len(same) <= len(both) or not both:
        raise DataError(
            f"{folder}: of {len(sides[code])} utterances in {code!r} {len(both)} have an id that is there in English, "
            f"and {len(same)} the same intent: expected the files of one split as MTOP publishes them"
        )
    if len(same) < len(sides[code]):
        logger.warning(
            "%s: %d of %d utterances in %s have no English form with the same intent: left out",
            folder, len(sides[code]) - len(same), len(sides[code]), code,
        )  # fmt: skip
    return [
        _Utterance(each, sides["eng"][each][1], {side: rows[each][2] for side, rows in sides.items()})
        for each in same
    ]


def _row(line: str) -> tuple[str, str, str]:
    """Return id, intent and utterance."""
    columns = line.split("\t")
    if len(columns) != _COLUMNS:
        raise MalformedRecordError(
            "expected 8 columns, id, intent, slots, utterance, domain, locale, decoupled form and tokens, found "
            f"{len(columns)} in {shown(line)}"
        )
    utterance_id, intent, _, utterance = columns[:4]
    if not utterance.strip() or not intent.strip():
        raise MalformedRecordError(f"utterance {shown(utterance_id)} has no text or no intent")
    return checked_id(utterance_id, "utterance"), intent.removeprefix("IN:"), normalise_text(utterance)


def _utterances(path: Path) -> list[_Utterance]:
    records = read_json(path)
    if not isinstance(records, list):
        raise DataError(f"{path}: expected a list of utterances, found {type(records).__name__}")
    found: dict[str, _Utterance] = {}
    for number, record in enumerate(records, start=1):
        try:
            texts = {language_code(code): normalise_text(text) for code, text in record["question"].items()}
            parse = record["mr"]["slot_intent"]["en"]
            utterance_id = checked_id(record["id"], "utterance")
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path}: utterance {number}: expected id, question by language and mr > slot_intent > en: {error!r}"
            ) from None
        except MalformedRecordError as error:
            raise DataError(f"{path}: utterance {number}: {error}") from None
        if not (intent := _INTENT.match(parse)):
            raise DataError(f"{path}: utterance {number}: expected a parse [IN:..., found {shown(parse)}")
        if utterance_id in found:
            raise DataError(f"{path}: utterance {number}: id {utterance_id!r} comes twice")
        found[utterance_id] = _Utterance(utterance_id, intent[1], texts)
    return list(found.values())


def _text(utterance: _Utterance, code: str, folder: Path) -> str:
    if not utterance.text_of.get(code):
        there = ", ".join(sorted(utterance.text_of))
        raise DataError(
            f"{folder}: utterance {utterance.utterance_id!r} has no text in {code!r}: there are {there}"
        )
    return utterance.text_of[code]
