"""A dictionary in addition to the bitext: its words are trained on, and none is held out."""

import importlib
import json

import pytest

import opticlir as package
import tiny_models
from opticlir.encoder import load_model
from opticlir.errors import ArtefactError


@pytest.fixture
def dictionary(tmp_path):
    path = tmp_path / "words.tsv"
    path.write_text("bridge\tdaraja\tnoun\nsoap\tsabuni,sabuuni\t\n", encoding="utf-8")
    return path


@pytest.fixture
def train(opticlir, bitext, checkpoints, tmp_path):
    def run(*words, out="model"):
        return opticlir(
            "train", "--bitext", bitext, "--language", "swa", "--teacher", checkpoints["plain"], "--steps", 2,
            "--out", tmp_path / out, *words,
        )  # fmt: skip

    return run


def test_words_that_only_the_dictionary_has_are_learned(train, dictionary, tmp_path):
    done = train("--dictionary", f"{dictionary}:2", "--json")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["pairs"] == 20, "entries are no sentence pairs"
    words = (tmp_path / "model" / "run" / "words.txt").read_text().split()
    assert {"daraja", "sabuuni"} <= set(words)
    assert "noun" not in words
    record = json.loads((tmp_path / "model" / "run" / "run.json").read_text())
    assert record["counts"]["dictionary"] == 3
    assert f"dictionary {dictionary}:2.0" in record["inputs"]
    assert train("--json").error.endswith("choose another output folder (--out) or remove it")
    tokenizer = load_model(tmp_path / "model")[0].sub_modules["query"][0].tokenizer
    assert len(tokenizer.tokenize("daraja")) == 1


def test_no_entry_of_a_dictionary_is_held_out(checkpoints, tmp_path, monkeypatch):
    module = importlib.import_module("opticlir.training.distil")  # the package has a function of this name
    seen = []
    monkeypatch.setattr(
        module,
        "translation_retrieval",
        lambda _student, foreign, _tokens: seen.append(list(foreign)) or {"RR": 1.0},
    )
    pairs = [(pair.english, pair.foreign) for pair in tiny_models.many_pairs(50)]
    entries = [(f"thing {number}", f"kitu{number}") for number in range(200)]
    model = package.train(
        pairs,
        language="swa",
        out=tmp_path / "m",
        dictionary=entries,
        steps=1,
        teacher=str(checkpoints["plain"]),
    )
    assert model.outcome.is_finished
    assert seen
    assert {len(each) for each in seen} == {1}
    assert not any(text.startswith("kitu") for each in seen for text in each)


def test_a_dictionary_in_python_is_a_list_or_a_file(checkpoints, dictionary, tmp_path):
    pairs = [(pair.english, pair.foreign) for pair in tiny_models.PAIRS]
    options = {"language": "swa", "steps": 1, "teacher": str(checkpoints["plain"])}
    for name, given in (("file", dictionary), ("list", [("bridge", "daraja")])):
        package.train(pairs, out=tmp_path / name, dictionary=given, **options)
        assert "daraja" in (tmp_path / name / "run" / "words.txt").read_text().split()
    with pytest.raises(ArtefactError, match="dictionary"):
        package.train(pairs, out=tmp_path / "list", dictionary=[("bridge", "daraja!")], **options)


def test_malformed_lines_stop_or_are_skipped_and_told_in_their_order(train, dictionary, bitext):
    with dictionary.open("ab") as file:
        file.write(b"alone\nfire\tm\xff\nno tab and no space:\t\n")
    assert (
        f"{dictionary}:3: expected ENGLISH<TAB>FOREIGN, found 'alone'"
        in train("--dictionary", dictionary).error
    )
    with bitext.open("ab") as file:
        file.write(b"only one column\n")
    said = train("--dictionary", dictionary, "--lenient").stderr
    places = [f"{bitext}:21: ", f"{dictionary}:3: ", f"{dictionary}:4: ", f"{dictionary}:5: "]
    assert [said.index(place) for place in places] == sorted(said.index(place) for place in places)
    assert "4 malformed (first: " in said


def test_each_of_several_languages_has_its_dictionary(opticlir, bitext, checkpoints, dictionary, tmp_path):
    done = opticlir(
        "train", "--bitext", f"swa={bitext}", "--bitext", f"yor={bitext}", "--language", "swa,yor",
        "--dictionary", f"yor={dictionary}", "--teacher", checkpoints["plain"], "--steps", 1, "--out", tmp_path / "m",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert "daraja" in (tmp_path / "m" / "run" / "words.yor.txt").read_text().split()
    assert "daraja" not in (tmp_path / "m" / "run" / "words.swa.txt").read_text().split()
