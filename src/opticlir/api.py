"""The functions behind `opticlir.train`, `opticlir.evaluate` and `opticlir.align`, for scripts and notebooks."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opticlir.cli.libraries import quieten
from opticlir.cli.progress import progress_bars
from opticlir.data import bitext_files, read_bitext
from opticlir.data.in_memory import PairLike, pairs_of, refuse_one_text
from opticlir.errors import DataError, SettingsError
from opticlir.evaluation import DEFAULT_MEASURES, mean_scores
from opticlir.evaluation import evaluate as scores_by_query
from opticlir.languages import language_code
from opticlir.manifest import input_checksums
from opticlir.pictures import TokenAlignment, align_texts
from opticlir.records import Qrels, Run, SentencePair
from opticlir.search.retriever import Model, loaded
from opticlir.training import OnEvent, Outcome, distil, make_config
from opticlir.training.events import silent


@dataclass(frozen=True)
class TrainedModel:
    """A trained model on disk: pass it to `Retriever.build`, `Retriever.open` or `load`."""

    folder: Path
    """The model folder; `folder/run/report.html` shows the training."""
    outcome: Outcome
    """Steps, and measures on held-out pairs before and after."""

    def __fspath__(self) -> str:
        return str(self.folder)


def train(
    pairs: Iterable[PairLike] | str | Path,
    *,
    language: str,
    out: str | Path,
    progress: bool = False,
    **settings: Any,
) -> TrainedModel:
    """Train a query encoder for a language from sentence pairs.

    Interrupted? Call it again with the same arguments to resume. A finished model is returned as it is.

    Args:
        pairs: `(english, foreign)` tuples, `SentencePair` records, or a bitext file in any format of
            `opticlir train --bitext`.
        language: of the foreign side, ISO 639-3 (`hau`) or any code in use.
        out: the model folder.
        progress: draw progress bars in the terminal or notebook.
        settings: of `TrainConfig`, for example `minutes=15`, `teacher="minilm"` or `device="cpu"`.

    Raises:
        DataError: there is no pair, or the bitext file is malformed.
        ArtefactError: `out` holds a model of other pairs or settings, or something else.
        SettingsError: a setting or language code is unknown, or a value is wrong; it is a `ValueError` too.
        SetupError: this machine has no such device, or a package or disk space is missing.
        ValueError: a pair has a blank side.
        TypeError: a pair is not two texts.
        FloatingPointError: a loss or a gradient is not finite; the last checkpoint is kept.

    Example:
        `opticlir.train([("water", "ruwa"), ("fever", "zazzabi")], language="hau", out="hausa", minutes=5)`
    """
    code = language_code(language)
    try:
        config = make_config({"language": code, **settings}, source="train()")
    except DataError as error:  # no file is wrong here
        raise SettingsError(str(error)) from None
    inputs: dict[str, str] = {}
    if isinstance(pairs, str | Path):
        bitext = Path(pairs)
        found = list(read_bitext(bitext, language=code))
        inputs = input_checksums(bitext_files(bitext, language=code))
    else:
        found = pairs_of(pairs)
        inputs = {"pairs": _checksum(found)}
    quieten()
    folder = Path(out)
    with ExitStack() as stack:
        on_event: OnEvent = stack.enter_context(progress_bars()).training if progress else silent
        outcome = distil(
            config, found, folder, inputs=inputs, command="opticlir.train(...)", on_event=on_event
        )
    return TrainedModel(folder, outcome)


def _checksum(pairs: Sequence[SentencePair]) -> str:
    """Of pairs in memory, so that a model is not taken for one of other pairs."""
    lines = (json.dumps([pair.english, pair.foreign, pair.weight]) for pair in pairs)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def evaluate(run: Run, qrels: Qrels, measures: Sequence[str] = DEFAULT_MEASURES) -> dict[str, float]:
    """Mean of each measure over the judged queries; a query that the run leaves out counts as 0.

    Args:
        run: scores by query and document, for example from `Retriever.rank`.
        qrels: grades by query and document.
        measures: names as ir-measures writes them.

    Example:
        >>> evaluate({"q": {"d1": 2.0, "d2": 1.0}}, {"q": {"d2": 1}}, ["RR@10"])
        {'RR@10': 0.5}
    """
    refuse_one_text(measures, "measures")
    return mean_scores(scores_by_query(run, qrels, measures))


def align(model: Model, foreign: str, english: str, *, device: str = "auto") -> TokenAlignment:
    """Align the tokens of a foreign text with those of its English meaning; see `align_texts`.

    Args:
        model: a loaded encoder, or what `load` takes.
        foreign: text in the language of the queries.
        english: its meaning.
        device: where a model given by name computes.
    """
    return align_texts(loaded(model, device), foreign, english)
