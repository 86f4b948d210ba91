"""The four files of a report: what they hold, and that what comes from outside is escaped in each."""

import json
import re

import pytest

from opticlir.lab.studies import study_result, write_reports
from opticlir.lab.studies.differences import differences
from opticlir.lab.studies.report import study_sections
from opticlir.lab.studies.scores import measure_runs


@pytest.fixture(scope="module")
def result(finished):
    plan, store, failures = finished
    return study_result(plan, store, failures, draws=200)


@pytest.fixture(scope="module")
def files(result, tmp_path_factory):
    return {path.name: path.read_text() for path in write_reports(result, tmp_path_factory.mktemp("report"))}


def test_every_report_that_was_asked_for_is_there(result):
    titles = [section.title for section in study_sections(result)]
    assert titles == [
        "Question", "Terms", "Effectiveness", "Differences from the baseline", "Gain over the best rival",
        "Gap between groups of languages", "Geometry", "Robustness", "Setup",
    ]  # fmt: skip


def test_the_page_needs_nothing_else(files):
    page = files["report.html"]
    assert page.count("<img ") == page.count('src="data:image/svg+xml') == 4
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "<script" not in page
    assert "Does transport teach more than pooled vectors?" in page


def test_the_tables_say_what_the_runs_hold(result, finished, files):
    plan, store, _ = finished
    found = {
        (each.run.name, each.run.language): each
        for each in measure_runs(plan, store)
        if each.run.seed in (None, 0)
    }
    assert found["ceiling", "swa"].mean("AP") == 1.0
    row = next(line for line in files["report.md"].splitlines() if line.startswith("| ceiling | 1.000"))
    assert row.count("1.000") >= 3, "both languages and their mean"
    values = json.loads(files["results.json"])
    word_table = [
        row for row in values["effectiveness"] if (row["system"], row["measure"]) == ("word_table", "AP")
    ]
    assert [row["mean"] for row in word_table] == [
        found["word_table", code].mean("AP") for code in ("swa", "yor")
    ]
    assert {row["family"] for row in values["differences"]} == {"methods", None}
    assert len([row for row in values["differences"] if row["family"]]) == 3


def test_terms_are_those_that_were_given(result):
    rows = {each.system: each for each in result.terms}
    assert (rows["optical"].pairs, rows["optical"].steps, rows["optical"].runs) == (20, 2, 4)
    assert rows["optical"].parameters > rows["zero-shot"].parameters, "its vocabulary has grown"
    assert (rows["zero-shot"].pairs, rows["zero-shot"].steps) == (None, None)
    assert rows["word_table"].pairs == 20


def test_robustness_is_measured_of_what_can_be_asked_other_words(result):
    assert {row.system for row in result.robustness} == {
        "optical",
        "mse",
        "word_table",
        "structured",
        "zero-shot",
    }
    assert {row.noise for row in result.robustness} == {
        "typos 10 %", "typos 30 %", "code switch 50 %", "drop diacritics"
    }  # fmt: skip
    unmarked = [row for row in result.robustness if row.noise == "drop diacritics"]
    assert all((row.drop, row.overlap, row.changed) == (0, pytest.approx(1), 0) for row in unmarked), (
        "there are none to drop"
    )


def test_disturbed_questions_have_their_differences(result, files):
    compared = [each for each in result.differences if each.measure == "AP, typos 30 %"]
    assert {each.system for each in compared} == {"mse", "word_table", "structured", "zero-shot"}, (
        "the ceiling is not asked"
    )
    assert "| AP, typos 30 %; all languages | mse |" in files["report.md"]


def test_a_part_of_the_languages_is_not_called_all(finished, tmp_path):
    plan, store, _ = finished
    (task, _), *_ = plan.languages
    longer = type(plan)(**{**vars(plan), "languages": (*plan.languages, (task, "hau"))})
    pages = {
        path.name: path.read_text() for path in write_reports(study_result(longer, store, draws=50), tmp_path)
    }
    assert "| 2 of 3 languages | mse |" in pages["report.md"]
    assert all("all languages" not in page.replace("all languages together", "") for page in pages.values())


def test_geometry_is_measured_of_what_has_a_space(result):
    assert {row.system for row in result.geometry} == {"optical", "mse", "zero-shot"}


def test_markdown_tables_are_whole(files):
    for block in files["report.md"].split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
        assert len(widths) <= 1, block


def test_latex_is_balanced_and_escaped(files):
    text = files["report.tex"]
    opened, closed = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert opened == closed == ["longtable"] * len(opened)
    assert len(opened) >= 6
    bare = re.sub(r"\\[&%$#_{}]", "", text)
    body = "\n".join(line for line in bare.splitlines() if not line.startswith("%"))
    assert not re.search(r"[%$#_]", body)
    assert body.count("{") == body.count("}")
    assert r"word\_table" in text
    for table in re.findall(r"\\toprule\n(.*?)\\bottomrule", bare, flags=re.DOTALL):
        rows = [line for line in table.splitlines() if line.endswith(r"\\")]
        assert len({row.count("&") for row in rows}) == 1, table


def test_what_the_file_says_is_escaped(finished, tmp_path):
    plan, store, _ = finished
    study = type(plan.study)(
        **{**vars(plan.study), "question": "<b>5 % of a|b & $c_d$</b>", "reports": ("effectiveness",)}
    )
    marked = type(plan)(**{**vars(plan), "study": study})
    files = {
        path.name: path.read_text() for path in write_reports(study_result(marked, store, draws=50), tmp_path)
    }
    assert "&lt;b&gt;5 % of a|b &amp; $c_d$" in files["report.html"]
    assert r"\<b>5 % of a\|b \& $c\_d$" in files["report.md"]
    assert r"<b>5 \% of a|b \& \$c\_d\$" in files["report.tex"]


def test_nothing_computed_is_said(finished, tmp_path):
    from opticlir.lab.studies import RunStore

    plan, *_ = finished
    result = study_result(plan, RunStore(tmp_path / "nowhere"), draws=50)
    assert differences(plan, [], draws=50) == []
    pages = {path.name: path.read_text() for path in write_reports(result, tmp_path)}
    assert "There is no comparison" in pages["report.html"]
