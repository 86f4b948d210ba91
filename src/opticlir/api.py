"""The functions of `import opticlir`, for scripts and notebooks."""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

from opticlir.artefacts import default_cache_folder
from opticlir.benchmark import cached_retriever, ranked_task
from opticlir.cli.libraries import quieten
from opticlir.cli.progress import progress_bars
from opticlir.data import Columns, PairTable, SkipReport, bitext_files, dictionary_pairs
from opticlir.data.in_memory import DocumentLike, PairLike, pairs_of, refuse_one_text
from opticlir.data.pair_choice import PairChoice
from opticlir.encoder import Windows
from opticlir.errors import DataError, SettingsError
from opticlir.evaluation import DEFAULT_MEASURES, RunComparison, compare_runs, mean_scores
from opticlir.evaluation import evaluate as scores_by_query
from opticlir.languages import language_code
from opticlir.manifest import input_checksums
from opticlir.pictures import TokenAlignment, align_texts
from opticlir.progress import Progress, reporting
from opticlir.records import Qrels, Ranking, RetrievalTask, Run, SentencePair
from opticlir.search import Hits
from opticlir.search.models import Model, loaded
from opticlir.search.reranking import rerank as rerank_documents
from opticlir.training import OnEvent, TrainedModel, distil, make_config
from opticlir.training.events import silent

logger = logging.getLogger(__name__)

SystemLike: TypeAlias = Run | Model | tuple[Model, Ranking]
"""What `compare` takes as a system: a run, a model, or a model with a ranking."""


def train(
    pairs: Iterable[PairLike] | str | Path,
    *,
    language: str,
    out: str | Path,
    dictionary: Iterable[PairLike] | str | Path = (),
    columns: str | Columns | None = None,
    min_score: float | None = None,
    drop_suspect: bool = False,
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
        dictionary: words with their translations to train on too: `(english, foreign)` tuples, or a file of
            `english<TAB>foreign` lines.
        columns: as of `read_bitext`; for a file only.
        min_score: as of `read_bitext`; for a file only.
        drop_suspect: leave out pairs that are hardly translations, and say how many.
        progress: draw progress bars in the terminal or notebook.
        settings: of `TrainConfig`, for example `minutes=15`, `teacher="minilm"` or `device="cpu"`.

    Raises:
        DataError: there is no pair, or the bitext file is malformed.
        ArtefactError: `out` holds a model of other pairs or settings, or something else.
        SettingsError: a setting or language code is unknown, or a value is wrong; it is a `ValueError` too.
        SetupError: this machine has no such device, or a package or disk space is missing.
        ValueError: a pair has a blank side; `columns` or `min_score` is given without a file.
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
    choice = PairChoice.of(columns, min_score, drop_suspect=drop_suspect)
    report = SkipReport(lenient=False)
    found: Iterable[SentencePair]
    if isinstance(pairs, str | Path):
        bitext = Path(pairs)
        found = choice.read(bitext, language=language, skipped=report)
        inputs = input_checksums(bitext_files(bitext, language=language))
    else:
        if columns is not None or min_score is not None:
            raise ValueError("columns and min_score choose from a file, but these pairs come from none")
        found = pairs_of(pairs)
        inputs = {"pairs": _checksum(found)}
    entries, of_dictionary = _dictionary(dictionary)
    inputs |= of_dictionary
    chosen = choice.sound(PairTable(found), language, report)
    if report.summary():
        logger.warning("%s", report.summary())
    quieten()
    folder = Path(out)
    with ExitStack() as stack:
        on_event: OnEvent = stack.enter_context(progress_bars()).training if progress else silent
        outcome = distil(
            config,
            chosen,
            folder,
            dictionary=entries,
            inputs=inputs | choice.recorded(),
            command="opticlir.train(...)",
            on_event=on_event,
        )
    return TrainedModel(folder, outcome)


def _dictionary(
    dictionary: Iterable[PairLike] | str | Path,
) -> tuple[list[SentencePair], dict[str, str]]:
    """Entries to train on, and their checksums by name."""
    if isinstance(dictionary, str | Path):
        path = Path(dictionary)
        checksums = {f"dictionary {name}": each for name, each in input_checksums([path]).items()}
        return list(dictionary_pairs(path)), checksums
    entries = pairs_of(dictionary)
    return entries, {"dictionary": _checksum(entries)} if entries else {}


def read_bitext(
    path: str | Path,
    *,
    language: str | None = None,
    weight: float = 1.0,
    columns: str | Columns | None = None,
    min_score: float | None = None,
    drop_suspect: bool = False,
    skipped: SkipReport | None = None,
) -> Iterator[SentencePair]:
    """Read sentence pairs from a file, in constant memory unless suspect pairs are left out.

    Args:
        path: a bitext file in any format of `opticlir train --bitext`.
        language: the foreign language, any code; required if a file has several.
        weight: weight of every pair, > 0.
        columns: columns of a table by number or heading, as in `english=2,foreign=4,score=5`.
        min_score: drop and count pairs with a lower score; each pair must have one.
        drop_suspect: leave out pairs that are hardly translations. The whole file is read first.
        skipped: None refuses a malformed record; a lenient report skips and counts it.

    Returns:
        Iterator over pairs in file order. A warning says what was left out, unless `skipped` counts it.

    Raises:
        ValueError: `weight` is not a finite number above 0.
        SettingsError: `language`, `columns` or `min_score` cannot be meant, or there are no scores.
        DataError: the name has no known format; on iteration: a file cannot be read, a record is malformed, or no
            pair is left.

    Example:
        `list(opticlir.read_bitext("tatoeba.tsv", language="swa", columns="english=2,foreign=4"))`
    """
    choice = PairChoice.of(columns, min_score, drop_suspect=drop_suspect)
    pairs = choice.read(path, language=language, weight=weight, skipped=skipped)
    return _sound(choice, pairs, language, skipped) if drop_suspect else pairs


def _sound(
    choice: PairChoice, pairs: Iterable[SentencePair], language: str | None, skipped: SkipReport | None
) -> Iterator[SentencePair]:
    report = SkipReport.of(skipped)
    before = len(report.remarks)
    yield from choice.sound(PairTable(pairs), language, report)
    if skipped is None:
        for remark in report.remarks[before:]:
            logger.warning("%s", remark)


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


def align(
    model: Model, foreign: str, english: str, *, device: str = "auto", weights_dtype: str = "auto"
) -> TokenAlignment:
    """Align the tokens of a foreign text with those of its English meaning; see `align_texts`.

    Args:
        model: a loaded encoder, or what `load` takes.
        foreign: text in the language of the queries.
        english: its meaning.
        device: where a model given by name computes.
        weights_dtype: number format of its weights; see `load_model`.
    """
    return align_texts(loaded(model, device, weights_dtype), foreign, english)


def rerank(
    model: Model,
    question: str,
    documents: Iterable[DocumentLike],
    *,
    device: str = "auto",
    weights_dtype: str = "auto",
) -> Hits:
    """Order English documents by how well they answer a question, without an index.

    Args:
        model: a loaded encoder, or what `load` takes.
        question: in the language of the model's query route.
        documents: texts, or the other forms of `Retriever.build`; a plain text takes its position as its id.
        device: where a model given by name computes.
        weights_dtype: number format of its weights; see `load_model`.

    Returns:
        All of them, best first. The score is the mean over the question's tokens of the cosine with
        the nearest token of the document: at most 1.

    Raises:
        DataError: the question or a document has no tokens.
        TypeError: one text where a list is expected.

    Example:
        `opticlir.rerank("swahili", "Maji salama ni yapi?", ["Boil the water.", "Wash your hands."])[0].text`
    """
    refuse_one_text(documents, "documents")
    encoder = loaded(model, device, weights_dtype)
    return rerank_documents(encoder, question, documents, Windows(encoder))


def compare(
    systems: Mapping[str, SystemLike],
    collection: RetrievalTask | Qrels,
    measures: Sequence[str] = DEFAULT_MEASURES,
    *,
    baseline: str | None = None,
    device: str = "auto",
    progress: bool = False,
    **tests: Any,
) -> RunComparison:
    """Compare systems on a test collection: index, search, measure and test in one call.

    Args:
        systems: two or more by name. Each is a model, a model with a ranking such as `(model, "bm25")`, or a run.
            A model alone ranks as `hybrid`.
        collection: a test collection, for example from `opticlir.data.read_beir`. Judgements are enough for runs.
        measures: names as ir-measures writes them.
        baseline: name of a system; None takes the first.
        device: where models given by name compute.
        progress: draw progress bars in the terminal or notebook.
        tests: further arguments of `compare_runs`: `draws`, `seed`, `missing_as_zero` and `clusters`.

    Returns:
        Means, and the comparison of each system with the baseline. Indexes are kept in the cache.

    Raises:
        DataError: a run does not fit the judgements; see `compare_runs`.
        ValueError: there are fewer than two systems, or the baseline or a measure is unknown.
        TypeError: a system is none of these things; or it is a model, and the collection has no documents.

    Example:
        `opticlir.compare({"bm25": (model, "bm25"), "hybrid": model}, read_beir("collection", "swa", "test"))`
    """
    refuse_one_text(measures, "measures")
    task = collection if isinstance(collection, RetrievalTask) else None
    qrels = collection.qrels if isinstance(collection, RetrievalTask) else collection
    with reporting(progress) as tell:
        runs = {name: _run_of(name, system, task, device, tell) for name, system in systems.items()}
    return compare_runs(runs, qrels, measures, baseline=baseline, **tests)


def _run_of(
    name: str, system: SystemLike, task: RetrievalTask | None, device: str, progress: Progress
) -> Run:
    if isinstance(system, Mapping):
        return dict(system)
    model, ranking = system if isinstance(system, tuple) else (system, "hybrid")
    if task is None:
        raise TypeError(
            f"system {name!r} is a model: give a test collection with documents and queries, not judgements alone"
        )
    quieten()
    retriever = cached_retriever(task.documents, loaded(model, device), default_cache_folder(), progress)
    return ranked_task(retriever, task, [ranking], progress=progress)[ranking]
