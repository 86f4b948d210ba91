"""`opticlir evaluate`: the measures of a run."""

from typing import Annotated

import typer

from opticlir.cli.app import MEASURE, AsJson, InputFile, app, print_json


@app.command(rich_help_panel=MEASURE)
def evaluate(
    run: InputFile,
    qrels: InputFile,
    measure: Annotated[
        list[str] | None,
        typer.Option(help="A measure by its ir-measures name; repeatable. [default: AP nDCG@10 R@100 RR@10]"),
    ] = None,
    by_query: Annotated[bool, typer.Option("--by-query", help="Print each query before the means.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score RUN against QRELS. A judged query that is missing in the run counts as 0.

    Example: opticlir evaluate swa.run qrels.txt --measure AP --measure nDCG@10
    """
    from opticlir.data import read_qrels, read_run, run_with_judged_numbers
    from opticlir.data.visible import visible
    from opticlir.evaluation import DEFAULT_MEASURES, check_measures, check_same_collection, mean_scores
    from opticlir.evaluation import evaluate as score

    measures = measure or list(DEFAULT_MEASURES)
    try:
        check_measures(measures)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    judgements = read_qrels(qrels)
    ranking = run_with_judged_numbers(read_run(run), judgements)
    check_same_collection(str(run), ranking, judgements)
    scores = score(ranking, judgements, measures)
    means = mean_scores(scores)
    if as_json:
        print_json({**means, "queries": len(judgements), **({"by_query": scores} if by_query else {})})
        return
    if by_query:
        for name, values in scores.items():
            for query_id, value in values.items():
                typer.echo(f"{name}\t{visible(query_id)}\t{value:.4f}")
    for name, value in means.items():
        typer.echo(f"{name}\tall\t{value:.4f}")
