"""A model as MTEB measures it (Muennighoff et al., EACL 2023): our index and ranking behind its search protocol.

MTEB takes an encoder of `load_model` as it is and scores its vectors alone. What a search of ours answers is the
hybrid ranking, with BM25 beside the vectors; this is the way to measure that.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sentence_transformers import MultiVectorEncoder

from opticlir.artefacts import key_of
from opticlir.benchmark import cached_retriever
from opticlir.encoder import route_fingerprint
from opticlir.errors import DataError, SetupError
from opticlir.records import Document, Query, Run, ranked
from opticlir.search import Ranking, Retriever
from opticlir.storage import LIBRARIES, made_by


class MtebSearch:
    """Answers MTEB's retrieval and reranking tasks by one of our rankings.

    Args:
        model: encodes queries and documents.
        name: what MTEB shall call it; the ranking is added.
        index_cache: the index of each corpus is kept here, as by `run_benchmark`.
        ranking: which scores to rank by.

    Example:
        `mteb.evaluate(MtebSearch(load_model("swahili"), name="swahili", index_cache=Path("cache")),
        mteb.get_task("BelebeleRetrieval", hf_subsets=["eng_Latn-swh_Latn"]))`
    """

    def __init__(
        self, model: MultiVectorEncoder, *, name: str, index_cache: Path, ranking: Ranking = "hybrid"
    ) -> None:
        self.model = model
        self.name = name
        self.index_cache = index_cache
        self.ranking = ranking
        self._retriever: Retriever | None = None

    @property
    def mteb_model_meta(self) -> Any:
        """MTEB's `ModelMeta`; the revision is a hash of both routes and our source: MTEB keeps results under it.

        Raises:
            SetupError: mteb is not installed.
        """
        try:
            from mteb.models.model_meta import ModelMeta  # noqa: PLC0415 - an extra
        except ImportError:
            raise SetupError("mteb is not installed: pip install 'opticlir[mteb]'") from None
        routes = "".join(route_fingerprint(self.model, task) for task in ("query", "document"))
        return ModelMeta.create_empty(
            overwrites={
                "name": f"opticlir/{self.name}-{self.ranking}",
                "revision": key_of({"routes": routes, "made_by": made_by(MtebSearch, *LIBRARIES)})[:16],
                "model_type": ["late-interaction"],
            }
        )

    def index(self, corpus: Iterable[Mapping[str, Any]], **_: Any) -> None:
        """Encode the documents of a task, or open the index that was built of them before.

        Args:
            corpus: rows with `id`, `text` and perhaps `title`.

        Raises:
            DataError: a row is no text.
        """
        documents = [
            Document(row["id"], _text(row, "text"), _text(row, "title") if row.get("title") else "")
            for row in corpus
        ]
        self._retriever = cached_retriever(documents, self.model, self.index_cache)

    def search(
        self,
        queries: Iterable[Mapping[str, Any]],
        *,
        top_k: int,
        top_ranked: Mapping[str, Sequence[str]] | None = None,
        **_: Any,
    ) -> Run:
        """Rank the documents for the queries of a task.

        Args:
            queries: rows with `id` and `text`.
            top_k: documents kept per query.
            top_ranked: the only documents that may answer, by query, in a reranking task.

        Returns:
            Score by query and document; a query that found nothing has no document.

        Raises:
            ValueError: `index` was not called.
            DataError: a row is no text, or a query has no tokens.
        """
        if self._retriever is None:
            raise ValueError("index the documents of a task before its queries are asked")
        asked = [Query(row["id"], _text(row, "text"), "und") for row in queries]
        kept = top_k if top_ranked is None else len(self._retriever)
        run = self._retriever.rank(asked, kept, self.ranking)
        found: Run = {}
        for query in asked:
            allowed = None if top_ranked is None else top_ranked[query.query_id]
            found[query.query_id] = _best(run.get(query.query_id, {}), allowed, top_k)
        return found


def _best(ranking: dict[str, float], allowed: Sequence[str] | None, top_k: int) -> dict[str, float]:
    """The first documents of a ranking, best first, among those that may answer."""
    answers = (
        ranking if allowed is None else {doc_id: ranking[doc_id] for doc_id in allowed if doc_id in ranking}
    )
    return {doc_id: ranking[doc_id] for doc_id in ranked(answers)[:top_k]}


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise DataError(f"{row.get('id')}: expected text under {key}, found {type(value).__name__}")
    return value
