import sys

import pytest

from opticlir.errors import DataError, SetupError
from opticlir.pictures import TrainingCurves, curves_picture

LOG = [
    {"step": 0, "validation": {"RR": 0.25, "accuracy": 0.2}},
    {"step": 5, "loss": 0.5, "optical": 0.4, "contrastive": 0.1, "grad_norm": 1.0},
    {"step": 10, "loss": 0.3, "optical": 0.2, "contrastive": 0.1, "grad_norm": 1.0},
    {"step": 10, "validation": {"RR": 0.75, "accuracy": 0.7}},
]


def test_reads_each_part_of_the_loss_and_the_held_out_measure():
    curves = TrainingCurves.from_log(LOG, ["optical", "contrastive"])
    assert curves.losses == {"optical": ([5, 10], [0.4, 0.2]), "contrastive": ([5, 10], [0.1, 0.1])}
    assert curves.held_out == ([0, 10], [0.25, 0.75])


def test_a_run_without_steps_has_empty_curves():
    curves = TrainingCurves.from_log([], ["optical"])
    assert curves == TrainingCurves(losses={"optical": ([], [])}, held_out=([], []))
    assert curves_picture({"swa": curves}).data


def test_a_log_of_something_else_is_refused():
    with pytest.raises(DataError, match="has no step"):
        TrainingCurves.from_log([{"epoch": 1}], ["optical"])


def test_svg_is_a_picture_without_scripts_and_the_same_each_time():
    runs = {"swa <b> $x$": TrainingCurves.from_log(LOG, ["optical", "contrastive"])}
    picture = curves_picture(runs)
    svg = picture.data.decode()
    assert "<svg" in svg
    assert "<script" not in svg
    assert curves_picture(runs).data == picture.data
    assert picture.uri.startswith("data:image/svg+xml;base64,")


def test_png():
    assert curves_picture({"swa": TrainingCurves.from_log(LOG, ["optical"])}, "png").data.startswith(
        b"\x89PNG"
    )


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SetupError, match="pictures need matplotlib"):
        curves_picture({})
