"""From the scores of a question to its answer: documents with their snippets, and on request why they were found."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import is_pooled
from opticlir.records import Document, Query, Ranking
from opticlir.search.explanation import Explanation, explanation
from opticlir.search.hits import Hit, Hits
from opticlir.search.index import Index
from opticlir.search.passages import Passage
from opticlir.search.questions import notes
from opticlir.search.scoring import ScoredQuery
from opticlir.search.snippets import snippets


def answer(
    model: MultiVectorEncoder,
    index: Index,
    query: Query,
    scored: ScoredQuery,
    *,
    k: int,
    ranking: Ranking,
    explain: bool,
) -> Hits:
    """The best documents for a question.

    Args:
        model: read the question.
        index: what was scored.
        query: the question.
        scored: its scores.
        k: number of hits.
        ranking: which order.
        explain: say of each hit why it was found, where the model knows a word of the question.
    """
    rows, scores = scored.found(ranking, k)
    documents = [index.document(row) for row in rows.tolist()]
    tokens = scored.known_tokens
    passages = [index.best_passage(tokens, row) for row in rows.tolist()]
    hits = hits_of(documents, scores.tolist(), snippets(model, documents, passages, index.project(tokens)))
    if explain and scored.tokens is not None and not is_pooled(model):
        hits = tuple(
            replace(hit, explanation=why(model, index, query, scored, row, document, passage))
            for hit, row, document, passage in zip(hits, rows.tolist(), documents, passages, strict=True)
        )
    return Hits(query.text, ranking, hits, notes(model, query, scored.tokens, ranking))


def why(
    model: MultiVectorEncoder,
    index: Index,
    query: Query,
    scored: ScoredQuery,
    row: int,
    document: Document,
    passage: Passage,
) -> Explanation:
    """Explain the score of the document in a row of the index, by its best passage. Other arguments as for `answer`."""
    tokens = scored.known_tokens
    return explanation(
        model,
        document=document,
        window=passage.window,
        question=query.text,
        similarity=index.project(tokens).astype(np.float64) @ passage.tokens.T.astype(np.float64),
        parts=scored.parts(row),
        grams=index.lexical_matches(query.text, row),
    )


def hits_of(documents: Sequence[Document], scores: Sequence[float], shown: Sequence[str]) -> tuple[Hit, ...]:
    """Join documents with their scores and snippets."""
    return tuple(
        Hit(document.doc_id, score, document.title, document.text, snippet, fields=document.fields)
        for document, score, snippet in zip(documents, scores, shown, strict=True)
    )
