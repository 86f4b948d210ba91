import pytest

from opticlir.errors import DataError
from opticlir.pictures import TrainingCurves, curve_charts

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
    assert "</svg>" in curve_charts({"swa": curves})[0].html()


def test_a_log_of_something_else_is_refused():
    with pytest.raises(DataError, match="has no step"):
        TrainingCurves.from_log([{"epoch": 1}], ["optical"])


def test_each_run_and_each_term_has_a_line():
    one, two = (TrainingCurves.from_log(LOG, terms) for terms in (["optical"], ["optical", "contrastive"]))
    loss, held_out = curve_charts({"swa": one, "ha<b>": two})
    assert list(loss.lines) == ["swa", "ha<b>: optical", "ha<b>: contrastive"]
    assert loss.lines["swa"] == ([5, 10], [0.4, 0.2])
    assert held_out.lines == {"swa": ([0, 10], [0.25, 0.75]), "ha<b>": ([0, 10], [0.25, 0.75])}
    assert "<b>:" not in loss.html()
    assert "<script" not in loss.html()
