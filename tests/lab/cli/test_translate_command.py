"""`opticlir translate` and `train-translator`, as a user types them."""

import json

import pytest
from typer.testing import CliRunner

from opticlir.cli.app import app
from opticlir.lab.cli import translate  # noqa: F401 - adds the commands
from opticlir.lab.rivals.nmt import NmtConfig

PAIRS = "water\tmaji\nclean water\tmaji safi\nclean house\tnyumba safi\nbig house\tnyumba kubwa\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d", "title": "", "text": "clean water"}\n')
    (tmp_path / "queries").mkdir()
    (tmp_path / "queries" / "swa.jsonl").write_text('{"_id": "q", "text": "maji safi"}\n')
    (tmp_path / "queries" / "eng.jsonl").write_text('{"_id": "q", "text": "water clean"}\n')
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "dev.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    (tmp_path / "pairs.tsv").write_text(PAIRS)
    return tmp_path


def run(folder, *words):
    out = folder / "eng.tsv"
    return CliRunner().invoke(
        app,
        [
            "lab",
            "translate",
            "beir",
            "--data",
            str(folder),
            "--language",
            "swa",
            "--out",
            str(out),
            *map(str, words),
        ],
    )


def test_a_word_table_is_learned_and_used(folder):
    done = run(folder, "--by", "word-table", "--bitext", folder / "pairs.tsv", "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["queries"] == 1
    assert result["chrF"] == pytest.approx(100.0)
    assert (folder / "eng.tsv").read_text() == "q\twater clean\n"


def test_a_dictionary_is_used(folder):
    done = run(folder, "--by", "dictionary", "--dictionary", folder / "pairs.tsv")
    assert done.exit_code == 0, done.output
    assert (folder / "eng.tsv").read_text() == "q\tclean water\n"
    assert "1 queries" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--by", "oracle"), "'oracle': expected word-table, dictionary, seq2seq, apertium"),
        (("--by", "word-table"), "--by word-table needs it"),
        (("--by", "seq2seq"), "--by seq2seq needs it"),
    ],
)
def test_wrong_usage_is_exit_2(folder, words, message):
    done = run(folder, *words)
    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())
    assert not (folder / "eng.tsv").exists()


def test_a_translator_is_trained_and_translates(folder, monkeypatch):
    from opticlir.lab.rivals import nmt

    small = {"vocabulary": 60, "width": 16, "layers": 1, "heads": 2}
    monkeypatch.setattr(nmt, "NmtConfig", lambda **given: NmtConfig(**given, **small))
    trained = CliRunner().invoke(
        app,
        [
            "lab", "train-translator", "--bitext", str(folder / "pairs.tsv"), "--language", "swa",
            "--out", str(folder / "nmt"), "--minutes", "0.005", "--json",
        ],
    )  # fmt: skip
    assert trained.exit_code == 0, trained.output
    result = json.loads(trained.stdout)
    assert result["pairs"] == 4
    assert result["steps"] >= 1
    done = run(folder, "--by", "seq2seq", "--model", folder / "nmt", "--json")
    assert done.exit_code == 0, done.output
    assert {"BLEU", "chrF"} < set(json.loads(done.stdout))


def test_a_benchmark_asks_the_translations(folder, checkpoints, monkeypatch):
    monkeypatch.setenv("OPTICLIR_CACHE", str(folder / "cache"))
    assert run(folder, "--by", "dictionary", "--dictionary", folder / "pairs.tsv").exit_code == 0
    words = [
        "lab", "benchmark", "beir", "--data", str(folder), "--language", "swa", "--model", str(checkpoints["plain"]),
        "--json",
    ]  # fmt: skip
    asked = CliRunner().invoke(app, words)
    assert json.loads(asked.stdout)["bm25"]["AP"] == 0.0
    translated = CliRunner().invoke(app, [*words, "--queries", str(folder / "eng.tsv")])
    assert json.loads(translated.stdout)["bm25"]["AP"] == 1.0
    (folder / "other.tsv").write_text("q\twater\nq2\thouse\n")
    refused = CliRunner().invoke(app, [*words, "--queries", str(folder / "other.tsv")])
    assert "query 'q2' is in only one of this file and the collection" in str(refused.exception)
