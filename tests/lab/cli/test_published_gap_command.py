import json
import math
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[4] / "shared" / "data" / "published"

HIGH, LOW, BETWEEN = ("deu_Latn", "spa_Latn", "hin_Deva"), ("hau_Latn", "yor_Latn", "zul_Latn"), ("tha_Thai",)
SIZES = {"org/made-100M": 1e8, "org/made-1B": 1e9, "org/made-10B": 1e10}


def score(tag, size):
    """The gap falls by .1 with each tenfold size."""
    step = math.log10(size) - 8
    return {HIGH: 0.8 + 0.02 * step, LOW: 0.4 + 0.12 * step, BETWEEN: 0.7}[
        next(group for group in (HIGH, LOW, BETWEEN) if tag in group)
    ] + 0.01 * (ord(tag[0]) % 3)


@pytest.fixture
def published(tmp_path):
    """Three sizes of one series, and models that belong to no ladder."""
    folder = tmp_path / "published"
    folder.mkdir()
    rows = [
        f"Belebele\t{model}\teng_Latn-{tag}\tnDCG@10\t{score(tag, size)}"
        for model, size in SIZES.items()
        for tag in (*HIGH, *LOW, *BETWEEN)
    ]
    rows += [
        f"Belebele\torg/made-1B\teng_Latn-{tag}\tnDCG@10\t.01" for tag in ("hin_Latn", "eng_Latn", "luo_Latn")
    ]
    rows += [
        f"Belebele\torg/english-{size}\teng_Latn-{tag}\tnDCG@10\t.2"
        for size in ("small", "base", "large")
        for tag in (*HIGH, *LOW)
    ]
    rows += [f"Belebele\torg/alone-1B\teng_Latn-{tag}\tnDCG@10\t.9" for tag in (*HIGH, *LOW)]
    (folder / "results.tsv").write_text("\n".join(["task\tmodel\tsubset\tmeasure\tvalue", *rows]) + "\n")
    sizes = [f"{model}\t{size:.0f}\t2026-01-01\t384" for model, size in SIZES.items()]
    sizes += [f"org/english-{size}\t{n}\t\t" for n, size in enumerate(("small", "base", "large"), start=1)]
    sizes += ["org/alone-1B\t1000000000\t\t", "org/unknown\t\t\t"]
    (folder / "models.tsv").write_text("\n".join(["model\tparameters\treleased\tdimensions", *sizes]) + "\n")
    return folder


@pytest.fixture
def gaps(opticlir, tmp_path):
    def run(folder, *words):
        return opticlir("lab", "published-gap", folder, "--out", tmp_path / "out", "--draws", 500, *words)

    return run


def test_the_gap_of_a_ladder_by_size(published, gaps, tmp_path):
    (task,) = json.loads(gaps(published, "--json").stdout)
    (ladder,) = task["ladders"]
    assert ladder["ladder"] == "org/made-*"
    assert (ladder["n_high"], ladder["n_low"]) == (3, 3)
    assert [rung["model"] for rung in ladder["rungs"]] == list(SIZES)
    assert ladder["slope"]["value"] == pytest.approx(-0.1)
    high = np.mean([score(tag, 1e8) for tag in HIGH])
    low = np.mean([score(tag, 1e8) for tag in LOW])
    assert ladder["rungs"][0]["gap"]["value"] == pytest.approx(high - low)
    assert ladder["slope_by_class"]["5"]["value"] == pytest.approx(0.02)
    assert ladder["slope_by_class"]["2"]["value"] == pytest.approx(0.12)
    assert ladder["slope_by_class"]["3"]["value"] == pytest.approx(0.0)
    at = {float(size): each["value"] for size, each in ladder["at"].items()}
    assert set(at) == {1e9, 7e9}, "13B is outside of the ladder"
    assert at[7e9] == pytest.approx(ladder["rungs"][0]["gap"]["value"] - 0.1 * math.log10(70))


def test_the_report(published, gaps, tmp_path):
    assert "org/made-*  -0.100 [" in gaps(published).stdout
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {"report.html", "report.md", "results.json", "gap.png"}
    assert "| Belebele | org/made-\\* | 3 | -0.100" in (out / "report.md").read_text()
    assert (out / "gap.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (out / "report.html").read_text() or "image/svg" in (out / "report.html").read_text()


def test_the_interval_is_over_languages(published, gaps):
    """A language of the low group that falls behind widens the interval; equal slopes have none."""
    (task,) = json.loads(gaps(published, "--json").stdout)
    slope = task["ladders"][0]["slope"]
    assert slope["high"] - slope["low"] == pytest.approx(0, abs=1e-9)
    table = published / "results.tsv"
    text = table.read_text()
    old = f"org/made-10B\teng_Latn-zul_Latn\tnDCG@10\t{score('zul_Latn', 1e10)}"
    assert old in text
    table.write_text(text.replace(old, "org/made-10B\teng_Latn-zul_Latn\tnDCG@10\t.1"))
    (task,) = json.loads(gaps(published, "--json").stdout)
    slope = task["ladders"][0]["slope"]
    assert slope["low"] < slope["value"] < slope["high"]
    assert slope["low"] == pytest.approx(-0.1), "a draw without the language"


@pytest.mark.parametrize(
    ("line", "becomes", "said"),
    [
        (
            1,
            "task\tmodel\tvalue",
            "results.tsv: line 1: expected the columns task, model, subset, measure, value",
        ),
        (
            2,
            "Belebele\torg/made-100M\teng_Latn-deu_Latn\tnDCG@10\tmany",
            "line 2: value is 'many': expected a number",
        ),
        (2, "Belebele\torg/made-100M", "line 2: expected 5 columns, found 2"),
        (
            2,
            "Belebele\torg/made-100M\tdeu_Latn-hau_Latn\tnDCG@10\t.5",
            "expected English and one other language",
        ),
        (3, "Belebele\torg/made-100M\teng_Latn-deu_Latn\tnDCG@10\t.5", "is given twice: keep one row"),
    ],
)
def test_malformed_results(published, gaps, line, becomes, said):
    table = published / "results.tsv"
    lines = table.read_text().splitlines()
    lines[line - 1] = becomes
    table.write_text("\n".join(lines) + "\n")
    assert said in gaps(published).error


def test_no_ladder(published, gaps):
    (published / "models.tsv").write_text("model\tparameters\norg/made-100M\t100\n")
    assert "no ladder: expected three models" in gaps(published).error


@pytest.mark.skipif(not DATA.exists(), reason="the published results are not on this machine")
def test_the_published_ladders(gaps):
    found = {task["task"]: task for task in json.loads(gaps(DATA, "--json").stdout)}
    assert set(found) == {"BelebeleRetrieval", "Tatoeba"}, "MLQA has no language of class 1 or 2"
    ladders = {each["ladder"]: each for each in found["BelebeleRetrieval"]["ladders"]}
    f2llm = ladders["codefuse-ai/F2LLM-v2-*"]
    assert len(f2llm["rungs"]) == 8
    assert f2llm["slope"]["value"] == pytest.approx(-0.057, abs=0.001)
    assert f2llm["slope"]["high"] < 0
    assert not [name for name in ladders if "bge" in name or "gte" in name], "models for English"
