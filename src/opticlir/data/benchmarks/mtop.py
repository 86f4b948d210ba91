"""MTOP (Li et al., EACL 2021) as retrieval: the same utterance in English, or one of the same intent.

Licence CC BY-SA 4.0; the SHA-256 of `dev.json` begins with 90786d97756b710c.
Joined over its languages, as XSemPLR ships it: `<split>.json`, a list of
`{"id", "question": {language: text}, "mr": {"slot_intent": {language: parse}}}`; dev has 859 utterances in
en, de, es, fr, hi and th. The intent is what the parse begins with: `[IN:CREATE_CALL [SL:CONTACT ...`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from opticlir.data.identifiers import checked_id
from opticlir.data.json_files import read_json
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError, shown
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask

_INTENT = re.compile(r"\[IN:(\S+)")


@dataclass(frozen=True, slots=True)
class _Utterance:
    utterance_id: str
    intent: str
    text_of: dict[str, str]
    """By ISO 639-3 code."""


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the English form of an utterance.

    Args:
        folder: where `<split>.json` lies.
        language: language of the utterances that are asked, any code.
        split: train, dev or test.

    Returns:
        The task; without English queries, for those would be the documents.

    Raises:
        DataError: the file is missing or malformed, or has not the language.
    """
    return _load(folder, language, split, by_intent=False)


def load_intent(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the other English utterances of the same intent.

    The English form of the asked utterance itself is judged 0: it would make the task that of `load`. An
    intent of one utterance asks nothing. Arguments and errors as `load`.
    """
    return _load(folder, language, split, by_intent=True)


def _load(folder: Path, language: str, split: str, *, by_intent: bool) -> RetrievalTask:
    path, code = folder / f"{split}.json", language_code(language)
    if not path.is_file():
        there = ", ".join(sorted(found.stem for found in folder.glob("*.json"))) or "none"
        raise DataError(
            f"{folder}: no {split}.json; the splits there are: {there}; MTOP joined over its languages is in "
            "the GitHub repository psunlpgroup/XSemPLR"
        )
    utterances = _utterances(path)
    documents = [Document(f"eng.{each.utterance_id}", _text(each, "eng", path)) for each in utterances]
    queries = [Query(each.utterance_id, _text(each, code, path), code) for each in utterances]
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


def _text(utterance: _Utterance, code: str, path: Path) -> str:
    if not utterance.text_of.get(code):
        there = ", ".join(sorted(utterance.text_of))
        raise DataError(
            f"{path}: utterance {utterance.utterance_id!r} has no text in {code!r}: there are {there}"
        )
    return utterance.text_of[code]
