"""The report on published ladders: a picture, tables, and the figures as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from opticlir.errors import DataError
from opticlir.lab.pictures.lines_by_size import SizedPoint, lines_by_size, shown_size
from opticlir.lab.published.gap_by_size import Estimate, LadderGap, ladder_gap
from opticlir.lab.published.ladders import LEAST_HIGH, find_ladders
from opticlir.lab.published.results import PublishedTask, read_published
from opticlir.lab.studies.report_text import sections_markdown
from opticlir.pictures import Image, Picture, Prose, Section, Table, report_html
from opticlir.storage import write_bytes_atomically, write_text_atomically
from opticlir.storage.filesystem import make_folders, refusals_named

SIZES = (1e9, 7e9, 13e9)
"""Numbers of parameters that question 2 names."""
_QUESTION = (
    "Do larger models of one series narrow the gap between languages with much and with little text? The gap is the "
    "mean over languages of class 4 and 5 (Joshi et al. 2020), without English, minus the mean over class 1 and 2."
)
_AXES = ("parameters", "gap: high minus low")


@dataclass(frozen=True, kw_only=True)
class TaskGaps:
    """The gaps of all ladders in one task."""

    task: str
    measure: str
    ladders: tuple[LadderGap, ...]


def published_gaps(folder: Path, *, draws: int = 10_000) -> list[TaskGaps]:
    """Fit the gap of every ladder in every task that has languages of both groups.

    Args:
        folder: the published results; see `read_published`.
        draws: bootstrap draws over languages.

    Raises:
        DataError: the files are missing or malformed, or there is no ladder.
    """
    tasks, parameters = read_published(folder)
    found = [
        TaskGaps(task=task.name, measure=task.measure, ladders=gaps)
        for task in tasks
        if (gaps := _gaps(task, parameters, draws))
    ]
    if not found:
        raise DataError(
            f"{folder}: no ladder: expected three models or more whose names differ only in a size, a mean of at least "
            f"{LEAST_HIGH} in languages of class 4 and 5, and two languages of class 1 or 2"
        )
    return found


def _gaps(task: PublishedTask, parameters: dict[str, float], draws: int) -> tuple[LadderGap, ...]:
    ladders = find_ladders(task.scores, parameters)
    every = (ladder_gap(each, sizes=SIZES, draws=draws) for each in ladders)
    return tuple(each for each in every if each is not None)


def write_gap_report(found: Sequence[TaskGaps], out: Path) -> list[Path]:
    """Write `report.html`, `report.md`, `results.json` and `gap.png`. Each file is replaced as a whole.

    Args:
        found: what `published_gaps` returns.
        out: a folder; it is made.

    Returns:
        The files.

    Raises:
        SetupError: matplotlib is not installed.
        ArtefactError: a file cannot be written.
    """
    title = "Question 2: published ladders"
    drawn = Picture(gap_picture(found, "svg"), _alternative(found), "Bars: 95 % intervals over languages.")
    sections = [
        Section("Question", [Prose(_QUESTION)]),
        Section("Picture", [drawn]),
        Section("Slope of the gap", [_slopes(found)]),
        Section("Gain of each class", [_classes(found)]),
        *(Section(f"Models: {each.task}", [_rungs(each)]) for each in found),
    ]  # fmt: skip
    values = json.dumps([asdict(each) for each in found], ensure_ascii=False, indent=2)
    texts = {
        "report.html": report_html(title, sections),
        "report.md": sections_markdown(title, sections),
        "results.json": values + "\n",
    }
    picture = gap_picture(found, "png")
    with refusals_named(out):
        make_folders(out)
    for name, text in texts.items():
        write_text_atomically(out / name, text)
    write_bytes_atomically(out / "gap.png", picture.data)
    return [out / name for name in (*texts, "gap.png")]


def gap_picture(found: Sequence[TaskGaps], kind: str) -> Image:
    """Draw the gap of every model against its size, a panel per task."""
    panels = {
        f"{each.task}, {each.measure}": {
            ladder.ladder: [
                SizedPoint(rung.parameters, rung.gap.value, rung.gap.low, rung.gap.high)
                for rung in ladder.rungs
            ]
            for ladder in each.ladders
        }
        for each in found
    }
    return lines_by_size(panels, _AXES, "png" if kind == "png" else "svg")


def _alternative(found: Sequence[TaskGaps]) -> str:
    n_lines = sum(len(each.ladders) for each in found)
    return f"{n_lines} lines: the gap between languages by the number of parameters, one line per ladder of models"


def _slopes(found: Sequence[TaskGaps]) -> Table:
    rows: list[list[str | float | int | None]] = [
        [each.task, ladder.ladder, len(ladder.rungs), _shown(ladder.slope),
         *(_shown(ladder.at.get(size)) for size in SIZES)]
        for each in found
        for ladder in each.ladders
    ]  # fmt: skip
    return Table(
        ("task", "ladder", "models", "slope", "gap at 1B", "gap at 7B", "gap at 13B"),
        rows,
        "Slope: change of the gap when the parameters grow tenfold; below 0 the gap narrows. The gap at a size is read "
        "from the fitted line, and empty outside of the ladder. In brackets: 95 % bootstrap intervals over languages.",
    )


def _classes(found: Sequence[TaskGaps]) -> Table:
    numbers = sorted(
        {n for each in found for ladder in each.ladders for n in ladder.slope_by_class}, reverse=True
    )
    rows: list[list[str | float | int | None]] = [
        [each.task, ladder.ladder, *(_shown(ladder.slope_by_class.get(number)) for number in numbers)]
        for each in found
        for ladder in each.ladders
    ]
    counts = "; ".join(
        f"{each.task}: "
        + ", ".join(f"{number}: {n}" for number, n in each.ladders[0].languages_by_class.items())
        for each in found
    )
    return Table(
        ("task", "ladder", *(f"class {number}" for number in numbers)),
        rows,
        f"Change of the mean score of a class when the parameters grow tenfold. Languages by class: {counts}.",
    )


def _rungs(found: TaskGaps) -> Table:
    rows: list[list[str | float | int | None]] = [
        [rung.model, shown_size(rung.parameters), rung.high, rung.low, _shown(rung.gap), rung.low / rung.high]
        for ladder in found.ladders
        for rung in ladder.rungs
    ]
    sizes = ", ".join(
        sorted({f"{each.n_high} with much and {each.n_low} with little text" for each in found.ladders})
    )
    return Table(
        ("model", "parameters", "high", "low", "gap", "low / high"),
        rows,
        f"{found.measure}, means over languages: {sizes}.",
    )


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"
