"""Ladders: models of one series in several sizes, recognised by their names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from opticlir.lab.published.resource_class import HIGH_CLASS, resource_class
from opticlir.lab.published.results import ENGLISH

_SIZE = re.compile(
    r"(?<=[-_])(?:\d+(?:\.\d+)?[mb]|nano|micro|tiny|xs|small|base|large|s|m|l)(?=[-_]|$)", re.IGNORECASE
)
_FEWEST_SIZES = 3
LEAST_HIGH = 0.5
"""A model that scores less in languages with much text is no multilingual one."""


class Rung(NamedTuple):
    """A model of a ladder."""

    model: str
    parameters: float
    scores: Mapping[str, float]
    """By language."""


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Models of one series that differ in size."""

    name: str
    rungs: tuple[Rung, ...]
    """The smallest first; at least three, of three sizes."""
    languages: tuple[str, ...]
    """Those with a score on every rung, without English."""


def find_ladders(scores: Mapping[str, Mapping[str, float]], parameters: Mapping[str, float]) -> list[Ladder]:
    """Find models whose names differ only in a size, such as `F2LLM-v2-80M` and `F2LLM-v2-14B`.

    A ladder has three sizes or more. Each of its models scores at least `LEAST_HIGH` on average in languages of class
    4 and 5: models for English alone say nothing about a gap between languages.

    Args:
        scores: score by language, by model.
        parameters: number of parameters by model.

    Returns:
        The ladders, that with the most models first.
    """
    families: dict[str, list[Rung]] = {}
    for model in sorted(scores.keys() & parameters.keys()):
        name, n_sizes = _SIZE.subn("*", model)
        if n_sizes == 1:
            families.setdefault(name, []).append(Rung(model, parameters[model], scores[model]))
    ladders = []
    for name, rungs in families.items():
        languages = sorted(set.intersection(*(set(rung.scores) for rung in rungs)) - {ENGLISH})
        high = [code for code in languages if (resource_class(code) or 0) >= HIGH_CLASS]
        is_multilingual = high and all(
            sum(rung.scores[code] for code in high) >= LEAST_HIGH * len(high) for rung in rungs
        )
        if is_multilingual and len({rung.parameters for rung in rungs}) >= _FEWEST_SIZES:
            ordered = tuple(sorted(rungs, key=lambda rung: rung.parameters))
            ladders.append(Ladder(name=name, rungs=ordered, languages=tuple(languages)))
    return sorted(ladders, key=lambda ladder: (-len(ladder.rungs), ladder.name))
