"""Distil a student with the settings of the laboratory."""

from collections.abc import Sequence
from pathlib import Path

from opticlir.lab.training.config import LabTrainConfig
from opticlir.lab.training.extension import LabExtension
from opticlir.records import SentencePair
from opticlir.training.distil import distil as distil_with
from opticlir.training.events import OnEvent, silent
from opticlir.training.outcome import Outcome


def distil(
    config: LabTrainConfig,
    pairs: Sequence[SentencePair],
    out: Path,
    *,
    dictionary: Sequence[SentencePair] = (),
    inputs: dict[str, str] | None = None,
    command: str = "",
    on_event: OnEvent = silent,
) -> Outcome:
    """Train a query encoder from bitext. Arguments, result and errors as in `opticlir.training.distil`."""
    return distil_with(
        config, pairs, out, dictionary=dictionary, inputs=inputs, command=command, on_event=on_event,
        extension=LabExtension(config),
    )  # fmt: skip
