"""The six study files of this repository: each can be read, and planned where the data are there."""

from pathlib import Path

import pytest

from opticlir.data import bitext_files
from opticlir.studies import plan_study, read_study
from opticlir.studies.contents import bitext_paths
from opticlir.training import TrainConfig

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
FILES = {path.stem: path for path in sorted((ROOT / "studies").glob("*.toml"))}
NEEDED = {"q1-adversarial": ("perturbation", "discriminator"), "q4-hybrid": ("monolingual",)}

with_data = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the public data sets are not beside this checkout"
)


def test_there_is_one_per_question():
    assert list(FILES) == [
        "headline", "q0-robustness", "q1-adversarial", "q2-scale", "q3-geometry", "q4-hybrid"
    ]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_each_is_whole_and_says_its_command(name):
    study = read_study(FILES[name])
    assert list(study.budgets) == ["small", "night", "full"]
    assert f"opticlir study studies/{name}.toml" in FILES[name].read_text()
    assert study.budgets["small"].models == ("minilm",)
    assert all(family.measures for family in study.families)
    assert len(study.budgets["full"].models) >= 6


def test_the_scale_question_has_its_ladders():
    models = read_study(FILES["q2-scale"]).budgets["full"].models
    assert sum("F2LLM-v2" in model for model in models) == 8
    assert sum("Qwen3-Embedding" in model for model in models) == 3


@with_data
@pytest.mark.parametrize("name", FILES)
def test_all_bitext_and_dictionaries_are_there(name):
    for task in read_study(FILES[name]).tasks:
        assert (SHARED / task.data).is_dir()
        for code, language in task.languages.items():
            for path, _ in bitext_paths(SHARED, language.bitext):
                assert all(file.exists() for file in bitext_files(path, language=code))
            assert all((SHARED / file).exists() for file in language.dictionary)


@with_data
@pytest.mark.parametrize("name", FILES)
def test_the_cells_of_the_small_budget_are_planned(name):
    if missing := [key for key in NEEDED.get(name, ()) if key not in TrainConfig.__dataclass_fields__]:
        pytest.skip(f"the training configuration has no {' or '.join(missing)} yet")
    study = read_study(FILES[name])
    plan = plan_study(study, "small", SHARED)
    assert {cell.arm for cell in plan.cells} == set(plan.arms)
    assert len({cell.key for cell in plan.cells}) == len(plan.cells)
    trained = [cell for cell in plan.cells if cell.seed is not None]
    assert 0 < len({str(cell.system.content()) for cell in trained}) <= 36, "half an hour on two cores"
