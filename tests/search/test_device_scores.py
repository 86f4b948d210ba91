"""The way of an accelerator, here on the CPU; marked tests need a device."""

import numpy as np
import pytest
import torch

from opticlir.maxsim import maxsim_ragged, rounding_bound
from opticlir.progress import never
from opticlir.records import Document, Query
from opticlir.search import ExactIndex, device_scores, passage_scores
from opticlir.search.device_scores import DeviceScores
from opticlir.search.scoring import Scorer

needs_device = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, needs_device])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_scores_are_those_of_the_cpu(monkeypatch, device, dtype):
    monkeypatch.setattr(device_scores, "_SIMILARITIES", 600)  # several ranges, and a passage longer than one
    monkeypatch.setattr(device_scores, "_COPIED_TOKENS", 50)
    rng = np.random.default_rng(0)
    lengths = [*rng.integers(1, 12, 30), 90, 1]
    offsets = np.cumsum([0, *lengths])
    rows = rng.standard_normal((offsets[-1], 24)).astype(dtype)
    queries = [rng.standard_normal((n, 24), dtype=np.float32) for n in (5, 0, 1, 20)]
    found = DeviceScores(rows, offsets, device, check=never).scores(queries, check=never)
    norm = float(np.linalg.norm(rows.astype(np.float64), axis=1).max())
    for scores, expected, query in zip(found, maxsim_ragged(queries, rows, offsets), queries, strict=True):
        assert np.abs(scores - expected).max() <= 2 * rounding_bound(query, norm)
    assert (found[1] == 0).all()
    assert DeviceScores(rows, offsets, device, check=never).scores([], check=never).shape == (0, len(lengths))


def test_a_reading_can_be_stopped():
    def stop():
        raise TimeoutError

    with pytest.raises(TimeoutError):
        DeviceScores(np.ones((2, 2), np.float32), np.array([0, 2]), "cpu", check=stop)


def test_a_device_must_have_space(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1000, 2000))
    assert device_scores.fits("cuda", 500)
    assert not device_scores.fits("cuda:1", 501)
    assert not device_scores.fits("cpu", 1)


def test_a_search_on_a_device_finds_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr(passage_scores, "fits", lambda device, n_bytes: device == "meant")
    made = DeviceScores.__init__
    monkeypatch.setattr(
        DeviceScores,
        "__init__",
        lambda self, rows, offsets, device, check: made(self, rows, offsets, "cpu", check=check),
    )
    rng = np.random.default_rng(1)
    entries = [
        (Document(f"d{n:02}", f"text {n}"), rng.standard_normal((7, 12), dtype=np.float32)) for n in range(30)
    ]
    index = ExactIndex.create(tmp_path / "index", entries, encoder="e")
    query = rng.standard_normal((4, 12), dtype=np.float32)
    answers = [
        Scorer(each, device=device).rank_by_each([Query("1", "text 3", "und")], [query], k=10)
        for each, device in ((index, "cpu"), (ExactIndex.open(tmp_path / "index"), "meant"))
    ]
    assert index.segments[0].segment.scores._on_device is None
    for ranking in ("dense", "hybrid"):
        ours, theirs = (answer[ranking]["1"] for answer in answers)
        assert list(ours) == list(theirs)
        assert list(ours.values()) == pytest.approx(list(theirs.values()), abs=1e-5)
