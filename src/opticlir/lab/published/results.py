"""Reads published results: `results.tsv[.gz]` with a score per task, model and pair of languages, and `models.tsv`."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.visible import shown

_RESULTS = ("task", "model", "subset", "measure", "value")
_MODELS = ("model", "parameters")
_TABLES = ("results.tsv", "results.tsv.gz")
ENGLISH = "eng"


@dataclass(frozen=True, kw_only=True)
class PublishedTask:
    """The scores of many models in one task."""

    name: str
    measure: str
    scores: dict[str, dict[str, float]]
    """Score by language (ISO 639-3), by model."""


def read_published(folder: Path) -> tuple[list[PublishedTask], dict[str, float]]:
    """Read the results and the sizes of the models.

    A pair of languages is `eng_Latn-hau_Latn` or `hau-eng`: English and another language, in either order. A language
    counts once. Of several scripts, one that is not Latin counts: people who type it in Latin letters are another
    group. Of several varieties with one code, the first in the alphabet counts.

    Args:
        folder: holds `results.tsv` or `results.tsv.gz`, and `models.tsv`.

    Returns:
        The tasks, and the number of parameters by model; a model of unknown size is left out.

    Raises:
        DataError: a file is missing or malformed, or a score is given twice.
    """
    table = next((path for name in _TABLES if (path := folder / name).exists()), folder / _TABLES[0])
    found: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for place, (task, model, subset, measure, written) in _rows(table, _RESULTS):
        by_tag = found.setdefault((task, measure), {}).setdefault(model, {})
        if (tag := _other_language(subset, place)) in by_tag:
            raise DataError(f"{place}: {task} of {model} in {subset} is given twice: keep one row")
        by_tag[tag] = _number(written, f"{place}: value")
    tasks = [
        PublishedTask(
            name=task, measure=measure, scores={model: _by_code(each) for model, each in models.items()}
        )
        for (task, measure), models in found.items()
    ]
    sizes = {
        model: _number(written, f"{place}: parameters")
        for place, (model, written) in _rows(folder / "models.tsv", _MODELS)
        if written
    }
    return tasks, sizes


def _rows(path: Path, header: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield the place and the first fields of each row."""
    for number, line in read_lines(path):
        values = line.split("\t")[: len(header)]
        if number == 1:
            if tuple(values) != header:
                raise DataError(
                    f"{path}: line 1: expected the columns {', '.join(header)}, found {shown(line)}"
                )
        elif len(values) < len(header):
            raise DataError(f"{path}: line {number}: expected {len(header)} columns, found {len(values)}")
        else:
            yield f"{path}: line {number}", values


def _number(written: str, what: str) -> float:
    try:
        value = float(written)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{what} is {shown(written)}: expected a number")
    return value


def _other_language(subset: str, place: str) -> str:
    """Return the side that is not English, with its script; `eng_Latn` if both are English."""
    first, dash, second = subset.partition("-")
    sides = [side for side in (first, second) if language_code(side) != ENGLISH] if dash else []
    if not dash or len(sides) > 1:
        raise DataError(f"{place}: subset is {shown(subset)}: expected English and one other language")
    return sides[0] if sides else first


def _by_code(scores: dict[str, float]) -> dict[str, float]:
    """Return the scores by language alone: one script and one variety of each."""
    found: dict[str, float] = {}
    for tag in sorted(scores, key=lambda tag: (tag.endswith("_Latn"), tag)):
        found.setdefault(language_code(tag), scores[tag])
    return found
