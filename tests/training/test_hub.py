"""A trained model goes to a model hub and comes back; the hub is a folder here."""

import json
import shutil
from types import SimpleNamespace

import httpx
import huggingface_hub
import pytest
import yaml
from huggingface_hub.errors import HfHubHTTPError
from sentence_transformers import MultiVectorEncoder

import opticlir
import tiny_models
from opticlir.errors import ArtefactError, SetupError
from opticlir.training.model_card import OLDEST_LIBRARY


@pytest.fixture(scope="module")
def model(checkpoints, tmp_path_factory):
    """Two of its pairs are held out, so that there is something to measure."""
    out = tmp_path_factory.mktemp("trained") / "swahili"
    return opticlir.train(
        tiny_models.many_pairs(120), language="swa", out=out, steps=2, teacher=str(checkpoints["plain"])
    )


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The hub: `hub.asked` are the calls, `hub.cache` is where downloads appear."""
    asked = []
    cache = tmp_path / "models--me--swahili"

    class Api:
        def __init__(self, token=None):
            asked.append(("token", token))

        def create_repo(self, repo_id, **settings):
            asked.append(("create_repo", repo_id, settings))
            return SimpleNamespace(repo_id=repo_id if "/" in repo_id else f"me/{repo_id}")

        def create_branch(self, repo_id, **settings):
            asked.append(("create_branch", repo_id, settings))

        def create_commit(self, repo_id, operations, **settings):
            asked.append(("create_commit", repo_id, settings))
            for operation in operations:
                blob = cache / "blobs" / str(len(list((cache / "blobs").glob("*"))) if cache.exists() else 0)
                blob.parent.mkdir(parents=True, exist_ok=True)
                with operation.as_file() as content:
                    blob.write_bytes(content.read())
                link = cache / "snapshots" / "abc" / operation.path_in_repo
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(blob)
            pull = "https://hub/me/swahili/discussions/1" if settings["create_pr"] else None
            return SimpleNamespace(commit_url="https://hub/me/swahili/commit/abc", pr_url=pull)

    def download(name, allow_patterns=()):
        assert name == "me/swahili"
        wanted = tmp_path / "models--me--swahili" / "snapshots" / "abc"
        names = [str(path.relative_to(wanted)) for path in wanted.rglob("*") if path.is_symlink()]
        kept = set(huggingface_hub.utils.filter_repo_objects(names, allow_patterns=allow_patterns))
        for name in set(names) - kept:
            (wanted / name).unlink()
        return str(wanted)

    monkeypatch.setattr("opticlir.training.hub.HfApi", Api)
    monkeypatch.setattr("opticlir.encoder.checkpoint.snapshot_download", download)
    return SimpleNamespace(asked=asked, snapshot=cache / "snapshots" / "abc")


def test_a_model_goes_to_the_hub_and_comes_back(model, hub, tmp_path):
    url = model.push_to_hub("swahili", token="secret", private=True)
    assert url == "https://hub/me/swahili/commit/abc"
    assert ("token", "secret") in hub.asked
    assert ("create_repo", "swahili", {"private": True, "exist_ok": False}) in hub.asked
    again = opticlir.TrainedModel.from_pretrained("me/swahili")
    assert again.outcome == model.outcome
    retriever = opticlir.Retriever.build(tiny_models.ENGLISH, again, tmp_path / "index")
    here = opticlir.Retriever.open(tmp_path / "index", model)
    assert retriever.search("maji safi") == here.search("maji safi")
    assert opticlir.load("me/swahili", device="cpu").encode_query(["maji"])[0].shape[1] == tiny_models.HIDDEN


def test_plain_sentence_transformers_opens_what_was_uploaded(model, hub):
    model.push_to_hub("me/swahili")
    opened = MultiVectorEncoder(str(hub.snapshot), device="cpu", local_files_only=True)
    assert opened.encode_query(["maji"])[0].shape[1] == tiny_models.HIDDEN


def test_no_sentence_and_no_foreign_file_is_uploaded(model, hub, tmp_path):
    folder = shutil.copytree(model.folder, tmp_path / "copy")
    (folder / "my notes.txt").write_text("private")
    (folder / "run" / "checkpoints").mkdir()
    (folder / "run" / "checkpoints" / "optimizer.pt").write_bytes(b"x")
    opticlir.TrainedModel.from_pretrained(folder).push_to_hub("me/swahili")
    names = {str(path.relative_to(hub.snapshot)) for path in hub.snapshot.rglob("*") if path.is_symlink()}
    assert {"README.md", "modules.json", "opticlir.json", "run/run.json", "run/words.txt"} <= names
    assert not [name for name in names if "report" in name or "notes" in name or "checkpoint" in name]
    sentences = [*tiny_models.SWAHILI, *tiny_models.ENGLISH]
    for name in names:
        content = (hub.snapshot / name).read_bytes()
        assert not [each for each in sentences if each.encode() in content], name


def test_the_card_holds_what_was_measured_and_says_what_reads_it(model, hub):
    model.push_to_hub("me/swahili")
    text = (hub.snapshot / "README.md").read_text("utf-8")
    card = huggingface_hub.ModelCard(text).data
    results = {result.metric_name: result.metric_value for result in card.eval_results}
    assert results == model.outcome.trained
    assert set(results) == {"RR", "accuracy"}
    assert {result.metric_type for result in card.eval_results} == {"mrr", "accuracy"}
    assert all("2 held-out sentence pairs" in result.dataset_name for result in card.eval_results)
    assert card.language == ["sw", "en"]
    assert 'MultiVectorEncoder("me/swahili")' in text
    assert "this folder" not in text
    assert f"opticlir {opticlir.__version__}" in text
    assert f"sentence-transformers {OLDEST_LIBRARY} or newer" in text


def test_a_card_without_measures_has_no_index_of_them(checkpoints, tmp_path):
    model = opticlir.train(
        tiny_models.PAIRS, language="swa", out=tmp_path / "m", steps=1, teacher=str(checkpoints["plain"])
    )
    header = (model.folder / "README.md").read_text("utf-8").split("---")[1]
    assert "model-index" not in yaml.safe_load(header)


def test_the_version_in_the_card_is_that_of_the_package():
    from pathlib import Path

    assert (
        f'"sentence-transformers>={OLDEST_LIBRARY},<'
        in (Path(__file__).parents[2] / "pyproject.toml").read_text()
    )


def test_a_branch_and_a_pull_request(model, hub):
    assert model.push_to_hub("me/swahili", create_pr=True).endswith("/discussions/1")
    assert ("create_repo", "me/swahili", {"private": None, "exist_ok": True}) in hub.asked
    shutil.rmtree(hub.snapshot.parents[1])
    model.push_to_hub("me/swahili", revision="new", exist_ok=True, commit_message="Second try")
    assert ("create_branch", "me/swahili", {"branch": "new", "exist_ok": True}) in hub.asked
    assert hub.asked[-1][2] == {"commit_message": "Second try", "revision": "new", "create_pr": False}


def test_a_refusal_of_the_hub_is_one_line(model, hub, monkeypatch):
    def refuse(*_, **__):
        request = httpx.Request("POST", "https://hub/api/repos/create")
        raise HfHubHTTPError(
            "409 Conflict: you already\ncreated it", response=httpx.Response(409, request=request)
        )

    monkeypatch.setattr("opticlir.training.hub.HfApi.create_repo", refuse)
    with pytest.raises(SetupError, match=r"'me/swahili' could not be uploaded .*exist_ok=True") as refused:
        model.push_to_hub("me/swahili", token="secret")
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_without_a_connection_nothing_is_uploaded(model):
    """The tests run with HF_HUB_OFFLINE=1."""
    with pytest.raises(SetupError, match="could not be uploaded"):
        model.push_to_hub("me/swahili")


def test_only_finished_trainings_are_shared(model, checkpoints, hub, tmp_path):
    with pytest.raises(ArtefactError, match=r"run\.json"):
        opticlir.TrainedModel.from_pretrained(checkpoints["crosslingual"])
    folder = shutil.copytree(model.folder, tmp_path / "copy")
    record = json.loads((folder / "run" / "run.json").read_text())
    record["counts"].pop("finished")
    (folder / "run" / "run.json").write_text(json.dumps(record))
    with pytest.raises(ArtefactError, match="not finished"):
        opticlir.TrainedModel.from_pretrained(folder)
    assert not [call for call in hub.asked if call[0] == "create_commit"]


def test_a_link_out_of_a_folder_that_looks_like_a_cache_is_refused(model, tmp_path):
    folder = tmp_path / "models--me--x" / "snapshots" / "abc"
    shutil.copytree(model.folder, folder)
    (tmp_path / "elsewhere.json").write_text((folder / "modules.json").read_text())
    (folder / "modules.json").unlink()
    (folder / "modules.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ArtefactError, match="a link that leads out"):
        opticlir.load(folder)
