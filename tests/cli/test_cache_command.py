import gc
import json

import pytest
from typer.testing import CliRunner

import opticlir.cli.cache  # noqa: F401 - it adds the command
import tiny_models
from opticlir.__main__ import main
from opticlir.cli.app import app
from opticlir.training.teacher_cache import TeacherCache


@pytest.fixture
def folder(teacher, tmp_path, monkeypatch):
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path))
    TeacherCache(tmp_path, teacher, name="tiny").encode(list(tiny_models.ENGLISH))
    gc.collect()
    return tmp_path


def cache(*words):
    return CliRunner().invoke(app, ["cache", *words])


def test_ls_shows_teacher_texts_tokens_bytes_and_use(folder):
    shown = cache("ls").stdout
    assert "teacher tiny, bfloat16 False, vectors float16\t20 texts, " in shown
    assert "last used 20" in shown
    assert "1 artefacts, " in shown
    assert "in use" not in shown
    assert "outdated" not in shown
    listed = json.loads(cache("ls", "--json").stdout)
    assert listed["folder"] == str(folder)
    (entry,) = listed["entries"]
    assert (entry["config"]["teacher"], entry["counts"]["texts"], entry["bytes"]) == (
        "tiny",
        20,
        listed["bytes"],
    )


def test_verify_names_the_torn_shard_and_exits_with_1(folder):
    assert cache("verify").exit_code == 0
    (shard,) = (folder / "teacher").glob("*/shard-*")
    (shard / "vectors.npy").write_bytes(b"torn")
    done = cache("verify")
    assert done.exit_code == 1
    assert f"error: {shard} is damaged: {shard / 'vectors.npy'} has 4 bytes" in done.stderr
    done = cache("verify", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["damaged"][0]["path"] == str(shard)


def test_prune_says_what_it_freed(folder):
    assert "0 entries removed, 0 bytes freed" in cache("prune", "--max-size", "1GB").stdout
    pruned = json.loads(cache("prune", "--max-size", "0", "--json").stdout)
    assert (pruned["removed"], pruned["left"]) == (1, 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give --max-size"),
        (("--max-size", "2 loads"), "expected a size such as 500MB or 2GB"),
        (("--max-size", "-2GB"), "expected a size"),
        (("--older-than", "30y"), "expected a duration such as 12h, 30d or 8w"),
    ],
)
def test_prune_without_a_bound_that_can_be_read_is_a_wrong_usage(folder, words, message):
    done = cache("prune", *words)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())


def test_prune_that_leaves_too_much_is_a_failure(folder, teacher, monkeypatch, capsys):
    tokens = TeacherCache(folder, teacher).encode(["the water is clean"])
    monkeypatch.setattr("sys.argv", ["opticlir", "cache", "prune", "--max-size", "1kB"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "of it in use by another process: prune again when it has ended" in capsys.readouterr().err
    assert len(tokens[0]) == 4


def test_every_verb_has_help_with_an_example():
    for verb in ("ls", "verify", "prune"):
        assert f"Example: opticlir cache {verb}" in cache(verb, "--help").stdout


def test_what_is_not_ours_is_named_and_left_alone(folder):
    video = folder / "uploads" / ("0123456789ab" * 2) / "versions" / "video.mp4"
    video.parent.mkdir(parents=True)
    video.write_text("years of work")
    stranger = video.parents[1]
    assert f"{stranger}: not made by opticlir, ignored" in cache("ls").stderr
    assert json.loads(cache("ls", "--json").stdout)["not_ours"] == [str(stranger)]
    pruned = cache("prune", "--max-size", "0")
    assert pruned.exit_code == 0
    assert f"{stranger}: not made by opticlir, ignored" in pruned.stderr
    assert [path for path in folder.rglob("*") if path.is_file()] == [video]
