import json

import pytest
from typer.testing import CliRunner

from opticlir import encoder
from opticlir.__main__ import main
from opticlir.cli.app import app
from tiny_models import save_encoder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(save_encoder(tmp_path_factory.mktemp("model")))


def align(*words):
    return CliRunner().invoke(app, ["align", *map(str, words)])


def test_the_device_arrives(model, monkeypatch):
    devices = []
    load = encoder.load_model
    monkeypatch.setattr(
        encoder,
        "load_model",
        lambda name, device, weights_dtype: (
            devices.append((device, weights_dtype)) or load(name, device="cpu")
        ),
    )
    assert (
        align(
            "--model",
            model,
            "the water",
            "the water",
            "--device",
            "mps",
            "--weights-dtype",
            "bfloat16",
            "--json",
        ).exit_code
        == 0
    )
    assert devices == [("mps", "bfloat16")]


def test_json_is_one_object(model):
    done = align("--model", model, "the water", "the clean water", "--json")
    assert done.exit_code == 0
    shown = json.loads(done.stdout)
    assert shown["foreign"] == ["the", "water"]
    assert shown["english"] == ["the", "clean", "water"]
    assert sum(map(sum, shown["plan"])) == pytest.approx(1, abs=1e-2)
    assert 0 <= shown["cost"] <= 2
    assert shown["is_cut"] is False


def test_grid_and_files(model, tmp_path):
    done = align(
        "--model", model, "the water", "the clean water", "--png", tmp_path / "a.png", "--html", tmp_path / "a.html"
    )  # fmt: skip
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0].split() == ["the", "clean", "water"]
    assert "picture written" in done.stderr
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "the clean water" in (tmp_path / "a.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "MODEL", " ", "water"], "error: no token in ' '"),
        (["--model", "./nowhere", "maji", "water"], "error: nowhere: no such model folder"),
        (
            ["--model", "MODEL", "maji", "water", "--png", "/nowhere/a.png"],
            "error: cannot write /nowhere/a.png",
        ),
    ],
)
def test_one_line_for_what_the_user_can_repair(model, words, message, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.argv", ["opticlir", "align", *(model if word == "MODEL" else word for word in words)]
    )
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(message)


def test_wrong_usage():
    assert align("maji", "water").exit_code == 2
    assert align("--model", "minilm", "maji").exit_code == 2
