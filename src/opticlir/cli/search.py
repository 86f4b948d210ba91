"""`opticlir search`: a question in any language, English passages back."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import TRAIN_AND_SEARCH, AsJson, Device, IndexFolder, app, print_json
from opticlir.errors import DataError

if TYPE_CHECKING:
    from opticlir.records import Query
    from opticlir.search import Hits, Ranking, Retriever

_RUN_DEPTH = 1000


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def search(
    index: IndexFolder,
    model: Annotated[str, typer.Option(help="Model folder or name; its query route reads the questions.")],
    query: Annotated[
        str | None,
        typer.Argument(help="One question. Without it, and without --queries, each line of input is one."),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Documents per question: 10, or 1000 in a run.")
    ] = None,
    dense_only: Annotated[
        bool,
        typer.Option("--dense-only", help="Rank by the model alone, without BM25 of the question's words."),
    ] = False,
    queries: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Many questions: TSV, JSONL or TREC topics."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Write the rankings of --queries here, as a TREC run.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Rank the documents of INDEX for one question, for lines of input, or for a file of questions.

    Without a question it reads questions from the terminal or a pipe, one a line, until Ctrl-D.

    Example: opticlir search index/ --model model/ "Dalili za malaria ni zipi?"
    """
    if query is not None and queries is not None:
        raise typer.BadParameter("give one question, or a file of them with --queries")
    if (queries is None) != (run is None):
        raise typer.BadParameter("--queries and --run go together")
    ranking: Ranking = "dense" if dense_only else "hybrid"
    if queries is not None and run is not None:
        from opticlir.data import read_queries

        questions = read_queries(queries, "und")
        _write_run(_open(index, model, device), questions, run, k or _RUN_DEPTH, ranking)
        if as_json:
            print_json({"queries": len(questions), "ranking": ranking, "run": str(run)})
        else:
            typer.echo(f"{run}: {len(questions):,} questions ranked")
        return
    retriever = _open(index, model, device)
    if query is not None:
        _print(retriever.search(query, k or 10, ranking), as_json=as_json)
    else:
        _answer_lines(retriever, k or 10, ranking, as_json=as_json)


def _open(index: Path, model: str, device: str) -> "Retriever":
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.search import Retriever

    return Retriever.open(index, model, device=device)


def _answer_lines(retriever: "Retriever", k: int, ranking: "Ranking", *, as_json: bool) -> None:
    """Answer each line of input; a line that cannot be answered is an error on stderr, and the next is read."""
    n_failed = 0
    for question in _lines():
        try:
            _print(retriever.search(question, k, ranking), as_json=as_json)
        except DataError as error:
            n_failed += 1
            typer.echo(f"error: {error}", err=True)
    if n_failed and not sys.stdin.isatty():
        raise DataError(f"{n_failed} of the questions could not be answered")


def _lines() -> Iterator[str]:
    """Lines of input with a question in them; a terminal is asked with a prompt."""
    if not sys.stdin.isatty():
        yield from (line for line in sys.stdin if line.strip())
        return
    import readline  # noqa: F401 - it lets `input` edit the line and recall earlier ones

    while True:
        try:
            question = input("question> ")
        except (EOFError, KeyboardInterrupt):
            typer.echo(err=True)
            return
        if question.strip():
            yield question


def _write_run(
    retriever: "Retriever", questions: "list[Query]", run: Path, k: int, ranking: "Ranking"
) -> None:
    from opticlir.cli.progress import progress_bars
    from opticlir.data import write_run

    with progress_bars() as bars:
        rankings = retriever.rank(questions, k, ranking, progress=bars)
    write_run(rankings, run)


def _print(hits: "Hits", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "query": hits.question, "ranking": hits.ranking,
                "hits": [_record(rank, hit) for rank, hit in enumerate(hits, start=1)],
            }
        )  # fmt: skip
    else:
        typer.echo(repr(hits))


def _record(rank: int, hit: Any) -> dict[str, str | int | float]:
    return {
        "rank": rank, "doc_id": hit.doc_id, "score": hit.score, "title": hit.title, "text": hit.text,
        "snippet": hit.snippet,
    }  # fmt: skip
