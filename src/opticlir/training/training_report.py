"""The training report of a run, `OUT/run/report.html`: its curves, and the alignment of a few pairs.

The report is drawn from the files of the run folder only, so a resumed run has the same report as an uninterrupted
one. Only rank zero draws it, and no function here may wait for other processes. An error here is a warning: a picture
must not stop a training.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir.data.markup import escaped, isolated
from opticlir.encoder import is_pooled
from opticlir.languages import language_codes, language_name
from opticlir.pictures import (
    LineChart,
    Markup,
    Prose,
    Section,
    Table,
    TokenAlignment,
    alignment_html,
    alignment_strip,
    report_html,
)
from opticlir.records import CutSentences, SentencePair
from opticlir.storage import write_text_atomically
from opticlir.training.events import Evaluated, OnEvent, StepsDone, TrainingEvent
from opticlir.training.examples import align_examples, example_pairs
from opticlir.training.patience import Evaluations
from opticlir.training.processes import is_rank_zero
from opticlir.training.run_folder import RunFolder
from opticlir.training.trainer import UNCONVERGED

logger = logging.getLogger(__name__)

Curve: TypeAlias = tuple[list[float], list[float]]
"""Steps and values."""

_NO_LOSSES = ("step", "validation", "grad_norm", "learning_rate", UNCONVERGED)
_MOST_GRIDS = 8
_SHOWN_SETTINGS = ("language", "method", "stages", "train", "teacher", "student", "batch_size", "seed")
_HOW_ALIGNED = (
    "Held-out sentence pairs: those nearest to ten words in length. Each grid is a transport plan between the "
    "student's words and the teacher's. A row shows how the mass of a foreign word is divided among English "
    "words: the stronger the colour, the more mass. The first grid is the initialised student, the last the "
    "newest; some grids between them are left out."
)
_HOW_FOUND = (
    "Held-out pairs: RR is the mean reciprocal rank of the right English side among all of them, by MaxSim. "
    "Accuracy is the share of pairs in which it is the first."
)


class TrainingReport:
    """Collects the data of the report during a run, and draws the report at every evaluation.

    Args:
        run: the folder of the report.
        held_out: pairs to choose the examples from; may be empty.
        student: the encoder under training.
        teacher: reads the English side.
    """

    def __init__(
        self,
        run: RunFolder,
        held_out: Sequence[SentencePair],
        student: MultiVectorEncoder,
        teacher: MultiVectorEncoder,
    ) -> None:
        self._run, self._student, self._teacher = run, student, teacher
        self._examples = [] if is_pooled(student) else example_pairs(held_out, student)

    def align(self, step: int) -> None:
        """Log the alignments of the examples by the present student. Call it before the evaluation is logged."""
        with _harmless():
            examples = align_examples(self._examples, self._student, self._teacher)
            self._run.report_log.append({"step": step, "examples": examples})

    def watching(self, on_event: OnEvent) -> OnEvent:
        """Return a callback that logs the speed, draws the report at every evaluation, and passes on all events.

        In other processes than rank zero it returns `on_event`.
        """
        if not is_rank_zero():
            return on_event

        def observe(event: TrainingEvent) -> None:
            with _harmless():
                if isinstance(event, StepsDone):
                    speeds = ("step", "pairs_per_second", "tokens_per_second")
                    self._run.report_log.append({name: getattr(event, name) for name in speeds})
                elif isinstance(event, Evaluated):
                    write_text_atomically(self._run.report, training_report(self._run))
            on_event(event)

        return observe


def draw_training_report(run: RunFolder) -> None:
    """Write the training report of a run with the data so far. An error is logged as a warning."""
    with _harmless():
        write_text_atomically(run.report, training_report(run))


def training_report(run: RunFolder) -> str:
    """Return the training report of a run as HTML, from its files.

    Raises:
        ArtefactError: the record of the run is missing or damaged.
    """
    settings, lines = run.settings(), run.read_log()
    evaluations = {line["step"]: line["validation"] for line in lines if "validation" in line}
    language = " and ".join(map(language_name, language_codes(settings["language"])))
    speeds = [line for line in run.report_log.read() if "pairs_per_second" in line]
    alignments = {line["step"]: line["examples"] for line in run.report_log.read() if "examples" in line}
    charts = [
        LineChart("Loss", loss_curves(lines)),
        LineChart("Held-out translations", held_out_curves(lines), top=1.0),
        LineChart("Speed", {"pairs per second": _points(speeds, "pairs_per_second")}),
    ]
    pictures = "\n".join(chart.html() for chart in charts if any(steps for steps, _ in chart.lines.values()))
    sections = [
        Section("The run", [_facts(settings, lines, evaluations, run.read_cut())]),
        Section("Curves", [Markup(f'<div class="charts">{pictures}</div>'), Prose(_HOW_FOUND)]),
    ]
    if examples := list(_examples(alignments)):
        sections.append(Section("Alignment of held-out pairs", [Prose(_HOW_ALIGNED), *examples]))
    return report_html(f"A query encoder for {language}: the training", sections)


def unconverged_share(lines: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the share of the transport plans of a run that did not converge; None without plans.

    Args:
        lines: of the log.
    """
    shares, steps, before = [], [], 0
    for line in lines:
        if UNCONVERGED in line:
            shares.append(line[UNCONVERGED])
            steps.append(line["step"] - before)
        before = line["step"]
    return float(np.average(shares, weights=steps)) if any(steps) else None


@contextmanager
def _harmless() -> Iterator[None]:
    """Keep errors and random draws of the block away from the training."""
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    except Exception as error:  # noqa: BLE001 - no error of a picture may stop the training
        logger.warning("the training report was not updated: %s: %s", type(error).__name__, error)


def _facts(
    settings: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    evaluations: Evaluations,
    cut: CutSentences | None,
) -> Table:
    facts = {name: settings[name] for name in _SHOWN_SETTINGS if settings.get(name) not in (None, [])}
    facts["last step logged"] = max((line["step"] for line in lines), default=0)
    if cut is not None:
        facts["cut sentences"] = str(cut)
    if (share := unconverged_share(lines)) is not None:
        facts["transport plans that did not converge"] = f"{100 * share:.2g} %"
    if evaluations:
        first, last = evaluations[min(evaluations)], evaluations[max(evaluations)]
        for name, value in last.items():
            facts[f"held-out {name}"] = (
                f"{first[name]:.3f} at step {min(evaluations)}, {value:.3f} at {max(evaluations)}"
            )
    return Table(("", ""), [(name, str(fact)) for name, fact in facts.items()])


def _points(lines: Sequence[Mapping[str, Any]], name: str) -> Curve:
    found = [(line["step"], line[name]) for line in lines if name in line]
    return [float(step) for step, _ in found], [float(value) for _, value in found]


def loss_curves(lines: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Return steps and values of each term of the loss, and of their sum (`loss`) if there are several.

    Args:
        lines: of the log.
    """
    names = dict.fromkeys(name for line in lines for name in line if name not in _NO_LOSSES)
    if len(names) == 2:  # the sum and its only part
        names.pop("loss", None)
    return {name: _points(lines, name) for name in names}


def held_out_curves(lines: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Return steps and values of each measure on the held-out pairs.

    Args:
        lines: of the log.
    """
    evaluations = [{"step": line["step"], **line["validation"]} for line in lines if "validation" in line]
    names = dict.fromkeys(name for line in evaluations for name in line if name != "step")
    return {name: _points(evaluations, name) for name in names}


def _examples(alignments: Mapping[int, Sequence[Mapping[str, Any]]]) -> Iterator[Markup]:
    """Yield for each pair its texts, small grids of some evaluations, and the last grid in full."""
    if not alignments:
        return
    steps = sorted(alignments)
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), _MOST_GRIDS)).round().astype(int))
    for number, example in enumerate(alignments[steps[-1]]):
        plans = {steps[index]: _alignment(alignments[steps[index]][number]) for index in chosen}
        strip = alignment_strip({
            f"step {step}: cosine distance {plan.cost:.2f}": plan for step, plan in plans.items()
        })  # fmt: skip
        foreign, english = example["texts"]
        yield Markup(
            f'<h3>{isolated(foreign)}</h3>\n<p class="note">{isolated(english)}</p>\n{strip}\n'
            f"<details><summary>{escaped(f'Step {steps[-1]} in numbers')}</summary>\n"
            f"{alignment_html(plans[steps[-1]])}</details>"
        )


def _alignment(example: Mapping[str, Any]) -> TokenAlignment:
    return TokenAlignment(
        foreign=tuple(example["foreign"]), english=tuple(example["english"]),
        plan=np.array(example["plan"]), cost=example["cost"], is_cut=example["is_cut"],
    )  # fmt: skip
