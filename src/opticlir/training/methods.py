"""A training method as text: a weighted sum of objectives, or several in stages."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from opticlir.settings import did_you_mean, setting
from opticlir.training.objectives import OBJECTIVES


def parse_method(text: str, known: Collection[str] = OBJECTIVES) -> dict[str, float]:
    """Return the weight of each objective of a method such as `optical+0.3*score_kl`. The default weight is 1.

    Args:
        text: the method.
        known: names of all objectives.

    Raises:
        ValueError: an objective is unknown (the message has the nearest known one) or comes twice; or a weight is
            not a finite number above 0.

    Example:
        >>> parse_method("optical + 0.3*score_kl")
        {'optical': 1.0, 'score_kl': 0.3}
    """
    weights: dict[str, float] = {}
    for term in text.split("+"):
        head, star, name = (part.strip() for part in term.rpartition("*"))
        if name not in known:
            where = f"unknown method {text!r}" + ("" if name == text else f": unknown objective {name!r}")
            raise ValueError(
                f"{where}{did_you_mean(name, known)}; there are {', '.join(known)}, and sums of them such as "
                "optical+0.3*score_kl"
            )
        if name in weights:
            raise ValueError(f"method {text!r} names {name} twice: name it once, with the sum of the weights")
        weights[name] = _weight(head, text) if star else 1.0
    return weights


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A method for a part of the training."""

    method: str = setting(help="As `method`.")
    share: float = setting(help="Share of the steps, above 0 and at most 1.")

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(
                f"the share of stage {self.method!r} is {self.share}: expected above 0, at most 1"
            )

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each objective."""
        terms = (term.rpartition("*") for term in self.method.split("+"))
        return {name.strip(): float(head) if star else 1.0 for head, star, name in terms}


def parse_stages(text: str, known: Collection[str] = OBJECTIVES) -> tuple[Stage, ...]:
    """Read methods separated by commas. They follow one another, each for an equal share of the steps.

    Args:
        text: the methods.
        known: names of all objectives.

    Raises:
        ValueError: see `parse_method`.

    Example:
        >>> [(stage.method, stage.share) for stage in parse_stages("optical,contrastive")]
        [('optical', 0.5), ('contrastive', 0.5)]
    """
    methods = [method.strip() for method in text.split(",")]
    for method in methods:
        parse_method(method, known)
    return tuple(Stage(method=method, share=1 / len(methods)) for method in methods)


def check_stages(stages: Sequence[Stage]) -> None:
    """Raise ValueError if the shares of the stages do not sum to 1."""
    total = math.fsum(stage.share for stage in stages)
    if not math.isclose(total, 1.0, abs_tol=1e-6):
        raise ValueError(f"the shares of the stages sum to {total:g}: expected 1")


def first_steps(stages: Sequence[Stage], steps: int) -> list[int]:
    """Return the first step of each stage, of `steps` planned steps; that of the first stage is 0.

    Only the plan decides it, so a resumed run changes stages at the same step.

    Example:
        >>> first_steps([Stage(method="contrastive", share=0.3), Stage(method="optical", share=0.7)], 50)
        [0, 15]
    """
    ends = accumulate(stage.share for stage in stages)
    return [0, *(round(end * steps) for end in ends)][: len(stages)]


def objective_names(stages: Iterable[Stage]) -> list[str]:
    """Return all objectives of some stages, each once."""
    return list(dict.fromkeys(name for stage in stages for name in stage.weights))


def describe(stages: Sequence[Stage]) -> str:
    """Describe stages in words.

    Example:
        >>> describe([Stage(method="contrastive", share=0.3), Stage(method="optical", share=0.7)])
        'contrastive (30 % of the steps), then optical (70 % of the steps)'
    """
    if len(stages) == 1:
        return stages[0].method
    return ", then ".join(f"{stage.method} ({100 * stage.share:g} % of the steps)" for stage in stages)


def _weight(text: str, method: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ValueError(f"method {method!r} has the weight {text!r}: expected a finite number above 0")
    return weight
