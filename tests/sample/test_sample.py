"""The packaged texts keep the promises of their README. Read here by hand, not by `opticlir.data`."""

import json
import re
import unicodedata
from pathlib import Path

import pytest

from opticlir.errors import SetupError
from opticlir.sample import LANGUAGES, bitext_path, packaged, sample_folder

ALL_LANGUAGES = ("eng", *LANGUAGES)


def read_lines(path: Path) -> list[str]:
    """Split on line feeds only, as bitext must be; the last line is complete."""
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return text[:-1].split("\n")


def read_records(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in read_lines(path)]


def read_judgements() -> list[tuple[str, str, int]]:
    header, *lines = read_lines(sample_folder() / "qrels" / "test.tsv")
    assert header == "query-id\tcorpus-id\tscore"
    rows = [line.split("\t") for line in lines]
    return [(query_id, doc_id, int(grade)) for query_id, doc_id, grade in rows]


def normalised(text: str) -> str:
    """Letters and digits alone: a copy is a copy, whatever its case, accents and punctuation."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", bare))


def questions(language: str) -> list[dict[str, str]]:
    return read_records(sample_folder() / "queries" / f"{language}.jsonl")


@pytest.fixture(scope="module")
def corpus() -> list[dict[str, str]]:
    return read_records(sample_folder() / "corpus.jsonl")


def test_there_are_120_passages_of_60_to_120_words(corpus):
    assert len(corpus) == 120
    for passage in corpus:
        assert 60 <= len(passage["text"].split()) <= 120, passage["_id"]
        assert passage["title"].strip()
        assert set(passage) == {"_id", "title", "text"}


def test_passages_have_unique_ids_titles_and_texts(corpus):
    for key in ("_id", "title", "text"):
        assert len({passage[key] for passage in corpus}) == len(corpus), key


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_there_are_60_questions_with_the_same_ids_in_each_language(language):
    records = questions(language)
    assert [record["_id"] for record in records] == [f"q{number:02d}" for number in range(1, 61)]
    assert len({record["text"] for record in records}) == 60
    for record in records:
        assert set(record) == {"_id", "text"}
        assert record["text"].endswith("?")


def test_english_questions_have_6_to_16_words():
    for question in questions("eng"):
        assert 6 <= len(question["text"].split()) <= 16, question["text"]


def test_no_question_shares_a_run_of_six_words_with_a_passage(corpus):
    """A question is asked before its answer is known, so it must not be copied from it."""
    passages = [f" {normalised(passage['title'] + ' ' + passage['text'])} " for passage in corpus]
    for question in questions("eng"):
        words = normalised(question["text"]).split()
        for start in range(len(words) - 5):
            run = f" {' '.join(words[start : start + 6])} "
            assert not any(run in passage for passage in passages), run


def test_every_file_is_in_nfc(corpus):
    texts = [passage["text"] for passage in corpus]
    texts += [question["text"] for language in ALL_LANGUAGES for question in questions(language)]
    assert all(unicodedata.is_normalized("NFC", text) for text in texts)


def test_every_question_has_a_passage_that_answers_it():
    best: dict[str, int] = {}
    for query_id, _, grade in read_judgements():
        best[query_id] = max(grade, best.get(query_id, 0))
    assert best == {f"q{number:02d}": 2 for number in range(1, 61)}


def test_judgements_are_graded_unique_and_resolve(corpus):
    judgements = read_judgements()
    assert {grade for _, _, grade in judgements} == {0, 1, 2}
    assert len({(query_id, doc_id) for query_id, doc_id, _ in judgements}) == len(judgements)
    assert {doc_id for _, doc_id, _ in judgements} <= {passage["_id"] for passage in corpus}


@pytest.mark.parametrize("language", LANGUAGES)
def test_bitext_has_600_natural_pairs_and_none_is_a_question(language):
    rows = [line.split("\t") for line in read_lines(bitext_path(language))]
    assert all(len(row) == 2 and all(side.strip() for side in row) for row in rows)
    assert len({(english, foreign) for english, foreign in rows}) == len(rows) >= 600
    for column, asked_in in enumerate(("eng", language)):
        asked = {normalised(question["text"]) for question in questions(asked_in)}
        assert not asked & {normalised(row[column]) for row in rows}


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match="no sample bitext for 'yor': expected one of swa, hau, spa"):
        bitext_path("yor")


def test_an_archive_is_refused(monkeypatch):
    monkeypatch.setattr(packaged, "files", lambda package: "opticlir.zip/opticlir/sample")
    with pytest.raises(SetupError, match=r"found opticlir\.zip/opticlir/sample: install opticlir unpacked"):
        sample_folder()
