"""The recall of approximate search: how many of the best documents of an exact search it finds."""

import re
from collections.abc import Sequence

from opticlir.errors import DataError, SettingsError
from opticlir.records import Document, Query
from opticlir.search.index import Index
from opticlir.search.index_stats import Recall
from opticlir.search.scoring import QueryTokens, Scorer

_BEST, _SENTENCES, _MOST_WORDS = 10, 64, 24
_END = re.compile(r"(?<=[.!?])\s")


def measured_recall(scorer: Scorer, queries: Sequence[Query], query_tokens: Sequence[QueryTokens]) -> Recall:
    """Ask the questions exactly and approximately, in the hybrid ranking.

    Args:
        scorer: of an index that is searched approximately.
        queries: the questions.
        query_tokens: their token matrices. Those without tokens are left out.

    Raises:
        DataError: no question has tokens.
        SettingsError: the index is searched exactly.
    """
    if not scorer.index.is_approximate:
        raise SettingsError("the index is searched exactly, so its recall is 1: there is nothing to measure")
    asked = [
        (query, tokens)
        for query, tokens in zip(queries, query_tokens, strict=True)
        if tokens is not None and len(tokens)
    ]
    if not asked:
        raise DataError("the model knows no word of the questions: give questions of its language")
    shares = []
    for query, tokens in asked:
        exact, quick = (
            next(scorer.answers([query], [tokens], _BEST, ["hybrid"], exact=is_exact))[0][0].tolist()
            for is_exact in (True, False)
        )
        shares.append(len(set(exact).intersection(quick)) / len(exact))
    return Recall(recall=sum(shares) / len(shares), questions=len(shares), documents=len(scorer.index))


def sample_sentences(index: Index) -> list[Document]:
    """The first sentences of some documents, at equal distances, each as a document."""
    rows = range(0, len(index), -(-len(index) // _SENTENCES))
    first = (_END.split(index.document(row).content.strip(), maxsplit=1)[0] for row in rows)
    return [Document(str(n), " ".join(each.split()[:_MOST_WORDS])) for n, each in enumerate(first)]
