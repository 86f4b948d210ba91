"""`opticlir search` with several models: the language of a question decides which one reads it."""

import json

import pytest

import tiny_models
from opticlir.search import Retriever


@pytest.fixture(scope="module")
def places(tmp_path_factory, checkpoints):
    root = tmp_path_factory.mktemp("languages")
    for name, code, texts in (("swahili", "swa", tiny_models.SWAHILI), ("hausa", "hau", tiny_models.HAUSA)):
        words = [word for text in texts for word in text.split()]
        tiny_models.save_trained(root / name, checkpoints["crosslingual"], **{code: words})
    Retriever.build(tiny_models.ENGLISH, root / "swahili", root / "index")
    return root


@pytest.fixture
def search(opticlir, places):
    def run(*words):
        models = ("--model", places / "swahili", "--model", places / "hausa")
        return opticlir("search", places / "index", *models, *words)

    return run


def test_the_answer_says_which_model_read_the_question(search):
    done = search("ruwa mai tsabta", "-k", "1")
    assert done.stdout.startswith("Hausa, read by hausa\n"), done.stderr
    found = json.loads(search("maji safi", "--language", "auto", "--json").stdout)
    assert (found["language"], found["model"], found["query"]) == ("swa", "swahili", "maji safi")
    found = json.loads(search("maji safi", "--language", "ha", "--json").stdout)
    assert (found["language"], found["model"]) == ("hau", "hausa")


def test_one_model_is_not_asked_for_its_language(opticlir, places):
    words = ("search", places / "index", "--model", places / "swahili", "ruwa", "--json")
    assert "language" not in json.loads(opticlir(*words).stdout)
    assert json.loads(opticlir(*words, "--language", "auto").stdout)["language"] == "swa"
    assert (
        "no model reads the language 'ha': expected auto or one of swa"
        in opticlir(*words, "--language", "ha").error
    )


def test_a_file_of_questions_in_several_languages(search, tmp_path):
    """Each line goes to its model; a file that states its languages needs no detection."""
    (tmp_path / "queries.tsv").write_text("1\tmaji safi\n2\truwa mai tsabta\n")
    words = ("--queries", tmp_path / "queries.tsv", "--run", tmp_path / "out.run", "-k", "3")
    assert search(*words).code == 0
    lines = [line.split() for line in (tmp_path / "out.run").read_text().splitlines()]
    for number, question in (("1", "maji safi"), ("2", "ruwa mai tsabta")):
        hits = json.loads(search(question, "-k", "3", "--json").stdout)["hits"]
        assert [line[2] for line in lines if line[0] == number] == [hit["doc_id"] for hit in hits]
    assert search(*words, "--language", "auto").code == 0


def test_a_model_of_another_teacher_is_named(search, places, checkpoints, tmp_path):
    stranger = tiny_models.save_trained(tmp_path / "zulu", checkpoints["native"], zul=["amanzi"])
    assert "encoder" in search("maji", "--model", stranger).error
