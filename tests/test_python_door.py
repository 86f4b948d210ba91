"""`import opticlir`: cheap, and every public name one attribute away."""

import ast
import json
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

import opticlir
import tiny_models
from opticlir.data.in_memory import pairs_of
from opticlir.errors import ArtefactError, SettingsError, SetupError
from opticlir.records import SentencePair

ROOT = Path(__file__).parents[1]

IMPORT = """
import json, sys
import opticlir
names = dir(opticlir)
heavy = [name for name in ("torch", "numpy", "transformers", "typer", "rich") if name in sys.modules]
print(json.dumps([names, heavy]))
"""


def test_the_import_is_cheap_and_lists_its_names():
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT], env=environment, capture_output=True, text=True, check=True
    )
    names, heavy = json.loads(done.stdout)
    assert heavy == []
    assert sorted(opticlir._HOMES) == opticlir.__all__
    assert {*opticlir.__all__, "__version__"} <= set(names)
    assert len(opticlir.__all__) == 8


def test_every_name_is_there_and_type_checkers_know_it():
    for name in opticlir.__all__:
        assert callable(getattr(opticlir, name))
    stub = ast.parse((ROOT / "src" / "opticlir" / "__init__.pyi").read_text())
    homes = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert homes == opticlir._HOMES


def test_a_wrong_name_says_which_there_are():
    with pytest.raises(AttributeError, match="no attribute 'serach': expected one of Retriever, align"):
        _ = opticlir.serach


def test_ten_lines_from_pairs_to_an_answer(checkpoints, tmp_path, monkeypatch, capsys):
    """The example as it stands, with a tiny teacher and two steps in the place of two minutes."""
    source = (ROOT / "examples" / "ten_lines.py").read_text()
    assert len([line for line in source.splitlines()[1:] if line]) <= 10
    assert "minutes=2" in source
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(source.replace("minutes=2", f"steps=2, teacher={str(checkpoints['plain'])!r}"), names)
    assert len(names["hits"]) == 3
    said = capsys.readouterr().out
    assert names["hits"][0].doc_id in said
    assert "z-score of MaxSim" in said
    assert names["model"].outcome.steps == 2
    again = opticlir.train(
        names["pairs"], language="swa", out="swahili", steps=2, teacher=str(checkpoints["plain"])
    )
    assert again == names["model"], "a finished model is returned"


def test_a_file_of_pairs_is_read(checkpoints, tmp_path):
    bitext = tmp_path / "pairs.tsv"
    bitext.write_text("".join(f"{pair.english}\t{pair.foreign}\n" for pair in tiny_models.PAIRS))
    model = opticlir.train(
        str(bitext), language="swa", out=tmp_path / "m", steps=1, teacher=str(checkpoints["plain"])
    )
    record = json.loads((model.folder / "run" / "run.json").read_text())
    assert "pairs.tsv" in json.dumps(record["inputs"])
    assert opticlir.align(opticlir.load(model.folder), "maji ni safi", "water").plan.shape[1] == 1


def test_wrong_pairs_and_settings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"pair 1 is .*: a side is blank"):
        opticlir.train([("water", "maji"), ("x", " ")], language="swa", out=tmp_path / "m")
    with pytest.raises(TypeError, match="pair 0 is 'water'"):
        opticlir.train(iter(["water"]), language="swa", out=tmp_path / "m")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"minuts": 3}, r"^train\(\): unknown key 'minuts'; did you mean 'minutes'\?$"),
        ({"minutes": "soon"}, r"^train\(\): minutes is 'soon', expected float"),
        ({"minutes": 1, "epochs": 2}, r"^train\(\): give one budget, not minutes and epochs"),
        ({"method": "optcal"}, r"unknown method 'optcal'; did you mean 'optical'\?"),
        ({"dropout": 0.1}, r"^train\(\): dropout is a laboratory setting: use `opticlir lab train`$"),
        ({"device": "gpu"}, r"^train\(\): device is 'gpu': expected 'auto' or 'cpu' or 'cuda' or 'mps'$"),
        ({"language": "hausaa"}, "unknown language code 'hausaa'"),
    ],
)
def test_a_wrong_setting_is_a_value_error_that_names_it(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message) as refused:
        opticlir.train([("water", "maji")], **{"language": "swa", "out": tmp_path / "m", **settings})
    assert isinstance(refused.value, SettingsError)
    assert not (tmp_path / "m").exists()


def test_a_device_that_the_machine_has_not_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(
        SetupError, match="device is 'cuda', but torch finds no such device here: use auto or cpu"
    ):
        opticlir.train([("water", "maji")], language="swa", out=tmp_path / "m", device="cuda")
    assert not (tmp_path / "m").exists()


def test_rows_of_a_table_are_pairs_and_what_is_missing_in_it_is_named():
    """As `DataFrame.itertuples`, `DataFrame.values.tolist` and `Series.tolist` give them."""
    row = namedtuple("Row", ("english", "foreign"))
    pairs = [SentencePair("water", "maji"), SentencePair("fire", "moto")]
    assert pairs_of(iter([row("water", "maji"), ["fire", "moto"]])) == pairs
    with pytest.raises(TypeError, match=r"pair 1 is \('fire', nan\): expected \(english, foreign\)"):
        pairs_of(iter([("water", "maji"), ("fire", float("nan"))]))
    with pytest.raises(TypeError, match=r"pair 0 is \(0, 'water', 'maji'\): expected \(english, foreign\)"):
        pairs_of(iter([(0, "water", "maji")]))


def test_runs_are_measured_and_compared():
    runs = {
        "a": {"q1": {"d1": 2.0, "d2": 1.0}, "q2": {"d1": 1.0}},
        "b": {"q1": {"d1": 1.0, "d2": 2.0}, "q2": {"d1": 1.0}},
    }
    qrels = {"q1": {"d2": 1}, "q2": {"d1": 1}}
    assert opticlir.evaluate(runs["a"], qrels, ["RR@10"]) == {"RR@10": 0.75}
    assert opticlir.compare(runs, qrels, ["RR@10"]).means["RR@10"] == {"a": 0.75, "b": 1.0}


@pytest.fixture
def retriever(checkpoints, tmp_path):
    texts = [f"{text} {number}" for number, text in enumerate(tiny_models.ENGLISH * 3)][:13]
    return opticlir.Retriever.build(texts, checkpoints["crosslingual"], tmp_path / "index")


def test_one_id_is_not_taken_for_its_digits(retriever):
    """`delete("12")` deleted documents 1 and 2."""
    with pytest.raises(TypeError, match="expected a list of document ids, found one text: '12'"):
        retriever.delete("12")
    assert len(retriever) == 13
    retriever.delete(["12"])
    assert len(retriever) == 12


def test_plain_texts_are_numbered_on(retriever):
    """`add` of a plain text began at 0 again, which is there already."""
    retriever.add(["fresh water for children"])
    retriever.add(["another clean river"])
    assert {"13", "14"} <= set(retriever.index.doc_ids)


def test_progress_draws_bars_here_as_in_training(retriever, capsys):
    retriever.add([("new", "water")], progress=True)
    assert "encoding documents" in capsys.readouterr().err
    with pytest.raises(TypeError, match=r"progress is 3: expected True|Type-check error"):
        retriever.rank(["maji"], progress=3)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda r: r.search(None), "expected a text, found None"),
        (lambda r: r.search("maji", k=1.5), "k is 1.5: expected a whole number"),
        (lambda r: r.search("maji", ranking=["dense"]), "expected names such as 'hybrid'"),
        (lambda r: r.add({"_id": "a", "text": "x"}), "expected a list of documents, found one mapping"),
        (lambda r: opticlir.Retriever.open(r.index.path, None), "model is None: expected a name, a folder"),
        (lambda r: opticlir.evaluate({}, {}, "RR@10"), "expected a list of measures, found one text"),
    ],
)
def test_a_wrong_argument_is_named(retriever, use, message):
    with pytest.raises(TypeError, match=f"{message}|Type-check error"):  # the tests check annotations too
        use(retriever)


def test_a_model_of_other_pairs_is_not_returned(checkpoints, tmp_path):
    """`train` with other pairs and the same folder returned the old model without a word."""
    settings = {
        "language": "swa",
        "out": tmp_path / "model",
        "teacher": str(checkpoints["plain"]),
        "steps": 1,
    }
    pairs = list(tiny_models.PAIRS)
    opticlir.train(pairs, **settings)
    opticlir.train(pairs, **settings)
    with pytest.raises(ArtefactError):
        opticlir.train(pairs[:-1], **settings)


def test_files_are_named_by_text_too(tmp_path):
    (tmp_path / "pairs.tsv").write_text("water\tmaji\n")
    (tmp_path / "corpus.tsv").write_text("d1\tClean water.\n")
    assert len(list(opticlir.read_bitext(str(tmp_path / "pairs.tsv"), language="swa"))) == 1
    assert len(list(opticlir.read_corpus(str(tmp_path / "corpus.tsv")))) == 1
    with pytest.raises(SettingsError, match="such as 'yor'"):
        opticlir.read_bitext(str(tmp_path / "pairs.tsv"), language="Yoruba")
