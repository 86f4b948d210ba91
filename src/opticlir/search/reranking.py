"""Order documents that are in no index by how well they answer a question."""

from collections.abc import Iterable

import numpy as np
from sentence_transformers import MultiVectorEncoder

from opticlir.data.in_memory import DocumentLike, documents_of
from opticlir.encoder import Windows
from opticlir.errors import DataError
from opticlir.maxsim import maxsim_exact
from opticlir.search.answering import hits_of
from opticlir.search.encoding import encoded
from opticlir.search.hits import Hits
from opticlir.search.questions import encode_known, notes, typed
from opticlir.search.scoring import check_tokens
from opticlir.search.snippets import snippets


def rerank(
    model: MultiVectorEncoder, question: str, documents: Iterable[DocumentLike], windows: Windows
) -> Hits:
    """Order documents by MaxSim with a question.

    Args:
        model: its query route reads the question, its document route the documents.
        question: in the language of the query route.
        documents: a plain text takes its position as its id.
        windows: cuts long documents; of the same model.

    Returns:
        All of them, best first. The score is the mean over the question's tokens of the cosine with
        the nearest token of the document: at most 1. Equal scores keep their order.

    Raises:
        DataError: the model knows no word of the question, or a document has no tokens.
        ArtefactError: the model is damaged, its embedding holds NaN.
    """
    query = typed(question)
    tokens = encode_known(model, query)
    check_tokens(query, tokens)
    found, best, scores = [], [], []
    for document, passages in encoded(documents_of(documents), model, windows):
        full = [passage for passage in passages if len(passage.tokens)]
        if not full:
            raise DataError(f"document {document.doc_id!r} has no tokens: its text is {document.text!r}")
        each = maxsim_exact(tokens, [passage.tokens for passage in full]) / len(tokens)
        found.append(document)
        best.append(full[int(np.argmax(each))])
        scores.append(min(float(each.max()), 1.0))  # unit vectors are not exactly of length 1
    hits = sorted(hits_of(found, scores, snippets(model, found, best, tokens)), key=lambda hit: -hit.score)
    return Hits(query.text, "dense", tuple(hits), notes(model, query, tokens, "dense"))
