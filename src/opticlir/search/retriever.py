"""A model with its index: build it from documents, open it, and ask questions in any language."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import tee
from os import PathLike
from pathlib import Path
from typing import TypeAlias, get_args

import numpy as np
from sentence_transformers import MultiVectorEncoder

from opticlir.data.in_memory import DocumentLike, QueryLike, documents_of, queries_of, refuse_one_text
from opticlir.data.normalisation import normalise_typed
from opticlir.encoder import (
    document_fingerprint,
    encode_documents,
    encode_queries,
    load_model,
    scored_spans,
)
from opticlir.errors import DataError
from opticlir.maxsim import maxsim_exact
from opticlir.progress import Progress, reporting
from opticlir.records import Document, Query, Run
from opticlir.search.exact import ExactIndex
from opticlir.search.explanation import Explanation, explanation
from opticlir.search.hits import Hit, Hits
from opticlir.search.hybrid import LEXICAL_WEIGHT
from opticlir.search.index import Entry, Index
from opticlir.search.scoring import Ranking, Scorer
from opticlir.search.snippets import SNIPPET, snippet
from opticlir.search.tokens import TokenType

Model: TypeAlias = MultiVectorEncoder | str | PathLike[str]
"""A loaded encoder, or a name for `load_model`: a folder, a model on the hub, `minilm`; or a trained model."""


class Retriever:
    """Ranks the documents of an index for questions that its model reads.

    `build` or `open` makes one. Models with the same English document encoder can open the same folder:
    one index answers all their languages.

    Args:
        index: what is searched.
        model: the loaded encoder; its query route reads the questions.
        lexical_weight: weight of the BM25 z-score beside the dense z-score in the hybrid ranking, >= 0.

    Raises:
        ArtefactError: another document encoder built the index.
        ValueError: the weight is negative or no number.

    Example:
        `retriever = Retriever.build(["Boil water before you drink it."], "swahili", "index")`, then
        `retriever.search("Maji salama ni yapi?")`
    """

    def __init__(
        self, index: Index, model: MultiVectorEncoder, *, lexical_weight: float = LEXICAL_WEIGHT
    ) -> None:
        index.check_encoder(document_fingerprint(model))
        self.model = model
        self._scorer = Scorer(index, lexical_weight=lexical_weight)

    @classmethod
    def build(
        cls,
        documents: Iterable[DocumentLike],
        model: Model,
        folder: str | Path,
        *,
        device: str = "auto",
        dtype: TokenType = "float16",
        inputs: dict[str, str] | None = None,
        made_by: dict[str, str] | None = None,
        progress: Progress | bool = False,
    ) -> "Retriever":
        """Encode documents and write their index; an index in `folder` is replaced when all is well.

        Args:
            documents: taken one at a time; see `DocumentLike` for their forms. Empty ones are left out.
            model: its document route encodes them; a loaded encoder stays on its own device.
            folder: where the index is written.
            device: where a model given by name computes; see `choose_device`.
            dtype: precision of the stored vectors.
            inputs: checksums of the files that the documents came from, for the manifest.
            made_by: for an index in a cache (see `storage.made_by`).
            progress: True draws a bar on stderr; or a function that is called after each document.

        Raises:
            DataError: an id is blank or comes twice, or no document has any text.
            ArtefactError: an embedding holds NaN, the disk refuses, or `folder` holds something else.
                What was there before is unchanged.
            TypeError: a document has none of the known forms.
        """
        encoder = loaded(model, device)
        with reporting(progress) as tell:
            index = ExactIndex.create(
                Path(folder),
                _entries(documents_of(documents), encoder, tell, total=_length(documents)),
                encoder=document_fingerprint(encoder),
                dtype=dtype,
                inputs=inputs,
                made_by=made_by,
            )
        return cls(index, encoder)

    @classmethod
    def open(
        cls,
        folder: str | Path,
        model: Model,
        *,
        device: str = "auto",
        lexical_weight: float = LEXICAL_WEIGHT,
    ) -> "Retriever":
        """Open an index with a model that fits it.

        Args:
            folder: the index.
            model: a loaded encoder stays on its own device.
            device: where a model given by name computes; see `choose_device`.
            lexical_weight: as of `Retriever`.

        Raises:
            ArtefactError: the index is missing or damaged, or another document encoder built it.
        """
        index = ExactIndex.open(Path(folder))
        return cls(index, loaded(model, device), lexical_weight=lexical_weight)

    @property
    def index(self) -> Index:
        """The index at the version that is searched."""
        return self._scorer.index

    @property
    def counts(self) -> dict[str, int]:
        """`documents`, `tokens`, and `empty_documents` that were left out."""
        return self.index.counts

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"Retriever({len(self)} documents, lexical_weight={self._scorer.lexical_weight})"

    def add(
        self,
        documents: Iterable[DocumentLike],
        *,
        inputs: dict[str, str] | None = None,
        progress: Progress | bool = False,
    ) -> None:
        """Publish and search a version of the index with more documents.

        Args:
            documents: in the forms of `build`; plain texts are numbered on from the highest number among the ids.
            inputs: as of `build`.
            progress: as of `build`.

        Raises:
            DataError: an id is blank, comes twice or is in the index already.
            ArtefactError: as `build`.
        """
        first = 1 + max((int(each) for each in self.index.doc_ids if each.isdecimal()), default=-1)
        with reporting(progress) as tell:
            entries = _entries(
                documents_of(documents, first=first), self.model, tell, total=_length(documents)
            )
            self._scorer.index = self.index.add(entries, inputs=inputs)

    def delete(self, doc_ids: Iterable[str]) -> None:
        """Publish and search a version of the index without some documents.

        Args:
            doc_ids: a list of ids; a single id is `["d7"]`.

        Raises:
            DataError: an id is not in the index, or no document would be left. Then nothing is deleted.
            TypeError: one text in the place of a list.
        """
        refuse_one_text(doc_ids, "document ids")
        self._scorer.index = self.index.delete(doc_ids)

    def verify(self) -> None:
        """Read the whole index and check every checksum and number.

        Raises:
            ArtefactError: a file is damaged, or a vector holds NaN or infinity.
        """
        self.index.verify()

    def document(self, doc_id: str) -> Document:
        """One document.

        Raises:
            DataError: the index has no such id.
        """
        return self.index.document(self._row(doc_id))

    def search(self, question: str, k: int = 10, ranking: Ranking = "hybrid") -> Hits:
        """Answer one question.

        Args:
            question: in the language of the model's query route.
            k: number of hits, >= 1.
            ranking: `hybrid`, `dense` (the model alone) or `bm25` (the words of the question alone).

        Returns:
            At most k hits, best first. With `bm25` a document must share a part of a word with the question.

        Raises:
            DataError: the question has no tokens.
            ArtefactError: the model is damaged, its embedding holds NaN; or the index is damaged.
        """
        query = Query("1", normalise_typed(question), "und")
        (tokens,) = self._encoded([query], [ranking])
        ((found,),) = self._scorer.answers([query], [tokens], k, [ranking])
        rows = [int(row) for row in found[0]]
        documents = [self.index.document(row) for row in rows]
        matrices = [self.index.document_tokens(row) for row in rows]
        snippets = self._snippets(documents, matrices, tokens)
        hits = (
            Hit(document.doc_id, score, document.title, document.text, passage)
            for document, score, passage in zip(documents, found[1].tolist(), snippets, strict=True)
        )
        return Hits(query.text, ranking, tuple(hits))

    def rank(
        self,
        queries: Iterable[QueryLike] | Mapping[str, str],
        k: int = 1000,
        ranking: Ranking = "hybrid",
        *,
        progress: Progress | bool = False,
    ) -> Run:
        """Answer many questions at a time; arguments and errors as `rank_by_each`."""
        return self.rank_by_each(queries, k, [ranking], progress=progress)[ranking]

    def rank_by_each(
        self,
        queries: Iterable[QueryLike] | Mapping[str, str],
        k: int = 1000,
        rankings: Sequence[Ranking] = get_args(Ranking),
        *,
        progress: Progress | bool = False,
    ) -> dict[Ranking, Run]:
        """Answer many questions by several rankings for the cost of one.

        Args:
            queries: `Query` records, texts, `(id, text)` pairs, or a mapping of ids to texts.
            k: documents kept per query, >= 1.
            rankings: which.
            progress: True draws bars on stderr; or a function that is called while queries are encoded and after
                each batch of rankings.

        Returns:
            A run per ranking: scores by query id and document id, best first.

        Raises:
            DataError: two queries share an id, or one has no tokens.
            ArtefactError: an encoded question holds NaN, or the index is damaged.
            TypeError: a query has none of the known forms.
        """
        asked = queries_of(queries)
        with reporting(progress) as tell:
            tell("encoding queries", 0, len(asked))
            tokens = self._encoded(asked, rankings)
            tell("encoding queries", len(asked), len(asked))
            return self._scorer.rank_by_each(asked, tokens, k=k, rankings=rankings, progress=tell)

    def explain(self, question: str, doc_id: str) -> Explanation:
        """Say why a document answers a question: which word met which, and what each adds to the score.

        Args:
            question: in the language of the model's query route.
            doc_id: any document of the index, found by a search or not.

        Raises:
            DataError: the question has no tokens, or the index has no such document.
        """
        row = self._row(doc_id)
        query = Query("1", normalise_typed(question), "und")
        (tokens,) = self._encoded([query], ["hybrid"])
        return explanation(
            self.model,
            document=self.index.document(row),
            question=query.text,
            similarity=tokens.astype(np.float64) @ self.index.document_tokens(row).T.astype(np.float64),
            parts=self._scorer.parts(query, tokens, row),
            grams=self.index.lexical_matches(query.text, row),
        )

    def rerank(self, question: str, documents: Iterable[DocumentLike]) -> Hits:
        """Order documents that are not in the index by how well they answer a question.

        Args:
            question: in the language of the model's query route.
            documents: in the forms of `build`; a plain text takes its position as its id.

        Returns:
            All of them, best first. The score is the mean over the question's tokens of the cosine with
            the nearest token of the document: at most 1.

        Raises:
            DataError: the question or a document has no tokens.
        """
        query = Query("1", normalise_typed(question), "und")
        found = list(documents_of(documents))
        (tokens,) = self._encoded([query], ["dense"])
        self._scorer.check(query, tokens)
        matrices = list(encode_documents(self.model, [document.content for document in found]))
        for document, matrix in zip(found, matrices, strict=True):
            if len(matrix) == 0:
                raise DataError(f"document {document.doc_id!r} has no tokens: its text is {document.text!r}")
        scores = (maxsim_exact(tokens, matrices) / len(tokens)).tolist() if found else []
        snippets = self._snippets(found, matrices, tokens)
        hits = [
            Hit(document.doc_id, score, document.title, document.text, passage)
            for document, score, passage in zip(found, scores, snippets, strict=True)
        ]
        return Hits(query.text, "dense", tuple(sorted(hits, key=lambda hit: -hit.score)))

    def _encoded(self, queries: Sequence[Query], rankings: Sequence[Ranking]) -> list[np.ndarray]:
        if set(rankings) == {"bm25"}:  # it needs no vectors
            return [np.empty((0, self.index.dim), np.float32)] * len(queries)
        return list(encode_queries(self.model, [query.text for query in queries]))

    def _snippets(
        self, documents: Sequence[Document], matrices: Sequence[np.ndarray], query_tokens: np.ndarray
    ) -> list[str]:
        """One per document; only the long ones are tokenised."""
        found = [snippet(document.text) for document in documents]
        long = [place for place, document in enumerate(documents) if len(document.text) > SNIPPET]
        if not len(query_tokens) or not long:
            return found
        contents = [documents[place].content for place in long]
        for place, spans in zip(long, scored_spans(self.model, contents, "document"), strict=True):
            text = documents[place].text
            before = len(documents[place].content) - len(text)
            similarity = query_tokens @ matrices[place].T.astype(np.float32)
            found[place] = snippet(text, spans - before, similarity)
        return found

    def _row(self, doc_id: str) -> int:
        try:
            return self.index.row(doc_id)
        except KeyError:
            raise DataError(f"the index holds no document {doc_id!r}") from None


def loaded(model: Model, device: str) -> MultiVectorEncoder:
    """Load a model that is given by name; a loaded encoder is returned as it is.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(model, str):
        return load_model(model, device=device)
    if isinstance(model, PathLike):
        return load_model(Path(model), device=device)
    if not isinstance(model, MultiVectorEncoder):
        raise TypeError(f"model is {model!r}: expected a name, a folder or a loaded encoder")
    return model


def _entries(
    documents: Iterable[Document], model: MultiVectorEncoder, progress: Progress, *, total: int
) -> Iterator[Entry]:
    """Documents with their token matrices; the encoder reads a few hundred ahead."""
    kept, to_encode = tee(documents)
    matrices = encode_documents(model, (document.content for document in to_encode))
    for number, entry in enumerate(zip(kept, matrices, strict=True), start=1):
        yield entry
        progress("encoding documents", number, total)


def _length(documents: Iterable[DocumentLike]) -> int:
    """Number of documents; 0 if it is not known beforehand."""
    return len(documents) if isinstance(documents, Sized) else 0
