"""Folders that earlier versions of opticlir wrote: they open, or the message says what to do.

`old_versions/0.1.0` was written by commit 2b68ee9: a model trained on twelve pairs, an index, a cache, a study.
"""

import json
import logging
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from opticlir.artefacts import ArtefactCache
from opticlir.errors import ArtefactError
from opticlir.lab.studies import RunStore
from opticlir.manifest import read_manifest
from opticlir.records import Document, Query
from opticlir.search import ExactIndex, Retriever
from opticlir.search.scoring import Scorer
from opticlir.training import TrainConfig
from opticlir.training.run_folder import RunFolder

OLD = Path(__file__).parents[1] / "old_versions" / "0.1.0"


@pytest.fixture
def old(tmp_path):
    return shutil.copytree(OLD, tmp_path / "old")


def test_an_old_model_searches_an_old_index_as_it_did(old):
    retriever = Retriever.open(old / "index", old / "model", device="cpu")
    retriever.verify()
    hits = retriever.search("maji")
    scores = {"d2": 0.984266565, "d0": 0.962314077, "d1": -0.648803918, "d3": -1.297776723}
    assert [hit.doc_id for hit in hits] == list(scores)
    assert {hit.doc_id: hit.score for hit in hits} == pytest.approx(scores, abs=1e-5)


@pytest.mark.parametrize("change", ["add and delete", "update", "optimize"])
def test_an_index_of_format_4_answers_as_it_did_and_changes_to_segments(tmp_path, change):
    """`old_versions/format4` was written by commit 316e824: 4-bit vectors, a long document, an empty one."""
    path = shutil.copytree(OLD.with_name("format4") / "index", tmp_path / "index")

    def vectors(seed, n_tokens):
        found = np.random.default_rng(seed).standard_normal((n_tokens, 8), dtype=np.float32)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def ranked(index):
        query = Query("1", "river water", "und")
        runs = Scorer(index).rank_by_each([query], [vectors(999, 4)], k=8)
        return {ranking: run["1"] for ranking, run in runs.items()}

    expected = json.loads((OLD.with_name("format4") / "answers.json").read_text())
    old = ExactIndex.open(path)
    old.verify()
    assert (old.manifest.format_version, old.counts["long_documents"], old.n_empty) == (4, 1, 1)
    codes = {doc_id: old.document_tokens(old.row(doc_id)).tobytes() for doc_id in old.doc_ids}
    new = {
        "add and delete": lambda: old.add([(Document("new", "another"), vectors(5, 9))]).delete(["new"]),
        "update": lambda: old.update([(old.get("d40"), vectors(40, 50))]),
        "optimize": old.optimize,
    }[change]()
    assert new.manifest.format_version == 5
    new.verify()
    for index in (old, new, ExactIndex.open(path)):
        for ranking, found in ranked(index).items():
            assert list(found) == list(expected[ranking])
            assert found == pytest.approx(expected[ranking], abs=1e-5)
        assert {
            doc_id: index.document_tokens(index.row(doc_id)).tobytes() for doc_id in index.doc_ids
        } == codes
    assert (new.counts, new.windows) == (old.counts, old.windows)


def test_an_index_of_an_older_format_says_what_to_do(old):
    (path,) = old.glob("index/versions/*/manifest.json")
    path.write_text(path.read_text().replace('"format_version": 2', '"format_version": 1'))
    import hashlib

    (old / "index" / "CURRENT").write_text(f"000001 {hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    with pytest.raises(
        ArtefactError, match=r"format 1, made by an earlier version .*: build it again with `opticlir index`"
    ):
        ExactIndex.open(old / "index")


def test_an_old_run_is_known_as_finished_and_refuses_other_settings(old):
    run = RunFolder(old / "model")
    record = read_manifest(run.folder / "run.json")
    config = {**record.config, "device": "cpu"}
    with run.claimed(config, record.inputs) as finished:
        assert finished
    with (
        pytest.raises(ArtefactError, match="seed was 0 and is 1 now; choose another output folder"),
        run.claimed({**config, "seed": 1}, record.inputs),
    ):
        pytest.fail("another run")


def test_an_old_run_without_its_weights_is_not_finished(old):
    run = RunFolder(old / "model")
    record = read_manifest(run.folder / "run.json")
    for path in run.out.glob("*/model.safetensors"):
        path.unlink()
    with (
        pytest.raises(ArtefactError, match="is finished, but its model"),
        run.claimed({**record.config, "device": "cpu"}, record.inputs),
    ):
        pytest.fail("there is no model")


def test_an_old_run_refuses_the_settings_of_this_version_and_says_what_to_do(old):
    run = RunFolder(old / "model")
    config = {**asdict(TrainConfig(language="swa")), "device": "cpu"}
    with (
        pytest.raises(
            ArtefactError, match=r"a run of another version of opticlir.*: choose another output folder"
        ),
        run.claimed(config, read_manifest(run.folder / "run.json").inputs),
    ):
        pytest.fail("another version")


def test_an_old_cache_is_outdated_sound_and_goes_at_the_first_prune(old):
    cache = ArtefactCache(old / "cache")
    entries = cache.entries()
    assert {entry.kind for entry in entries} == {"teacher", "vocabulary", "indexes"}
    assert not any(entry.is_current for entry in entries)
    assert list(cache.damaged()) == []
    assert cache.prune(max_bytes=1e9).left == 0
    assert not [path for path in (old / "cache").rglob("*") if path.is_file()]


def test_an_old_study_is_computed_again_and_says_so(old, caplog):
    with caplog.at_level(logging.WARNING):
        RunStore(old / "study").warn_of_outdated()
    assert "holds 1 runs of an earlier version of opticlir. They are computed again" in caplog.text
    caplog.clear()
    RunStore(old / "model").warn_of_outdated()
    assert not caplog.text


def test_a_newer_manifest_is_refused_with_the_version_it_needs(old):
    (path,) = old.glob("cache/vocabulary/*/manifest.json")
    record = json.loads(path.read_text()) | {"format_version": 9}
    path.write_text(json.dumps(record))
    with pytest.raises(ArtefactError, match=r"has format 9, .*: install opticlir"):
        read_manifest(path, kind="vocabulary", newest_version=1)


@pytest.mark.parametrize(
    "missing", [["weights_dtype"], ["weights_dtype", "patience"], ["temperature", "checkpoint_steps"]]
)
def test_a_finished_model_from_before_a_setting_is_returned(checkpoints, tmp_path, missing):
    """Its record lacks the setting; `opticlir train` refused the same command as another version."""
    from opticlir import train

    command = {"language": "swa", "out": tmp_path / "model", "steps": 0, "teacher": str(checkpoints["plain"])}
    pairs = [("water", "maji"), ("fever", "homa")]
    made = train(pairs, **command)
    path = made.folder / "run" / "run.json"
    record = json.loads(path.read_text())
    for name in missing:
        del record["config"][name]
    path.write_text(json.dumps(record))
    assert train(pairs, **command) == made
    with pytest.raises(ArtefactError, match="precision was 'auto' and is 'float32' now"):
        train(pairs, **command, precision="float32")
