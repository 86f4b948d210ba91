"""Language removal (LIR and LSAR) as a system of a study."""

from dataclasses import dataclass
from typing import Any, ClassVar

from opticlir.encoder import load_model
from opticlir.errors import DataError
from opticlir.lab.probes.language_removal import remove_language
from opticlir.lab.studies.contents import encoder_content
from opticlir.lab.studies.systems import Bitext, PreparedSystem, Request, Workspace, query_parameters, ranker

SENTENCES = 10_000
"""Most pairs of a bitext that are used, taken at even distances."""


@dataclass(frozen=True, kw_only=True)
class LanguageRemoved:
    """An encoder without training, with the language of questions and documents removed by a linear map."""

    model: str
    how: str
    """`lir` or `lsar`."""
    rank: int
    bitext: Bitext
    takes_query_noise: ClassVar[bool] = True

    def content(self) -> dict[str, Any]:
        """Return the encoder, the bitext and the settings of the removal."""
        return {
            "model": encoder_content(self.model), "remove": [self.how, self.rank, SENTENCES],
            "bitext": self.bitext.content(),
        }  # fmt: skip

    def prepare(self, request: Request, workspace: Workspace) -> PreparedSystem:
        """Learn the map. The documents then need an index of their own."""
        model, pairs = load_model(self.model), self.bitext.read()
        distance = -(-len(pairs) // SENTENCES)
        chosen = pairs[::distance] if pairs else []
        try:
            without = remove_language(
                model, chosen, how=self.how, rank=self.rank,
                progress=workspace.progress,
            )  # fmt: skip
        except ValueError as error:
            raise DataError(f"{self.model}: remove = {self.how!r}: {error}") from error
        return PreparedSystem(
            rank=ranker(without, request, workspace),
            counts={"pairs": len(chosen), "parameters": query_parameters(model)},
            model=without,
        )
