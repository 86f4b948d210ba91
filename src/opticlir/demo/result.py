"""The result of a demo: measures by language and system, a few searches, and the facts of the run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opticlir.languages import language_name
from opticlir.pictures import TokenAlignment
from opticlir.search import Ranking

SYSTEMS: Mapping[str, Ranking] = {
    "teacher-alone": "dense",
    "initialised": "dense",
    "opticlir": "hybrid",
    "english-question": "dense",
}
"""The systems of the headline, each with its ranking.

Only opticlir's default ranking uses BM25. The other three rows show what the vectors alone can do.
"""

GRADES = {2: "answers it", 1: "helps", 0: "does not answer it"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    language: str
    system: str
    ranking: Ranking
    measures: dict[str, float]


@dataclass(frozen=True, slots=True)
class DemoHit:
    """A passage that was found."""

    doc_id: str
    title: str
    grade: int | None
    """2 answers the question, 1 helps, 0 does not. None is not judged and counts as 0."""

    @property
    def verdict(self) -> str:
        """The judgement in words."""
        return "not judged" if self.grade is None else GRADES[self.grade]


@dataclass(frozen=True, slots=True)
class WorkedSearch:
    """One question, its hits, and its alignment with the English question."""

    language: str
    question: str
    english: str
    hits: tuple[DemoHit, ...]
    alignment: TokenAlignment


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """All that the demo shows."""

    rows: tuple[Row, ...]
    """By language: the systems of `SYSTEMS`, and other rankings to compare them with."""
    searches: tuple[WorkedSearch, ...]
    logs: dict[str, Sequence[Mapping[str, Any]]]
    """The training log of each language."""
    facts: dict[str, str]
    """Sizes, settings and versions, by name."""

    @property
    def headline(self) -> list[Row]:
        """The four systems of each language, as `opticlir demo --json` prints them."""
        return [row for row in self.rows if SYSTEMS.get(row.system) == row.ranking]

    def comparisons(self) -> list[str]:
        """Return one sentence per language: opticlir's AP against the teacher alone and the English question."""
        found = {(row.language, row.system): row.measures["AP"] for row in self.headline}
        return [
            _comparison(language, ap, found[language, "teacher-alone"], found[language, "english-question"])
            for (language, system), ap in found.items()
            if system == "opticlir"
        ]


def _comparison(language: str, ap: float, alone: float, english: float) -> str:
    times = f"{ap / alone:.1f} times that of the teacher alone" if alone else "against 0 of the teacher alone"
    share = (
        f"{ap / english:.0%} of the English question's" if english else "against 0 of the English question"
    )
    return f"{language_name(language)}: opticlir's AP is {ap:.3f}, {times} and {share}."
