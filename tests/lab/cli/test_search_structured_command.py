"""`opticlir search-structured`, as a user types it."""

import json

import pytest

from opticlir.data import read_run
from opticlir.lab.rivals import StructuredQueries
from opticlir.records import Document, Query, SentencePair
from opticlir.translation import WordTable

SIDES = [
    ("water", "maji"),
    ("clean water", "maji safi"),
    ("clean house", "nyumba safi"),
    ("road", "barabara"),
    ("juice", "maji"),
]
TEXTS = {"a": "clean water", "b": "a house by the road", "c": "nothing of it", "d": "orange juice"}


@pytest.fixture
def folder(tmp_path):
    lines = [json.dumps({"_id": name, "title": "", "text": text}) for name, text in TEXTS.items()]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    (tmp_path / "queries.tsv").write_text("q1\tmaji safi\nq2\tbarabara\n")
    (tmp_path / "pairs.tsv").write_text("".join(f"{english}\t{foreign}\n" for english, foreign in SIDES))
    return tmp_path


def words(folder, *more):
    return [
        "lab", "search-structured", folder / "corpus.jsonl", "--queries", folder / "queries.tsv", "--language", "sw",
        "--bitext", folder / "pairs.tsv", "--run", folder / "swa.run", *more,
    ]  # fmt: skip


def test_the_run_is_that_of_structured_queries(folder, opticlir):
    done = opticlir(*words(folder))
    assert (done.code, done.stdout) == (0, f"{folder}/swa.run: 2 questions ranked over 4 documents\n")
    searcher = StructuredQueries(
        [Document(name, text) for name, text in TEXTS.items()],
        WordTable.learn([SentencePair(*sides) for sides in SIDES]),
    )
    expected = searcher.rank([Query("q1", "maji safi", "swa"), Query("q2", "barabara", "swa")])
    found = read_run(folder / "swa.run")
    assert {name: list(ranking) for name, ranking in found.items()} == {
        name: list(ranking) for name, ranking in expected.items()
    }
    assert found["q1"] == pytest.approx(expected["q1"])
    assert next(iter(found["q2"])) == "b"


def test_depth_and_json(folder, opticlir):
    done = opticlir(*words(folder, "-k", "1", "--json"))
    assert json.loads(done.stdout) == {
        "queries": 2, "documents": 4, "skipped": 0, "run": f"{folder}/swa.run"
    }  # fmt: skip
    assert [len(ranking) for ranking in read_run(folder / "swa.run").values()] == [1, 1]


def test_fewer_meanings_find_less(folder, opticlir):
    """`maji` is water in two pairs and juice in one: of its likeliest meanings juice is none."""
    (folder / "queries.tsv").write_text("q1\tmaji\n")
    opticlir(*words(folder, "--cumulative", "1"))
    assert list(read_run(folder / "swa.run")["q1"]) == ["a", "d"]
    opticlir(*words(folder, "--cumulative", "0.3"))
    assert list(read_run(folder / "swa.run")["q1"]) == ["a"]


def test_malformed_documents_are_skipped_where_that_is_asked_for(folder, opticlir):
    with (folder / "corpus.jsonl").open("a") as corpus:
        corpus.write("{broken\n")
    assert "corpus.jsonl:5:" in opticlir(*words(folder)).error
    assert not (folder / "swa.run").exists()
    done = opticlir(*words(folder, "--lenient"))
    assert done.code == 0
    assert "skipped: " in done.stderr


def test_questions_that_find_nothing_write_no_run(folder, opticlir):
    (folder / "queries.tsv").write_text("q1\tkisumu\n")
    assert "the run ranks no document for any query" in opticlir(*words(folder)).error


def test_a_bitext_that_is_not_there_is_named(folder, opticlir):
    assert "missing.tsv" in opticlir(*words(folder, "--bitext", folder / "missing.tsv")).error


def test_no_probability_is_wrong_usage(folder, opticlir):
    assert "--cumulative" in opticlir(*words(folder, "--cumulative", "0")).usage
