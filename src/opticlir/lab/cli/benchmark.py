"""`opticlir lab benchmark`: a named test collection, from files to measures."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import AsJson, print_json
from opticlir.errors import DataError
from opticlir.lab.cli.app import lab

if TYPE_CHECKING:
    from opticlir.benchmark import Progress
    from opticlir.records import RetrievalTask, Run


@lab.command()
def benchmark(
    name: Annotated[
        str,
        typer.Argument(
            help="A name of docs/benchmarks.md, such as xquad, mlqa, afriqa or beir (any other lists all), or "
            "irds:ID of ir_datasets or mteb:TASK of MTEB, which need no --data."
        ),
    ],
    model: Annotated[str, typer.Option(help="Model folder, hub name or minilm.")],
    language: Annotated[str, typer.Option(help="Language of the queries.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder with the files of the collection, in their original form.")
    ] = None,
    split: Annotated[str, typer.Option(help="Which queries: dev, test, train.")] = "dev",
    teacher: Annotated[
        str | None,
        typer.Option(
            help="Also ask this English encoder the human English questions: the ceiling, over those queries that have "
            "an English form."
        ),
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            help="Ask these instead: query_id<TAB>text, as `opticlir lab translate` writes them.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    dense_only: Annotated[
        bool, typer.Option("--dense-only", help="Leave BM25 out of the first row.")
    ] = False,
    runs: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for the TREC runs, one per ranking.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Load, encode, search and measure; the default ranking, the vectors alone and BM25 side by side.

    Example: opticlir lab benchmark afriqa --data afriqa/clir --model swahili --language swa --split test
    """
    from opticlir.benchmark import run_benchmark, unseen_share
    from opticlir.cli.libraries import quieten
    from opticlir.cli.progress import progress_bars
    from opticlir.data import read_topics, write_run
    from opticlir.lab.collections import load_benchmark
    from opticlir.storage.filesystem import make_folders, refusals_named

    task = load_benchmark(name, data, language, split)
    asked = task.queries if queries is None else read_topics(queries, "eng")
    if unanswered := {query.query_id for query in task.queries} ^ {query.query_id for query in asked}:
        raise DataError(
            f"{queries}: query {min(unanswered)!r} is in only one of this file and the collection: "
            "expected the same queries in other words"
        )
    quieten()
    from opticlir.encoder import load_model
    from opticlir.training import default_cache_folder

    with progress_bars() as bars:
        encoder = load_model(model)
        means, rankings = run_benchmark(task, encoder, default_cache_folder(), queries=asked, progress=bars)
        result: dict[str, Any] = {
            **means["dense" if dense_only else "hybrid"], "dense": means["dense"], "bm25": means["bm25"],
            "queries": len(task.qrels), "documents": len(task.documents), "unseen_query_words": None,
        }  # fmt: skip
        words = Path(model) / "run" / "words.txt"
        if words.exists():
            known = set(words.read_text(encoding="utf-8").split("\n"))
            result["unseen_query_words"] = unseen_share(encoder, asked, known)
        if teacher and task.english_queries:
            result |= _ceiling(task, teacher, rankings["dense"], bars)
    if runs is not None:
        with refusals_named(runs):
            make_folders(runs)
        for ranking, run in rankings.items():
            path = runs / f"{task.name}.{ranking}.run"
            if any(run.values()):
                write_run(run, path, tag=f"opticlir-{ranking}")
            else:
                typer.echo(f"{path}: not written, for {ranking} found no document for any query", err=True)
    if as_json:
        print_json(result)
        return
    _print_table(result, first="dense" if dense_only else "hybrid (default)")


def _ceiling(task: "RetrievalTask", teacher: str, dense: "Run", bars: "Progress") -> dict[str, Any]:
    """The teacher on the English questions beside the model on the same ones: those that have an English form."""
    from opticlir.benchmark import run_benchmark
    from opticlir.encoder import load_model
    from opticlir.evaluation import evaluate, mean_scores
    from opticlir.training import default_cache_folder

    in_english = {query.query_id: task.qrels[query.query_id] for query in task.english_queries}
    found, _ = run_benchmark(
        replace(task, qrels=in_english), load_model(teacher), default_cache_folder(),
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
            f"{result['english_queries']} queries have an English form: the last two rows are of those"
        )
    if result["unseen_query_words"] is not None:
        typer.echo(f"{result['unseen_query_words']:.1%} of the query words are not in the bitext")
