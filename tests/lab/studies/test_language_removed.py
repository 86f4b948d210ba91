"""LIR and LSAR as systems: a cell per language, known by its bitext, and documents that change too."""

import pytest

from opticlir.data import read_run
from opticlir.errors import DataError
from opticlir.lab.studies import RunStore, compute_runs
from opticlir.lab.studies.rankings import CLEAN_RUN

ARMS = """[systems.zero]
model = "{0}"
[systems.lir]
model = "{0}"
remove = "lir"
rank = 2
[systems.lsar]
model = "{0}"
remove = "lsar"
[systems.mse]"""


@pytest.fixture
def plan_of(planned, study_file, checkpoints):
    """The cells of the systems without training, of a study that may be changed."""

    def make(*changes):
        plan = planned(study_file(("[systems.mse]", ARMS.format(checkpoints["plain"])), *changes))
        cells = tuple(cell for cell in plan.runs if cell.name in ("zero", "lir", "lsar"))
        return type(plan)(**{**vars(plan), "runs": cells})

    return make


def keys(plan):
    return {str(cell): cell.key for cell in plan.runs}


def test_each_has_a_cell_per_language_and_draws_nothing(plan_of):
    assert list(keys(plan_of())) == [
        f"{system}, beir, {language}" for language in ("swa", "yor") for system in ("zero", "lir", "lsar")
    ]


def test_a_cell_is_known_by_bitext_and_rank(plan_of):
    before = keys(plan_of())
    assert len(set(before.values())) == 6
    heavier, deeper = keys(plan_of(("swa.tsv:2", "swa.tsv:3"))), keys(plan_of(("rank = 2", "rank = 3")))
    assert {name for name in before if heavier[name] != before[name]} == {"lir, beir, swa", "lsar, beir, swa"}
    assert {name for name in before if deeper[name] != before[name]} == {"lir, beir, swa", "lir, beir, yor"}


def test_they_are_computed_and_rank_in_their_own_way(plan_of, tmp_path):
    plan = plan_of()
    assert compute_runs(plan, tmp_path / "out") == []
    store = RunStore(tmp_path / "out")
    runs = {str(cell): read_run(store.folder(cell) / CLEAN_RUN) for cell in plan.runs}
    scores = {name: run["q0"] for name, run in runs.items() if name.endswith("swa")}
    assert len({tuple(sorted(each.items())) for each in scores.values()}) == 3
    assert all(len(run) == 5 and all(len(ranking) == 20 for ranking in run.values()) for run in runs.values())
    lir = store.manifest(next(cell for cell in plan.runs if cell.name == "lir")).counts
    zero = store.manifest(next(cell for cell in plan.runs if cell.name == "zero")).counts
    assert lir == {"pairs": 20, **zero}


def test_a_rank_the_space_has_not_fails_its_cells_alone(plan_of, tmp_path):
    plan = plan_of(("rank = 2", "rank = 32"))
    lir = type(plan)(**{**vars(plan), "runs": tuple(cell for cell in plan.runs if cell.name == "lir")})
    failures = compute_runs(lir, tmp_path / "out")
    assert len(failures) == 2
    assert all("remove = 'lir': rank is 32: expected 1 to 31" in each.reason for each in failures)


def test_without_bitext_it_is_not_planned(plan_of):
    elsewhere = [
        (f'train = {{method = "{name}"}}', f'train = {{method = "{name}"}}\nlanguages = ["swa"]')
        for name in ("optical", "mse")
    ]
    with pytest.raises(DataError, match="language yor: no bitext, but the system 'lir' learns from it"):
        plan_of(('bitext = ["yor.tsv"], ', ""), *elsewhere)
