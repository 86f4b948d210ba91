"""`opticlir benchmark`: a model measured on a test collection."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import (
    MEASURE,
    AsJson,
    Centre,
    Device,
    NumberFormat,
    Stride,
    WeightsDtype,
    Window,
    app,
    print_json,
    say,
)
from opticlir.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opticlir.progress import Progress
    from opticlir.records import RetrievalTask, Run
    from opticlir.search import Ranking

ModelName = Annotated[str, typer.Option(help="Model folder, hub name, minilm or e5.")]
Language = Annotated[str, typer.Option(help="Language of the queries, ISO 639-3 (swa) or any code in use.")]
Teacher = Annotated[
    str | None,
    typer.Option(
        help="Also measure this English encoder on the English forms of the queries, if there are any: the ceiling."
    ),
]
OtherQueries = Annotated[
    Path | None,
    typer.Option(
        help="Queries to ask instead: query_id<TAB>text, as `opticlir lab translate` writes them.",
        exists=True,
        dir_okay=False,
    ),
]
DenseOnly = Annotated[bool, typer.Option("--dense-only", help="Leave BM25 out of the first row.")]
Runs = Annotated[
    Path | None, typer.Option(file_okay=False, help="Write a TREC run per ranking into this folder.")
]


@app.command(rich_help_panel=MEASURE)
def benchmark(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True,
            file_okay=False,
            help="A BEIR folder: corpus.jsonl, queries.jsonl (or queries/LANGUAGE.jsonl) and qrels/SPLIT.tsv; also "
            "TSV, CSV or Parquet, compressed, or in shards.",
        ),
    ],
    model: ModelName,
    language: Language,
    split: Annotated[str, typer.Option(help="Which judgements: qrels/SPLIT.tsv.")] = "test",
    teacher: Teacher = None,
    queries: OtherQueries = None,
    dense_only: DenseOnly = False,
    runs: Runs = None,
    window: Window = None,
    stride: Stride = None,
    centre: Centre = False,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    as_json: AsJson = False,
) -> None:
    """Measure a model on your own test collection: the default ranking, the vectors alone and BM25 alone.

    For published collections in other formats, use `opticlir lab benchmark`.

    Example: opticlir benchmark collection/ --model swahili --language swa --split test
    """
    from opticlir.data import read_beir

    measure_task(
        read_beir(folder, language, split), model,
        teacher=teacher, queries=queries, dense_only=dense_only, runs=runs, window=window, stride=stride,
        centre=centre, options={"device": device, "weights_dtype": weights_dtype.value}, as_json=as_json,
    )  # fmt: skip


def measure_task(
    task: "RetrievalTask",
    model: str,
    *,
    teacher: str | None = None,
    queries: Path | None = None,
    dense_only: bool = False,
    runs: Path | None = None,
    window: int | None = None,
    stride: int | None = None,
    centre: bool = False,
    options: dict[str, Any] | None = None,
    as_json: bool = False,
) -> None:
    """Measure a model on a test collection, and print the result.

    Args:
        task: the test collection.
        model: name for `load_model`.
        teacher: English encoder for the ceiling.
        queries: file with other texts for the same queries.
        dense_only: whether the first row is the dense ranking.
        runs: folder for the TREC runs.
        window: tokens of a passage, as of `Retriever.build`.
        stride: from passage to passage, likewise.
        centre: whether the mean document token is taken out of the vectors of the model.
        options: of `load_model`, for both models.
        as_json: whether to print JSON.
    """
    from opticlir.benchmark import cached_retriever, measured, unseen_share
    from opticlir.cli.progress import progress_bars
    from opticlir.data import read_topics

    asked = task.queries if queries is None else read_topics(queries, "eng")
    if unanswered := {query.query_id for query in task.queries} ^ {query.query_id for query in asked}:
        raise DataError(
            f"{queries}: query {min(unanswered)!r} is in only one of this file and the collection: "
            "expected other texts for the same queries"
        )
    from opticlir.artefacts import default_cache_folder
    from opticlir.encoder import load_model

    with progress_bars() as bars:
        encoder = load_model(model, **(options or {}))
        retriever = cached_retriever(
            task.documents, encoder, default_cache_folder(), bars, window=window, stride=stride, centre=centre
        )
        means, rankings = measured(retriever, task, queries=asked, progress=bars)
        result: dict[str, Any] = {
            **means["dense" if dense_only else "hybrid"], "dense": means["dense"], "bm25": means["bm25"],
            "queries": len(task.qrels), "documents": len(task.documents), "passages": retriever.counts["passages"],
            "long_documents": retriever.counts["long_documents"],
            "cut_documents": retriever.counts["cut_documents"], "unseen_query_words": None,
        }  # fmt: skip
        words = Path(model) / "run" / "words.txt"
        if words.exists():
            known = set(words.read_text(encoding="utf-8").split("\n"))
            result["unseen_query_words"] = unseen_share(encoder, asked, known)
        if teacher and task.english_queries:
            result |= _ceiling(task, teacher, options or {}, rankings["dense"], bars)
    if runs is not None:
        _write_runs(runs, task.name, rankings)
    if as_json:
        print_json(result)
        return
    _print_table(result, first="dense" if dense_only else "hybrid (default)")
    if said := retriever.long_documents:
        typer.echo(said)


def _write_runs(folder: Path, name: str, rankings: "Mapping[Ranking, Run]") -> None:
    from opticlir.data import write_run
    from opticlir.storage.filesystem import make_folders, refusals_named

    with refusals_named(folder):
        make_folders(folder)
    for ranking, run in rankings.items():
        path = folder / f"{name}.{ranking}.run"
        if any(run.values()):
            write_run(run, path, tag=f"opticlir-{ranking}")
        else:
            say(f"{path}: not written, {ranking} found no document for any query", err=True)


def _ceiling(
    task: "RetrievalTask", teacher: str, options: dict[str, Any], dense: "Run", bars: "Progress"
) -> dict[str, Any]:
    """Measure the teacher on the English questions, and the model on the same questions in the foreign language."""
    from opticlir.artefacts import default_cache_folder
    from opticlir.benchmark import run_benchmark
    from opticlir.encoder import load_model
    from opticlir.evaluation import evaluate, mean_scores

    in_english = {query.query_id: task.qrels[query.query_id] for query in task.english_queries}
    found, _ = run_benchmark(
        replace(task, qrels=in_english), load_model(teacher, **options), default_cache_folder(),
        queries=task.english_queries, progress=bars,
    )  # fmt: skip
    english, same = found["dense"], mean_scores(evaluate(dense, in_english))
    return {
        "english": english,
        "english_queries": len(in_english),
        "dense_where_english": same,
        "share_of_english": same["AP"] / english["AP"] if english["AP"] else None,
    }


def _print_table(result: dict[str, Any], *, first: str) -> None:
    measures = [name for name in result if name in result["dense"]]
    rows = {first: result, "dense": result["dense"], "BM25, query as it is": result["bm25"]}
    if "english" in result:
        rows["teacher, English question"] = result["english"]
        if result["english_queries"] < result["queries"]:
            rows["dense, the same queries"] = result["dense_where_english"]
    typer.echo(f"{'':28}" + "".join(f"{name:>10}" for name in measures))
    for label, values in rows.items():
        typer.echo(f"{label:28}" + "".join(f"{values[name]:10.4f}" for name in measures))
    typer.echo(f"{result['queries']} queries, {result['documents']} documents")
    if result.get("english_queries", result["queries"]) < result["queries"]:
        typer.echo(
            f"{result['english_queries']} queries have an English form: the last two rows cover only these"
        )
    if result["unseen_query_words"] is not None:
        typer.echo(f"{result['unseen_query_words']:.1%} of the query words are not in the bitext")
