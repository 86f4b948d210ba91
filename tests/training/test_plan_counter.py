"""Transport plans that do not converge are counted, logged and shown."""

import torch

from opticlir.lab.training import distil
from opticlir.training.objectives import PlanCounter, TokenBatch, TransportConfig, optical
from opticlir.training.run_folder import RunFolder
from opticlir.training.training_report import training_report, unconverged_share
from short_runs import PAIRS, config_of


def test_a_plan_of_one_iteration_counts_as_open_and_one_of_many_does_not():
    generator = torch.Generator().manual_seed(0)
    student, teacher = (
        torch.nn.functional.normalize(torch.randn(3, 6, 4, generator=generator), dim=2) for _ in range(2)
    )
    batch = TokenBatch(student, torch.ones(3, 6).bool(), teacher, torch.ones(3, 6).bool())
    counter = PlanCounter()
    optical(batch, TransportConfig(beta=0.05, max_iterations=1), counter)
    optical(batch, TransportConfig(max_iterations=500), counter)
    assert counter.take() == (3, 6)
    assert counter.take() == (0, 0)


def test_the_share_is_logged_and_in_the_report_and_warned_of_once(checkpoints, tmp_path, caplog):
    distil(
        config_of(checkpoints["plain"], method="optical", transport={"beta": 0.01, "max_iterations": 1}),
        PAIRS, tmp_path,
    )  # fmt: skip
    share = unconverged_share(RunFolder(tmp_path).read_log())
    assert 0 < share <= 1
    assert "transport plans that did not converge" in training_report(RunFolder(tmp_path))
    assert caplog.text.count("transport plans did not converge: raise max_iterations") == 1


def test_a_run_without_transport_counts_nothing(checkpoints, tmp_path):
    distil(config_of(checkpoints["plain"], method="mse"), PAIRS, tmp_path)
    assert unconverged_share(RunFolder(tmp_path).read_log()) is None
