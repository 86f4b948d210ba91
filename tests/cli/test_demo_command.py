import json

import numpy as np
import pytest
from typer.testing import CliRunner

import opticlir.demo
from opticlir.cli.app import app
from opticlir.demo import SYSTEMS, DemoHit, DemoResult, Row, WorkedSearch
from opticlir.pictures import TokenAlignment
from opticlir.training.events import StageStarted, WorkDone

ALIGNMENT = TokenAlignment(
    foreign=("maji",), english=("water",), plan=np.ones((1, 1)), cost=0.1, is_cut=False
)
ROWS = tuple(
    Row("swa", system, ranking, {"AP": ap, "nDCG@10": ap + 0.1})
    for ap, (system, ranking) in zip((0.1, 0.2, 0.3, 0.4), SYSTEMS.items(), strict=True)
)
RESULT = DemoResult(
    rows=(*ROWS, Row("swa", "opticlir", "dense", {"AP": 0.35, "nDCG@10": 0.45})),
    searches=(
        WorkedSearch("swa", "Maji [red]?", "Water\x1b?", (DemoHit("d1", "A [b] <i> title", 2),), ALIGNMENT),
    ),
    logs={"swa": [{"step": 0, "validation": {"RR": 1.0}}, {"step": 1, "loss": 0.5, "optical": 0.5}]},
    facts={"seed": "7"},
)


@pytest.fixture
def asked(monkeypatch):
    """What the command asks for, in place of a training."""
    calls = []

    def run_demo(config, out, *, on_event):
        on_event(StageStarted("distilling"), "swa")
        on_event(WorkDone("searching", 1, 1), "swa")
        out.mkdir(exist_ok=True)
        calls.append(config)
        return RESULT

    monkeypatch.setattr(opticlir.demo, "run_demo", run_demo)
    return calls


def demo(*words):
    return CliRunner().invoke(app, ["demo", *map(str, words)])


def test_json_is_one_object_of_the_four_systems(asked, tmp_path):
    done = demo("--out", tmp_path / "run", "--languages", "sw,hau", "--minutes", 3, "--seed", 7, "--json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["rows"]
    assert [row["system"] for row in rows] == list(SYSTEMS)
    assert rows[2] == {"language": "swa", "system": "opticlir", "AP": 0.3, "nDCG@10": 0.4}
    assert (asked[0].languages, asked[0].minutes, asked[0].seed) == (("swa", "hau"), 3.0, 7)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<table" in page
    assert "swa: optical 0.5" in page, "a curve for each term of the loss"
    assert '<span class="key line0">swa 1</span>' in page, "a curve of the held-out pairs"


def test_the_device_arrives(asked, tmp_path):
    assert demo("--out", tmp_path / "run", "--device", "cuda:1").exit_code == 0
    assert asked[0].device == asked[0].training("swa").device == "cuda:1"


def test_table_and_searches_for_people(asked, tmp_path):
    shown = demo("--out", tmp_path / "run").stdout
    assert [line.split() for line in shown.splitlines()[:6]] == [
        ["language", "system", "ranking", "AP", "nDCG@10"],
        ["swa", "teacher-alone", "dense", "0.100", "0.200"],
        ["swa", "initialised", "dense", "0.200", "0.300"],
        ["swa", "opticlir", "hybrid", "0.300", "0.400"],
        ["swa", "english-question", "dense", "0.400", "0.500"],
        ["swa", "opticlir", "dense", "0.350", "0.450"],
    ]
    assert "3.0 times that of the teacher alone and 75% of" in shown
    assert "One index" in " ".join(shown.split())
    assert "Maji [red]? (swa)" in shown, "brackets in a text are no markup"
    assert "Water<U+001B>?" in shown
    assert "A [b] <i> title (answers it)" in shown
    assert "█100" in shown
    assert shown.rstrip().endswith("report.html")


@pytest.mark.parametrize(
    "words", [["--languages", "yor"], ["--languages", ","], ["--minutes", "0"], ["--seed", "-1"]]
)
def test_wrong_usage(asked, words, tmp_path):
    assert demo("--out", tmp_path / "run", *words).exit_code == 2
    assert not asked


def test_serve_opens_the_page_on_the_sample_when_the_report_is_written(asked, tmp_path, monkeypatch):
    import opticlir.demo.serving
    import opticlir.service.server

    served = []

    def serve(engine, settings, on_ready):
        served.append((engine, settings))
        on_ready("http://127.0.0.1:8123")

    monkeypatch.setattr(opticlir.demo.serving, "demo_engine", lambda config, out: (config.languages, out))
    monkeypatch.setattr(opticlir.service.server, "serve", serve)
    done = demo("--out", tmp_path / "run", "--languages", "hau,spa", "--serve", "--port", 8123)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "page: http://127.0.0.1:8123"
    ((engine, settings),) = served
    assert engine == (("hau", "spa"), tmp_path / "run")
    assert (settings.host, settings.port) == ("127.0.0.1", 8123)
    assert [code for code, _ in settings.examples] == ["hau", "spa"]
    assert demo("--out", tmp_path / "run").exit_code == 0
    assert len(served) == 1, "only on request"


def test_serve_without_its_packages_is_refused_before_the_training(asked, tmp_path, monkeypatch):
    monkeypatch.setattr("opticlir.cli.libraries._SERVICE", ("no_such_package",))
    done = demo("--out", tmp_path / "run", "--serve")
    assert "pip install 'opticlir[service]'" in str(done.exception)
    assert not asked
