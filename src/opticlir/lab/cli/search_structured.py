"""`opticlir lab search-structured`: ranks documents with a word table of the bitext, without an encoder."""

from pathlib import Path
from typing import Annotated

import typer

from opticlir.cli.app import AsJson, Lenient, print_json, say
from opticlir.cli.index import Corpus
from opticlir.lab.cli.app import Bitext, lab


@lab.command()
def search_structured(
    corpus: Corpus,
    queries: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Questions: TSV, JSONL or TREC topics.")
    ],
    language: Annotated[str, typer.Option(help="Language of the questions and of the bitext.")],
    bitext: Bitext,
    run: Annotated[Path, typer.Option(help="Write the rankings to this TREC run.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Documents per question.")] = 1000,
    cumulative: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=1.0,
            help="Keep the most probable meanings of a word, up to this sum of probabilities.",
        ),
    ] = 0.9,
    lenient: Lenient = False,
    as_json: AsJson = False,
) -> None:
    """Rank CORPUS by probabilistic structured queries: BM25 that counts each meaning of a word by its probability.

    The meanings are learned from the bitext. `opticlir evaluate` and `compare` read the run.

    Example: opticlir lab search-structured corpus.jsonl --queries q.tsv --language hau --bitext pairs.tsv --run hau.run
    """
    from opticlir.cli.bitext import read_pairs
    from opticlir.data import SkipReport, read_corpus, read_queries, write_run
    from opticlir.lab.rivals import StructuredQueries
    from opticlir.languages import language_code
    from opticlir.translation import WordTable

    skipped = SkipReport(lenient=lenient)
    code = language_code(language)
    asked = read_queries(queries, code)
    table = WordTable.learn(read_pairs(bitext, language), language=code)
    documents = list(read_corpus(corpus, skipped=skipped))
    write_run(
        StructuredQueries(documents, table, cumulative=cumulative).rank(asked, depth=k),
        run,
        tag="opticlir-structured",
    )
    if as_json:
        print_json(
            {
                "queries": len(asked),
                "documents": len(documents),
                "skipped": skipped.n_malformed,
                "run": str(run),
            }
        )
        return
    for message in skipped.messages:
        say(f"skipped: {message}", err=True)
    say(f"{run}: {len(asked):,} questions ranked over {len(documents):,} documents")
