"""A model with its index: build it from documents, open it, and ask questions in any language."""

import copy
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
from sentence_transformers import MultiVectorEncoder

from opticlir.data.in_memory import DocumentLike, QueryLike, queries_of, refuse_one_text
from opticlir.encoder import Windows, centred, document_fingerprint, english_reader, refuse_pooled
from opticlir.errors import DataError
from opticlir.progress import Check, Progress, never, reporting, silent
from opticlir.records import Document, Query, Ranking, Run
from opticlir.search.answering import answer, why
from opticlir.search.codecs import Store
from opticlir.search.document_ids import DocumentIds, checked_documents
from opticlir.search.encoding import encoded, vectors_of, with_mean
from opticlir.search.exact import ExactIndex
from opticlir.search.explanation import Explanation
from opticlir.search.hits import Hits
from opticlir.search.hybrid import LEXICAL_WEIGHT
from opticlir.search.index import Index
from opticlir.search.index_stats import IndexStats
from opticlir.search.models import Model, loaded
from opticlir.search.passages import long_documents
from opticlir.search.questions import encode_known, encode_questions, typed, warn_of_questions
from opticlir.search.recall import measured_recall, sample_sentences
from opticlir.search.reranking import rerank
from opticlir.search.scoring import QueryTokens, Scorer, check_query_ids
from opticlir.search.shards import Shards
from opticlir.translation import QuestionTranslator

_NOT_TRANSLATED = "the translation is the question itself: the translator knows none of its words"


class Retriever:
    """Ranks the documents of an index for questions that its model reads.

    `build` or `open` makes one. Models with the same English document encoder can open the same folder:
    one index answers all their languages.

    Args:
        index: what is searched.
        model: the loaded encoder; its query route reads the questions.
        lexical_weight: weight of the BM25 z-score in the hybrid ranking; that of the dense z-score is 1; >= 0.

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
        if index.mean is not None:
            model = centred(model, index.mean)
        index.check_encoder(document_fingerprint(model), vectors_of(model))
        self.model = model
        self.windows = Windows(model, *index.windows)
        """Cuts long documents in the same way as those of the index."""
        self._scorer = Scorer(index, lexical_weight=lexical_weight, device=str(model.device))

    @classmethod
    def build(  # noqa: PLR0913 - each is an option of `opticlir index`
        cls,
        documents: Iterable[DocumentLike],
        model: Model,
        folder: str | Path,
        *,
        device: str = "auto",
        weights_dtype: str = "auto",
        store: Store = "float16",
        store_dim: int | None = None,
        window: int | None = None,
        stride: int | None = None,
        centre: bool = False,
        approximate: bool | None = None,
        inputs: dict[str, str] | None = None,
        made_by: dict[str, str] | None = None,
        progress: Progress | bool = False,
    ) -> "Retriever":
        """Encode documents and write their index. It replaces an index in `folder` once it is complete.

        Args:
            documents: taken one at a time; `DocumentLike` lists their forms. Empty ones are left out and counted.
            model: its document route encodes them; a loaded encoder stays on its own device.
            folder: where the index is written.
            device: where a model given by name computes; see `choose_device`.
            weights_dtype: number format of its weights; see `load_model`.
            store: how a number of a stored vector is kept: `float32`, `float16`, `int8`, `4bit` or `2bit`.
            store_dim: numbers of a stored vector, by a projection fitted on the first documents; None keeps all.
                A collection of fewer than 4,096 token vectors is stored in float16 at full width.
            window: tokens of a passage, with special tokens. A longer document is kept as several passages, and
                scores as the best of them (MaxP). None takes as many as the model reads.
            stride: tokens from the start of a passage to the start of the next; None takes half of the window. 0
                keeps only the first passage of each document.
            centre: subtract the mean token of the first 1,024 documents from all vectors, of documents and
                questions. It helps encoders that were not trained for MaxSim.
            approximate: whether a search estimates the scores, and computes only the best ones. None decides by the
                size. How many of the ten best it finds is measured, with sentences of the documents as questions;
                see `measure_recall`.
            inputs: checksums of the files that the documents came from, for the manifest.
            made_by: for an index in a cache (see `storage.made_by`).
            progress: True draws a bar on stderr. A function is called after each document.

        Raises:
            DataError: an id is blank or comes twice, or no document has any text.
            ArtefactError: an embedding holds NaN, the disk cannot be written, or `folder` holds something
                else. The old index is unchanged.
            SettingsError: the model cannot read such a window, or the stride is longer than the window.
            TypeError: a document has none of the known forms.
        """
        stream, mean = checked_documents(documents), None
        given = encoder = loaded(model, device, weights_dtype)
        if centre:
            stream, mean = with_mean(stream, given)
            encoder = centred(given, mean)
        windows = Windows(encoder, window, stride)
        with reporting(progress) as tell:
            index = ExactIndex.create(
                Path(folder),
                encoded(stream, encoder, windows, progress=tell, total=_length(documents)),
                encoder=document_fingerprint(encoder),
                vectors=vectors_of(encoder),
                mean=mean,
                store=store,
                store_dim=store_dim,
                windows=(windows.size, windows.stride),
                approximate=approximate,
                inputs=inputs,
                made_by=made_by,
            )
        return cls(index, given)._with_measured_recall()

    @classmethod
    def from_shards(
        cls,
        shards: str | Path,
        model: Model,
        folder: str | Path,
        *,
        device: str = "auto",
        store: Store = "float16",
        store_dim: int | None = None,
        approximate: bool | None = None,
        progress: Progress | bool = False,
    ) -> "Retriever":
        """Write the index of a corpus that `opticlir encode` has encoded; nothing is encoded again.

        Args:
            shards: the folder with all shards of the corpus.
            model: has the document encoder that encoded them.
            folder: as for `build`.
            device: as for `build`.
            store: as for `build`.
            store_dim: as for `build`.
            approximate: as for `build`.
            progress: as for `build`.

        Raises:
            ArtefactError: a shard is missing or damaged, or another encoder wrote them; or as for `build`.
            DataError: two documents have the same id.
        """
        found, encoder = Shards(Path(shards)), loaded(model, device)
        found.check_encoder(document_fingerprint(encoder), vectors_of(encoder))
        with reporting(progress) as tell:
            index = ExactIndex.create(
                Path(folder), found.entries(tell), encoder=found.plan.encoder, vectors=found.vectors, store=store,
                store_dim=store_dim, windows=(found.plan.window, found.plan.stride),
                approximate=approximate, inputs=found.plan.inputs,
            )  # fmt: skip
        return cls(index, encoder)._with_measured_recall()

    @classmethod
    def open(
        cls,
        folder: str | Path,
        model: Model,
        *,
        device: str = "auto",
        weights_dtype: str = "auto",
        lexical_weight: float = LEXICAL_WEIGHT,
    ) -> "Retriever":
        """Open an index with a model that fits it.

        Args:
            folder: the index.
            model: a loaded encoder stays on its own device.
            device: where a model given by name computes; see `choose_device`.
            weights_dtype: number format of its weights; see `load_model`.
            lexical_weight: as for `Retriever`.

        Raises:
            ArtefactError: the index is missing or damaged, or another document encoder built it.
        """
        index = ExactIndex.open(Path(folder))
        return cls(index, loaded(model, device, weights_dtype), lexical_weight=lexical_weight)

    @property
    def index(self) -> Index:
        """The index at the version that is searched."""
        return self._scorer.index

    @property
    def counts(self) -> dict[str, int]:
        """`documents`, `passages`, `tokens`, and others; see `ExactIndex.counts`."""
        return self.index.counts

    @property
    def long_documents(self) -> str:
        """How documents that are longer than a passage are indexed, in words; empty if there are none."""
        return long_documents(self.counts, self.windows.size)

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"Retriever({len(self)} documents, lexical_weight={self._scorer.lexical_weight})"

    @cached_property
    def in_english(self) -> "Retriever":
        """The same index for English questions: the teacher, which encoded the documents, reads them."""
        english = copy.copy(self)
        english.model = english_reader(self.model)
        return english

    def add(
        self,
        documents: Iterable[DocumentLike],
        *,
        update: bool = False,
        inputs: dict[str, str] | None = None,
        progress: Progress | bool = False,
    ) -> None:
        """Publish a version of the index with more documents, and search it from now on.

        Args:
            documents: in the forms of `build`, cut into passages as those in the index. The ids of plain texts
                continue from the highest number among the ids.
            update: whether a document may have the id of one in the index, and takes its place.
            inputs: as for `build`.
            progress: as for `build`.

        Raises:
            DataError: an id is blank, comes twice, or is in the index already and `update` is False.
            ArtefactError: as for `build`.
        """
        first = 1 + max((int(each) for each in self.index.doc_ids if each.isdecimal()), default=-1)
        ids = DocumentIds(self.index.id_like, replaces=update)
        new = checked_documents(documents, first=first, ids=ids)
        change = self.index.update if update else self.index.add
        with reporting(progress) as tell:
            entries = encoded(new, self.model, self.windows, progress=tell, total=_length(documents))
            self._scorer.index = change(entries, inputs=inputs)

    def optimize(self) -> None:
        """Write the index as one segment without deleted documents. Answers stay the same; nothing is encoded."""
        self._scorer.index = self.index.optimize()

    def snapshot(self, folder: str | Path) -> None:
        """Publish the current version of the index in another folder as well.

        On the same file system its files share the space of those here (hard links).

        Args:
            folder: absent, empty, or an index, which is replaced.

        Raises:
            ArtefactError: `folder` holds something else, or overlaps the index, or the disk cannot be written.
        """
        self.index.snapshot(Path(folder))

    def stats(self) -> IndexStats:
        """What the index holds and takes on disk and in memory."""
        return self.index.stats()

    def delete(self, doc_ids: Iterable[str]) -> None:
        """Publish a version of the index without some documents, and search it from now on.

        Args:
            doc_ids: a list of ids; a single id is `["d7"]`.

        Raises:
            DataError: an id is not in the index, or no document would be left. Then nothing is deleted.
            TypeError: `doc_ids` is one text instead of a list.
        """
        refuse_one_text(doc_ids, "document ids")
        self._scorer.index = self.index.delete(doc_ids)

    def measure_recall(self, questions: Sequence[str], *, language: str) -> float:
        """Measure how many of the ten best of an exact search the approximate one finds, and record it in the index.

        Args:
            questions: such as the foreign side of held-out bitext; at least one that the model knows a word of.
            language: their code, by which `stats` prints the figure.

        Returns:
            The mean share, 0 to 1.

        Raises:
            DataError: the model knows no word of the questions.
            SettingsError: the index is searched exactly.
        """
        refuse_one_text(questions, "questions")
        queries = [typed(question) for question in questions]
        return self._record_recall(language, queries, encode_questions(self.model, queries))

    def _with_measured_recall(self) -> "Retriever":
        """Measure the recall with sentences of the documents as questions, where searches are approximate."""
        if self.index.is_approximate:
            sentences = sample_sentences(self.index)
            found = encoded(sentences, self.model, self.windows)
            tokens = [next((each.tokens for each in passages), None) for _, passages in found]
            self._record_recall("eng", [typed(each.text) for each in sentences], tokens)
        return self

    def _record_recall(self, language: str, queries: Sequence[Query], tokens: Sequence[QueryTokens]) -> float:
        found = measured_recall(self._scorer, queries, tokens)
        self._scorer.index = self.index.with_recall(language, found)
        return found.recall

    def verify(self) -> None:
        """Read the whole index and check every checksum and number.

        Raises:
            ArtefactError: a file is damaged, or a vector holds NaN or infinity.
        """
        self.index.verify()

    def document(self, doc_id: str) -> Document:
        """Return one document.

        Raises:
            DataError: the index has no such id.
        """
        return self.index.get(doc_id)

    def search(
        self,
        question: str,
        k: int = 10,
        ranking: Ranking = "hybrid",
        *,
        filter: str | None = None,  # noqa: A002 - the word of the field
        exact: bool = False,
        explain: bool = False,
        translator: QuestionTranslator | None = None,
    ) -> Hits:
        """Answer one question.

        Args:
            question: in the language of the model's query route.
            k: number of hits, >= 1.
            ranking: `hybrid`, `dense` (the model alone) or `bm25` (the words of the question alone).
            filter: which documents may be found, by their metadata fields: `year >= 2020 and source = "who"`. Scores
                and order of these are those of the search without it.
            exact: score every document, also where the index is searched approximately; see `gathering`.
            explain: add to each hit why it was found, as `explain` says it.
            translator: search for its translation of the question: `in_english` reads this, and so does BM25. An
                explanation is then of the words of `Hits.translation`.

        Returns:
            At most k hits, best first. With `bm25` a document must share a part of a word with the question. If
            the model knows no word of the question, `hybrid` is BM25 alone, `dense` finds nothing, and
            `Hits.notes` says so.

        Raises:
            DataError: the question has no tokens.
            SettingsError: the filter is none, or does not fit the fields.
            ArtefactError: the model is damaged (its embedding holds NaN), or the index is damaged.
            SetupError: the translator fails.
        """
        if translator is not None:
            asked = typed(question).text
            translation = translator.translate(asked)
            hits = self.in_english.search(
                translation.text, k, ranking, filter=filter, exact=exact, explain=explain
            )
            unknown = (_NOT_TRANSLATED,) if translation.text == asked else ()
            return replace(hits, question=asked, translation=translation, notes=(*unknown, *hits.notes))
        (hits,) = self.search_many([question], k, ranking, filter=filter, exact=exact, explain=explain)
        return hits

    def search_many(
        self,
        questions: Sequence[str],
        k: int = 10,
        ranking: Ranking = "hybrid",
        *,
        filter: str | None = None,  # noqa: A002
        exact: bool = False,
        explain: bool = False,
        check: Check = never,
    ) -> list[Hits]:
        """Answer questions together: they are encoded in one batch, and the index is read once.

        Args:
            questions: as for `search`.
            k: as for `search`.
            ranking: as for `search`.
            filter: as for `search`.
            exact: as for `search`.
            explain: as for `search`.
            check: called several times during the search; an exception that it raises ends the search.

        Raises:
            DataError: a question has no tokens.
            SettingsError: as for `search`.
            ArtefactError: as for `search`.
        """
        refuse_one_text(questions, "questions")
        if explain:
            refuse_pooled(self.model, "an explanation")
        queries = [typed(question) for question in questions]
        needed: list[Ranking] = ["hybrid"] if explain else [ranking]
        allowed = self._allowed(filter)
        tokens = self._encoded(queries, needed)
        scores = self._scorer.scored(queries, tokens, needed, allowed=allowed, exact=exact, check=check)
        answers = []
        for query, scored in zip(queries, scores, strict=True):
            check()
            answers.append(
                answer(self.model, self.index, query, scored, k=k, ranking=ranking, explain=explain)
            )
        return answers

    def rank(
        self,
        queries: Iterable[QueryLike] | Mapping[str, str],
        k: int = 1000,
        ranking: Ranking = "hybrid",
        *,
        filter: str | None = None,  # noqa: A002
        exact: bool = False,
        translator: QuestionTranslator | None = None,
        progress: Progress | bool = False,
    ) -> Run:
        """Answer many questions by one ranking; `translator` as for `search`, all else as for `rank_by_each`."""
        if translator is None:
            return self.rank_by_each(queries, k, [ranking], filter=filter, exact=exact, progress=progress)[
                ranking
            ]
        asked = queries_of(queries)
        english = [
            replace(query, text=translation.text)
            for query, translation in zip(
                asked, translator.translate_all([each.text for each in asked]), strict=True
            )
        ]
        return self.in_english.rank(english, k, ranking, filter=filter, exact=exact, progress=progress)

    def rank_by_each(
        self,
        queries: Iterable[QueryLike] | Mapping[str, str],
        k: int = 1000,
        rankings: Sequence[Ranking] = get_args(Ranking),
        *,
        filter: str | None = None,  # noqa: A002
        exact: bool = False,
        progress: Progress | bool = False,
    ) -> dict[Ranking, Run]:
        """Answer many questions by several rankings at the cost of one.

        Args:
            queries: `Query` records, texts, `(id, text)` pairs, or a mapping of ids to texts.
            k: documents kept per query, >= 1.
            rankings: their names, each once.
            filter: as for `search`.
            exact: as for `search`.
            progress: True draws bars on stderr. A function is called while queries are encoded, and after each
                batch is ranked.

        Returns:
            A run per ranking: scores by query id and document id, best first. A query without tokens finds
            nothing; a warning is logged.

        Raises:
            DataError: two queries share an id, or an id is not allowed.
            SettingsError: as for `search`.
            ArtefactError: an encoded question holds NaN, or the index is damaged.
            TypeError: a query has none of the known forms.
        """
        asked = queries_of(queries)
        check_query_ids(asked)
        is_dense, allowed = set(rankings) != {"bm25"}, self._allowed(filter)
        with reporting(progress) as tell:
            tokens = self._encoded(asked, rankings, progress=tell)
            readable = [
                place for place, each in enumerate(tokens) if each is None or len(each) or not is_dense
            ]
            runs = self._scorer.rank_by_each(
                [asked[place] for place in readable], [tokens[place] for place in readable],
                k=k, rankings=rankings, allowed=allowed, exact=exact, progress=tell,
            )  # fmt: skip
        if is_dense:
            warn_of_questions(self.model, asked, tokens)
        return {
            name: {each.query_id: run.get(each.query_id, {}) for each in asked} for name, run in runs.items()
        }

    def explain(self, question: str, doc_id: str) -> Explanation:
        """Say why a document answers a question: which words match, and what each adds to the score.

        Args:
            question: in the language of the model's query route.
            doc_id: any document of the index, found by a search or not.

        Raises:
            DataError: the model knows no word of the question, or the index has no such document.
            ArtefactError: the model gives one pooled vector per text, or reads other tokens in the document
                than the index holds.
        """
        refuse_pooled(self.model, "an explanation")
        row = self._row(doc_id)
        query = typed(question)
        tokens = encode_known(self.model, query)
        (scored,) = self._scorer.scored([query], [tokens], ["hybrid"])
        document, passage = self.index.document(row), self.index.best_passage(tokens, row)
        return why(self.model, self.index, query, scored, row, document, passage)

    def rerank(self, question: str, documents: Iterable[DocumentLike]) -> Hits:
        """Order documents that are not in the index by how well they answer a question.

        Args:
            question: in the language of the model's query route.
            documents: in the forms of `build`, cut into passages as those of the index. The id of a plain text is
                its position.

        Returns:
            All of them, best first. The score is the mean over the question's tokens of the cosine with
            the nearest token of the document: at most 1. Equal scores keep the order of the documents.

        Raises:
            DataError: the model knows no word of the question, or a document has no tokens.
        """
        return rerank(self.model, question, documents, self.windows)

    def _encoded(
        self, queries: Sequence[Query], rankings: Sequence[Ranking], *, progress: Progress = silent
    ) -> list[QueryTokens]:
        if set(rankings) == {"bm25"}:  # it needs no vectors
            return [np.empty((0, self.index.dim), np.float32)] * len(queries)
        return encode_questions(self.model, queries, progress=progress)

    def _allowed(self, condition: str | None) -> np.ndarray | None:
        return None if condition is None else self.index.matching(condition)

    def _row(self, doc_id: str) -> int:
        try:
            return self.index.row(doc_id)
        except KeyError:
            raise DataError(f"the index holds no document {doc_id!r}") from None


def _length(documents: Iterable[DocumentLike]) -> int:
    """Number of documents; 0 if it is unknown before they are read."""
    return len(documents) if isinstance(documents, Sized) else 0
