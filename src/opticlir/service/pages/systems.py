"""Two systems side by side for one question: models with a ranking, and keywords alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from opticlir.errors import SettingsError
from opticlir.search import Ranking
from opticlir.service.answers import HitAnswer, SearchAnswer
from opticlir.service.engine import SearchEngine

KEYWORDS = "bm25"


@dataclass(frozen=True, slots=True)
class System:
    """What ranks documents."""

    key: str
    """Its name in an address: `swa`, `swa:dense`, `bm25`."""
    model: str | None
    """None for keywords alone."""
    ranking: Ranking
    codes: tuple[str, ...] = ()
    """ISO 639-3 codes of the languages that the model reads."""


@dataclass(frozen=True, slots=True)
class RankedHit:
    """A document and its rank in the other list."""

    hit: HitAnswer
    elsewhere: int | None
    """None where the other list does not hold it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rankings of the same question."""

    left: tuple[RankedHit, ...]
    right: tuple[RankedHit, ...]

    @property
    def n_shared(self) -> int:
        """Documents in both lists."""
        return sum(each.elsewhere is not None for each in self.left)


def systems(engine: SearchEngine) -> dict[str, System]:
    """Name everything that can be compared: each model with BM25 and by its vectors alone, and BM25 alone."""
    rankings: dict[str, Ranking] = {"": "hybrid", ":dense": "dense"}
    found = [
        System(f"{model.name}{suffix}", model.name, ranking, model.codes)
        for model in engine.served
        for suffix, ranking in rankings.items()
    ]
    return {system.key: system for system in (*found, System(KEYWORDS, None, "bm25"))}


def system_named(known: dict[str, System], key: str) -> System:
    """Look a system up.

    Raises:
        SettingsError: there is no such system.
    """
    if key not in known:
        raise SettingsError(f"no system {key!r}: expected one of {', '.join(known)}")
    return known[key]


def comparison(left: SearchAnswer, right: SearchAnswer) -> Comparison:
    """Join two answers to the same question."""
    return Comparison(_joined(left.hits, right.hits), _joined(right.hits, left.hits))


def _joined(hits: Sequence[HitAnswer], others: Sequence[HitAnswer]) -> tuple[RankedHit, ...]:
    ranks = {hit.doc_id: hit.rank for hit in others}
    return tuple(RankedHit(hit, ranks.get(hit.doc_id)) for hit in hits)
