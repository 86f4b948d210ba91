"""`opticlir search`: answers a question in any language with English passages."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opticlir.cli.app import (
    TRAIN_AND_SEARCH,
    AsJson,
    Device,
    IndexFolder,
    NumberFormat,
    WeightsDtype,
    app,
    print_json,
    say,
)
from opticlir.errors import DataError

if TYPE_CHECKING:
    from opticlir.records import Query
    from opticlir.search import Hits, MultilingualRetriever, Ranking, Retriever
    from opticlir.search.question_models import QuestionModel

_RUN_DEPTH, _AUTO = 1000, "auto"


@app.command(rich_help_panel=TRAIN_AND_SEARCH)
def search(
    index: IndexFolder,
    model: Annotated[
        list[str],
        typer.Option(
            help="Model folder or name; its query route encodes the questions. Repeat it per language."
        ),
    ],
    query: Annotated[
        str | None,
        typer.Argument(
            help="One question. Without it and without --queries, each line of input is a question."
        ),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Documents per question: 10, or 1000 in a run.")
    ] = None,
    filter: Annotated[  # noqa: A002 - the word of the field
        str | None,
        typer.Option(
            help="Which documents may be found, by their fields: 'year >= 2020 and source = \"who\"'."
        ),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Score every document, also in an index for approximate search.")
    ] = False,
    dense_only: Annotated[
        bool,
        typer.Option("--dense-only", help="Rank by the model alone, without BM25."),
    ] = False,
    queries: Annotated[
        Path | None,
        typer.Option(
            exists=True, help="File of questions: TSV, CSV, JSON lines or topics of TREC, CLEF and FIRE."
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the question: any code, such as sw, or auto, as with several models. "
            "With --queries: which topics, if the file has several languages."
        ),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Write the rankings of --queries to this TREC run.")
    ] = None,
    device: Device = "auto",
    weights_dtype: WeightsDtype = NumberFormat.AUTO,
    as_json: AsJson = False,
) -> None:
    """Rank the documents of INDEX for one question, for lines of input, or for a file of questions.

    Without a question, it reads questions from the terminal or a pipe, one per line, until Ctrl-D. With several
    models, each question is read by the model of its language.

    Example: opticlir search index/ --model model/ "Dalili za malaria ni zipi?"
    """
    if query is not None and queries is not None:
        raise typer.BadParameter("give one question, or a file of them with --queries")
    if (queries is None) != (run is None):
        raise typer.BadParameter("--queries and --run go together")
    ranking: Ranking = "dense" if dense_only else "hybrid"
    is_routed = len(model) > 1 or (queries is None and language is not None) or language == _AUTO
    if queries is not None and run is not None:
        from opticlir.data import read_queries
        from opticlir.storage import check_result

        check_result(run)
        questions = read_queries(queries, None if language == _AUTO else language)
        retriever = _open(index, model, device, weights_dtype, is_routed=is_routed)
        _write_run(retriever, questions, run, k or _RUN_DEPTH, ranking, filter, exact=exact)
        if as_json:
            print_json({"queries": len(questions), "ranking": ranking, "run": str(run)})
        else:
            say(f"{run}: {len(questions):,} questions ranked")
        return
    retriever = _open(index, model, device, weights_dtype, is_routed=is_routed)
    options: dict[str, Any] = {"language": language or _AUTO} if is_routed else {}

    def answer(question: str) -> "Hits":
        return retriever.search(question, k or 10, ranking, filter=filter, exact=exact, **options)

    if query is not None:
        _print(answer(query), as_json=as_json)
    else:
        _answer_lines(answer, as_json=as_json)


def _open(
    index: Path, models: list[str], device: str, weights_dtype: NumberFormat, *, is_routed: bool
) -> "Retriever | MultilingualRetriever[QuestionModel]":
    from opticlir.search import MultilingualRetriever, Retriever

    if is_routed:
        return MultilingualRetriever.open(index, models, device=device, weights_dtype=weights_dtype.value)
    return Retriever.open(index, models[0], device=device, weights_dtype=weights_dtype.value)


def _answer_lines(answer: "Callable[[str], Hits]", *, as_json: bool) -> None:
    """Answer each line of input. A question without an answer is an error on stderr; the next one is read."""
    n_failed = 0
    for question in _lines():
        try:
            _print(answer(question), as_json=as_json)
        except DataError as error:
            n_failed += 1
            typer.echo(f"error: {error}", err=True)
    if n_failed and not sys.stdin.isatty():
        raise DataError(f"{n_failed} of the questions could not be answered")


def _lines() -> Iterator[str]:
    """Yield each line of input that is not blank. In a terminal, a prompt asks for it."""
    if not sys.stdin.isatty():
        yield from (line for line in sys.stdin if line.strip())
        return
    import readline  # noqa: F401 - with it, `input` can edit the line and recall earlier lines

    while True:
        try:
            question = input("question> ")
        except (EOFError, KeyboardInterrupt):
            typer.echo(err=True)
            return
        if question.strip():
            yield question


def _write_run(
    retriever: "Retriever | MultilingualRetriever[QuestionModel]",
    questions: "list[Query]",
    run: Path,
    k: int,
    ranking: "Ranking",
    condition: str | None,
    *,
    exact: bool,
) -> None:
    from opticlir.cli.progress import progress_bars
    from opticlir.data import write_run

    with progress_bars() as bars:
        rankings = retriever.rank(questions, k, ranking, filter=condition, exact=exact, progress=bars)
    write_run(rankings, run)


def _print(hits: "Hits", *, as_json: bool) -> None:
    if as_json:
        read = {"language": hits.language, "model": hits.model} if hits.language else {}
        print_json(
            {
                "query": hits.question, **read, "ranking": hits.ranking, "notes": list(hits.notes),
                "hits": [_record(rank, hit) for rank, hit in enumerate(hits, start=1)],
            }
        )  # fmt: skip
    else:
        typer.echo(repr(hits))


def _record(rank: int, hit: Any) -> dict[str, Any]:
    return {
        "rank": rank, "doc_id": hit.doc_id, "score": hit.score, "title": hit.title, "text": hit.text,
        "snippet": hit.snippet, "fields": dict(hit.fields),
    }  # fmt: skip
