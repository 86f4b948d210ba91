"""`opticlir evaluate`: the measures of a run."""

from typing import Annotated

import typer

from opticlir.cli.app import MEASURE, AsJson, InputFile, WithoutOwn, app, print_json


@app.command(rich_help_panel=MEASURE)
def evaluate(
    run: InputFile,
    qrels: InputFile,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="A measure as in ir-measures (nDCG@10) or in trec_eval (ndcg_cut_10); repeatable. "
            "[default: AP nDCG@10 R@100 RR@10]"
        ),
    ] = None,
    without_own: WithoutOwn = False,
    by_query: Annotated[bool, typer.Option("--by-query", help="Print each query before the means.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score RUN against QRELS as `trec_eval -c` does: a judged query that is missing in the run counts as 0.

    Equal scores are ordered as in trec_eval: the last document id first.

    Example: opticlir evaluate swa.run qrels.txt --measure AP --measure nDCG@10
    """
    from opticlir.data import read_qrels, read_run, run_with_judged_numbers
    from opticlir.data.own_documents import own_documents, without_own_documents
    from opticlir.evaluation import (
        DEFAULT_MEASURES,
        check_measures,
        check_same_collection,
        mean_scores,
        tied_queries,
    )
    from opticlir.evaluation import evaluate as score
    from opticlir.visible import visible

    measures = measure or list(DEFAULT_MEASURES)
    try:
        check_measures(measures)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    judgements = read_qrels(qrels)
    ranking = run_with_judged_numbers(read_run(run), judgements)
    check_same_collection(str(run), ranking, judgements)
    own = own_documents(ranking, judgements)
    if without_own:
        ranking = without_own_documents(ranking, own)
    tied = tied_queries(ranking, judgements)
    n_missing = len(judgements.keys() - ranking.keys())
    _say(
        n_own=len(own),
        is_left_out=without_own,
        n_tied=len(tied),
        n_missing=n_missing,
        n_queries=len(judgements),
    )
    scores = score(ranking, judgements, measures)
    means = mean_scores(scores)
    if as_json:
        counts = {"queries": len(judgements), "tied_queries": len(tied), "missing_queries": n_missing}
        print_json({**means, **counts, **({"by_query": scores} if by_query else {})})
        return
    if by_query:
        for name, values in scores.items():
            for query_id, value in values.items():
                typer.echo(f"{name}\t{visible(query_id)}\t{value:.4f}")
    for name, value in means.items():
        typer.echo(f"{name}\tall\t{value:.4f}")


def _say(*, n_own: int, is_left_out: bool, n_tied: int, n_missing: int, n_queries: int) -> None:
    """Say on stderr what else decides the figures."""
    from opticlir.data.own_documents import own_documents_note

    if n_own:
        typer.echo(f"note: {own_documents_note(n_own, are_left_out=is_left_out)}", err=True)
    if n_tied:
        typer.echo(
            f"note: {n_tied} of {n_queries} queries have ties, documents with equal scores: ordered as in trec_eval, "
            "the last document id first",
            err=True,
        )
    if n_missing:
        typer.echo(
            f"note: {n_missing} of {n_queries} judged queries are missing in the run: they count as 0, as in "
            "trec_eval -c",
            err=True,
        )
