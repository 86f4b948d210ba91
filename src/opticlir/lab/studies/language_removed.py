"""An encoder as it is, but for the language in its space: LIR and LSAR as arms of a study."""

from dataclasses import dataclass
from typing import Any, ClassVar

from opticlir.encoder import load_model
from opticlir.errors import DataError
from opticlir.lab.probes.language_removal import remove_language
from opticlir.lab.studies.contents import encoder_content
from opticlir.lab.studies.systems import Bitext, Prepared, Question, Workshop, query_parameters, ranker

SENTENCES = 10_000
"""Most pairs of a bitext that are read, taken at even distances: what a large one costs is bounded."""


@dataclass(frozen=True, kw_only=True)
class LanguageRemoved:
    """Zero-shot, with the language of questions and documents taken out by a linear map."""

    model: str
    how: str
    """`lir` or `lsar`."""
    rank: int
    bitext: Bitext
    answers_other_words: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """The encoder, the bitext, and what is taken out."""
        return {
            "model": encoder_content(self.model), "remove": [self.how, self.rank, SENTENCES],
            "bitext": self.bitext.content(),
        }  # fmt: skip

    def prepare(self, question: Question, workshop: Workshop) -> Prepared:
        """Find the language in the space and take it out; the documents then have an index of their own."""
        model, pairs = load_model(self.model), self.bitext.read()
        distance = -(-len(pairs) // SENTENCES)
        chosen = pairs[::distance] if pairs else []
        try:
            without = remove_language(
                model, chosen, how=self.how, rank=self.rank,
                progress=lambda done, total: workshop.progress("reading sentences", done, total),
            )  # fmt: skip
        except ValueError as error:
            raise DataError(f"{self.model}: remove = {self.how!r}: {error}") from error
        return Prepared(
            rank=ranker(without, question, workshop),
            facts={"pairs": len(chosen), "parameters": query_parameters(model)},
            model=without,
        )
