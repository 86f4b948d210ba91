"""Questions as they might have been typed: one perturbation of all questions of a task, the same for every arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from opticlir.lab.probes.perturbations import code_switch, drop_diacritics, drop_words, romanised, typos
from opticlir.lab.rivals import Dictionary, WordTable
from opticlir.records import Query
from opticlir.words import uncased_words

RATED = ("typos", "drop_words", "code_switch")
"""Perturbations that change a stated share of a question."""
WHOLE = ("drop_diacritics", "romanised")
"""Perturbations that are done or not done."""
BY_MEANING = "code_switch"
"""The one that needs to know what words mean."""

_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """What is done to a question."""

    kind: str
    """One of `RATED` or `WHOLE`."""
    rate: float | None = None
    """Share of the letters (typos) or words that are changed; None of those of `WHOLE`."""

    def __post_init__(self) -> None:
        if self.kind not in (*RATED, *WHOLE):
            raise ValueError(f"no perturbation {self.kind!r}: there are {', '.join((*RATED, *WHOLE))}")
        if (self.kind in RATED) != (self.rate is not None):
            raise ValueError(f"{self.kind} with rate {self.rate}: expected one for {', '.join(RATED)} alone")
        if self.rate is not None and not 0 < self.rate <= 1:
            raise ValueError(f"the rate of {self.kind} is {self.rate}: expected a share above 0, at most 1")

    @property
    def label(self) -> str:
        """As a table says it: `typos 10 %`."""
        name = self.kind.replace("_", " ")
        return name if self.rate is None else f"{name} {100 * self.rate:g} %"

    @property
    def slug(self) -> str:
        """As a file name holds it: `typos-0.1`."""
        return self.kind if self.rate is None else f"{self.kind}-{self.rate:g}"

    def apply(self, queries: Sequence[Query], meanings: Mapping[str, str]) -> list[Query]:
        """The perturbed questions, in their order; drawn from a fixed seed, so that all arms are asked the same.

        Args:
            queries: what is asked.
            meanings: word of a question, lower case -> English, for `code_switch`; see `known_meanings`.
        """
        generator = np.random.default_rng(_SEED)
        return [replace(query, text=self._changed(query.text, meanings, generator)) for query in queries]

    def _changed(self, text: str, meanings: Mapping[str, str], generator: np.random.Generator) -> str:
        if self.kind == "drop_diacritics":
            return drop_diacritics(text)
        if self.kind == "romanised":
            return romanised(text)
        rate = self.rate or 0.0
        if self.kind == "code_switch":
            return code_switch(text, meanings, rate, generator)
        return (typos if self.kind == "typos" else drop_words)(text, rate, generator)


STANDARD = (
    Perturbation(kind="typos", rate=0.05),
    Perturbation(kind="typos", rate=0.1),
    Perturbation(kind="drop_diacritics"),
    Perturbation(kind="romanised"),
    Perturbation(kind="drop_words", rate=0.2),
    Perturbation(kind="code_switch", rate=0.2),
    Perturbation(kind="code_switch", rate=0.4),
)
"""Those that `opticlir robustness` asks about."""


def n_changed(before: Sequence[Query], after: Sequence[Query]) -> int:
    """How many questions are not what they were: of few letters or words a small share rounds to none.

    Example:
        >>> asked = [Query("a", "homa ya mbu", "swa"), Query("b", "dalili za malaria kwa watoto", "swa")]
        >>> n_changed(asked, Perturbation(kind="typos", rate=0.05).apply(asked, {}))
        1
    """
    return sum(old.text != new.text for old, new in zip(before, after, strict=True))


def known_meanings(table: WordTable | Dictionary, queries: Sequence[Query]) -> dict[str, str]:
    """English of the words of questions that a word table or a dictionary knows, as `code_switch` looks them up.

    Example:
        >>> from opticlir.records import SentencePair
        >>> table = WordTable.learn([SentencePair("fever", "homa"), SentencePair("the fever", "homa hii")])
        >>> known_meanings(table, [Query("q", "Homa? Sijui", "swa")])
        {'homa?': 'fever ?'}
    """
    found = {}
    for word in {word.casefold() for query in queries for word in query.text.split()}:
        if any(piece.isalnum() and table.knows(piece) for piece in uncased_words(word)):
            found[word] = table.translate(word)
    return found
