"""What a demo comes to: one row per language and system, a few searches to look at, and how it was made."""

from collections.abc import Mapping
from dataclasses import dataclass

from opticlir.languages import language_name
from opticlir.pictures import TokenAlignment, TrainingCurves
from opticlir.search import Ranking

SYSTEMS: Mapping[str, Ranking] = {
    "teacher-alone": "dense",
    "initialised": "dense",
    "opticlir": "hybrid",
    "english-question": "dense",
}
"""The systems that are compared, each with the ranking it is judged by.

BM25 of untranslated words belongs to opticlir's default and to nothing else here: the teacher alone, the
initialisation and the English question stand for what the vectors alone can do.
"""

GRADES = {2: "answers it", 1: "helps", 0: "does not answer it"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

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
    """2 answers the question, 1 helps, 0 does not; None was not judged and counts as 0."""

    @property
    def verdict(self) -> str:
        """The judgement in words."""
        return "not judged" if self.grade is None else GRADES[self.grade]


@dataclass(frozen=True, slots=True)
class WorkedSearch:
    """One question, what was found, and how the model read the question."""

    language: str
    question: str
    english: str
    hits: tuple[DemoHit, ...]
    alignment: TokenAlignment


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """Everything that a demo shows."""

    rows: tuple[Row, ...]
    """By language; those of `SYSTEMS`, and beside them what helps to judge them."""
    searches: tuple[WorkedSearch, ...]
    curves: dict[str, TrainingCurves]
    """By language."""
    facts: dict[str, str]
    """What was run, by name: sizes, settings, versions."""

    @property
    def headline(self) -> list[Row]:
        """The four systems per language, each by its own ranking: what `opticlir demo --json` prints."""
        return [row for row in self.rows if SYSTEMS.get(row.system) == row.ranking]

    def comparisons(self) -> list[str]:
        """One sentence per language: opticlir's AP against the teacher alone and the English question."""
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
