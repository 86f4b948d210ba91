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
from opticlir.errors import ArtefactError, DataError, SettingsError, SetupError
from opticlir.records import Document, Query, RetrievalTask, SentencePair

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
    assert len(opticlir.__all__) == 13


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
    with pytest.raises(
        AttributeError,
        match="no attribute 'serach': expected one of Client, MultilingualRetriever, Retriever, TrainedModel, align",
    ):
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


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> & \u202e"


@pytest.fixture(scope="module")
def model(checkpoints, tmp_path_factory):
    pairs = tiny_models.many_pairs(120)
    out = tmp_path_factory.mktemp("trained") / "model"
    return opticlir.train(pairs, language="swa", out=out, steps=2, teacher=str(checkpoints["plain"]))


@pytest.fixture(scope="module")
def task():
    """The English side of the bitext, asked for by the other side."""
    documents = tuple(Document(f"d{n}", text) for n, text in enumerate(tiny_models.ENGLISH))
    queries = tuple(Query(f"q{n}", text, "swa") for n, text in enumerate(tiny_models.SWAHILI))
    return RetrievalTask("tiny", documents, queries, {f"q{n}": {f"d{n}": 1} for n in range(len(queries))})


def test_systems_are_compared_in_one_call(model, task, checkpoints, tmp_path):
    other = opticlir.load(checkpoints["crosslingual"], device="cpu")
    run = {query.query_id: {task.documents[0].doc_id: 1.0} for query in task.queries}
    systems = {"bm25": (model, "bm25"), "hybrid": model, "untrained": other, "a file": run}
    found = opticlir.compare(systems, task, ["RR@10", "AP"], baseline="untrained", draws=100, device="cpu")
    assert list(found.means) == ["RR@10", "AP"]
    assert list(found.means["AP"]) == ["untrained", "bm25", "hybrid", "a file"]
    retriever = opticlir.Retriever.build(task.documents, other, tmp_path / "index")
    expected = opticlir.evaluate(retriever.rank(task.queries), task.qrels, ["AP"])["AP"]
    assert found.means["AP"]["untrained"] == pytest.approx(expected)
    assert found.comparisons["AP"]["hybrid"].p_holm is not None
    html = found._repr_html_()
    assert html.count("<table>") == 2
    assert "Holm-corrected" in html
    assert repr(found).splitlines()[0].split() == [
        "RR@10",
        "mean",
        "difference",
        "interval",
        "gain",
        "p",
        "+/-/=",
    ]
    assert f"{found.means['AP']['hybrid']:.3f}" in repr(found)


@pytest.mark.parametrize(
    ("systems", "message"),
    [
        ({"a": "minilm", "b": "minilm"}, "system 'a' is a model: give a test collection with documents"),
        ({"a": {"q1": {"d1": 1.0}}}, "a comparison needs 2 runs or more"),
    ],
)
def test_what_cannot_be_compared_is_said(systems, message):
    with pytest.raises((TypeError, ValueError), match=message):
        opticlir.compare(systems, {"q1": {"d1": 1}})


def test_texts_are_reranked_without_an_index(model, retriever):
    texts = ["smoke hurts the eyes", "the water is clean", "a mosquito brings malaria"]
    hits = opticlir.rerank(model, "maji ni safi", texts, device="cpu")
    assert sorted(hit.doc_id for hit in hits) == ["0", "1", "2"]
    assert all(texts[int(hit.doc_id)] == hit.text for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(-1 <= hit.score <= 1 for hit in hits)
    assert opticlir.rerank(retriever.model, "maji", texts) == retriever.rerank("maji", texts)
    assert len(opticlir.rerank(model, "maji", [], device="cpu")) == 0
    with pytest.raises(TypeError, match="expected a list of documents, found one text"):
        opticlir.rerank(model, "maji", "one text")


def test_every_result_shows_itself_and_escapes_what_it_holds(model, tmp_path):
    documents = [
        (f"d{n}{HOSTILE}", HOSTILE, f"{text} {HOSTILE}") for n, text in enumerate(tiny_models.ENGLISH)
    ]
    retriever = opticlir.Retriever.build(
        [(name.partition("<")[0], *rest) for name, *rest in documents], model, tmp_path / "index"
    )
    hits = retriever.search(f"maji {HOSTILE}")
    runs = {
        f"a{HOSTILE}": {"q1": {"d1": 1.0}, "q2": {"d1": 1.0}},
        "b": {"q1": {"d2": 1.0}, "q2": {"d1": 1.0}},
    }
    results = [
        hits,
        hits[0],
        retriever.explain(f"maji {HOSTILE}", hits[0].doc_id),
        opticlir.align(retriever.model, f"maji {HOSTILE}", HOSTILE),
        opticlir.rerank(retriever.model, HOSTILE, documents),
        opticlir.compare(runs, {"q1": {"d1": 1}, "q2": {"d1": 1}}, ["RR@10"], draws=50),
        model,
    ]
    for result in results:
        html = result._repr_html_()
        assert "<table" in html
        assert not [tag for tag in ("<script", "<img", "onerror=alert(1)>", "\u202e") if tag in html]


def test_a_model_shows_its_measures(model):
    html = model._repr_html_()
    assert "Swahili" in html
    assert f"{model.outcome.initial['RR']:.3f}" in html
    assert f"{model.outcome.trained['RR']:.3f}" in html


TABLE = "".join(
    f"{number}\t{pair.foreign}\t{pair.english}\t{0.2 if number % 4 == 0 else 0.9}\n"
    for number, pair in enumerate(tiny_models.PAIRS)
)
COLUMNS = "english=3,foreign=2,score=4"


def test_a_table_with_more_columns_is_read_and_trained_on_as_by_the_command(checkpoints, tmp_path):
    bitext = tmp_path / "tatoeba.tsv"
    bitext.write_text(TABLE)
    chosen = {"columns": COLUMNS, "min_score": 0.5}
    pairs = list(opticlir.read_bitext(bitext, language="swa", **chosen))
    assert pairs == [pair for number, pair in enumerate(tiny_models.PAIRS) if number % 4]
    settings = {"language": "swa", "out": tmp_path / "m", "steps": 1, "teacher": str(checkpoints["plain"])}
    model = opticlir.train(bitext, **settings, **chosen)
    record = json.loads((model.folder / "run" / "run.json").read_text())
    assert record["counts"]["pairs"] == len(pairs)
    assert opticlir.train(bitext, **settings, **chosen) == model, "a finished model is returned"


@pytest.mark.parametrize("other", [{"min_score": 0.95}, {"columns": None}, {"drop_suspect": True}])
def test_a_model_of_other_pairs_of_the_same_file_is_not_returned(checkpoints, tmp_path, other):
    """The file was the same, so the finished model was returned, whatever had been left out of it."""
    bitext = tmp_path / "pairs.tsv"
    bitext.write_text("".join(f"{pair.english}\t{pair.foreign}\t1\n" for pair in tiny_models.PAIRS))
    chosen = {"columns": "english=1,foreign=2,score=3", "min_score": 0.5}
    settings = {"language": "swa", "out": tmp_path / "m", "steps": 1, "teacher": str(checkpoints["plain"])}
    opticlir.train(bitext, **settings, **chosen)
    changed = chosen | other
    if changed["columns"] is None:
        changed = {}
    with pytest.raises((ArtefactError, DataError), match=r"choice of pairs|no sentence pair in it|columns"):
        opticlir.train(bitext, **settings, **changed)


def test_suspect_pairs_are_left_out_and_counted_in_python(checkpoints, tmp_path, caplog):
    pairs = [(pair.english, pair.foreign) for pair in tiny_models.PAIRS]
    bad = [("the same on both sides", "the same on both sides")] * 3
    bitext = tmp_path / "pairs.tsv"
    bitext.write_text("".join(f"{english}\t{foreign}\n" for english, foreign in [*pairs, *bad]))
    found = list(opticlir.read_bitext(bitext, language="swa", drop_suspect=True))
    assert len(found) == len(pairs)
    assert "left out: 3 swa pairs with equal sides" in caplog.text
    caplog.clear()
    settings = {"language": "swa", "steps": 1, "teacher": str(checkpoints["plain"]), "drop_suspect": True}
    model = opticlir.train([*pairs, *bad], out=tmp_path / "m", **settings)
    assert json.loads((model.folder / "run" / "run.json").read_text())["counts"]["pairs"] == len(pairs)
    assert "left out: 3 swa pairs with equal sides" in caplog.text


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"columns": "english=0"}, "columns english=0: expected english=2,foreign=4"),
        ({"min_score": float("nan")}, "min_score is nan: expected a finite number"),
    ],
)
def test_a_choice_of_pairs_that_cannot_be_meant_is_a_value_error(tmp_path, wrong, message):
    (tmp_path / "pairs.tsv").write_text("water\tmaji\n")
    with pytest.raises(ValueError, match=message):
        opticlir.read_bitext(tmp_path / "pairs.tsv", language="swa", **wrong)
    with pytest.raises(ValueError, match=message):
        opticlir.train(tmp_path / "pairs.tsv", language="swa", out=tmp_path / "m", **wrong)


def test_columns_of_pairs_in_memory_are_refused(tmp_path):
    with pytest.raises(ValueError, match="columns and min_score choose from a file"):
        opticlir.train([("water", "maji")], language="swa", out=tmp_path / "m", columns="english=1,foreign=2")


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (("0", "again"), "document id '0' comes twice"),
        (("cafe\u0301", "again"), "look alike"),
        ((" ", "again"), "the document id ' ' is blank"),
        (("a\tb", "again"), "NUL, a line end or a tab"),
    ],
)
def test_a_wrong_id_at_the_end_of_a_list_costs_no_encoding(checkpoints, tmp_path, monkeypatch, last, message):
    encoded = []
    monkeypatch.setattr("opticlir.search.encoding.encode_documents", lambda *_: encoded.append(1))
    documents = ["clean water", ("caf\u00e9", "x y"), *["more water"] * 9, last]
    with pytest.raises(DataError, match=message):
        opticlir.Retriever.build(documents, checkpoints["crosslingual"], tmp_path / "index")
    assert not encoded
    assert not (tmp_path / "index").exists()


def test_a_list_with_an_id_of_the_index_is_refused_before_it_is_encoded(retriever, monkeypatch):
    monkeypatch.setattr("opticlir.search.encoding.encode_documents", lambda *_: pytest.fail("encoded"))
    with pytest.raises(DataError, match="document id '3' comes twice"):
        retriever.add([("new", "clean water"), ("3", "more water")])
    assert len(retriever) == 13
