"""`opticlir search`: a question in any language, English passages back."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opticlir.cli.app import AsJson, app, print_json

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder

    from opticlir.search import Hit, Ranking, Searcher

_RUN_DEPTH = 1000
_SNIPPET = 240


@app.command()
def search(
    index: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The index folder.")],
    model: Annotated[str, typer.Option(help="Model folder or name; its query route reads the questions.")],
    query: Annotated[str | None, typer.Argument(help="One question; or give --queries.")] = None,
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
    as_json: AsJson = False,
) -> None:
    """Rank the documents of INDEX for one question, or for a file of them.

    Example: opticlir search index/ --model model/ "Dalili za malaria ni zipi?"
    """
    if (query is None) == (queries is None):
        raise typer.BadParameter("give one question, or a file of them with --queries")
    if (queries is None) != (run is None):
        raise typer.BadParameter("--queries and --run go together")
    ranking: Ranking = "dense" if dense_only else "hybrid"
    if query is not None:
        hits = _answer(index, model, query, k or 10, ranking)
        if as_json:
            print_json(
                {"query": query, "ranking": ranking, "hits": [_record(*each) for each in enumerate(hits, 1)]}
            )
        else:
            typer.echo(_listing(hits))
    elif queries is not None and run is not None:
        n_queries = _write_run(index, model, queries, run, k or _RUN_DEPTH, ranking)
        if as_json:
            print_json({"queries": n_queries, "ranking": ranking, "run": str(run)})
        else:
            typer.echo(f"{run}: {n_queries:,} questions ranked")


def _answer(index: Path, model: str, query: str, k: int, ranking: "Ranking") -> "list[Hit]":
    from opticlir.data.normalisation import normalise_typed
    from opticlir.encoder import encode_queries

    question = normalise_typed(query)
    searcher, encoder = _open(index, model)
    (tokens,) = encode_queries(encoder, [question])
    return searcher.search(tokens, question, k=k, ranking=ranking)


def _write_run(index: Path, model: str, queries: Path, run: Path, k: int, ranking: "Ranking") -> int:
    from opticlir.cli.progress import progress_bars
    from opticlir.data import read_queries, write_run
    from opticlir.encoder import encode_queries

    questions = read_queries(queries, "und")
    searcher, encoder = _open(index, model)
    tokens = encode_queries(encoder, [question.text for question in questions])
    with progress_bars() as bars:
        rankings = searcher.rank(
            questions,
            tokens,
            k=k,
            ranking=ranking,
            progress=lambda n_done: bars("ranking", n_done, len(questions)),
        )
    write_run(rankings, run)
    return len(questions)


def _open(index: Path, model: str) -> "tuple[Searcher, MultiVectorEncoder]":
    """An index and the model that fits it."""
    from opticlir.cli.libraries import quieten

    quieten()
    from opticlir.encoder import document_fingerprint, load_model
    from opticlir.search import ExactIndex, Searcher

    opened = ExactIndex.open(index)
    encoder = load_model(model)
    opened.check_encoder(document_fingerprint(encoder))
    return Searcher(opened), encoder


def _record(rank: int, hit: "Hit") -> dict[str, str | int | float]:
    return {"rank": rank, "doc_id": hit.doc_id, "score": hit.score, "title": hit.title, "text": hit.text}


def _listing(hits: "Sequence[Hit]") -> str:
    if not hits:
        return "nothing found"
    from opticlir.pictures import visible

    lines = []
    for rank, hit in enumerate(hits, start=1):
        lines.append(f"{rank:>3}  {hit.score:8.3f}  {visible(hit.doc_id)}  {visible(hit.title)}".rstrip())
        lines.append(f"     {visible(hit.text[:_SNIPPET])}{'…' if len(hit.text) > _SNIPPET else ''}")
    return "\n".join(lines)
