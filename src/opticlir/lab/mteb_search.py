"""Our index and rankings behind the search protocol of MTEB (Muennighoff et al., EACL 2023).

MTEB also takes an encoder of `load_model` directly, but then it scores the vectors alone. `MtebSearch` measures the
hybrid ranking of vectors and BM25, which is what a search with opticlir returns.
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
    """Answers MTEB's retrieval and reranking tasks with one of our rankings.

    Args:
        model: encodes queries and documents.
        name: name of the model in MTEB; the ranking is added to it.
        index_cache: folder for the index of each corpus, as in `run_benchmark`.
        ranking: scores to rank by.

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
        """MTEB's `ModelMeta`. MTEB keeps results by its revision, which is a hash of both routes and our source.

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
        """Encode the documents of a task, or open an index that was built before.

        Args:
            corpus: rows with `id`, `text` and optionally `title`.

        Raises:
            DataError: a row has no text.
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
            top_k: documents per query.
            top_ranked: in a reranking task, the documents to rank, by query.

        Returns:
            Score by query and document; a query without hits has no document.

        Raises:
            ValueError: `index` was not called.
            DataError: a row has no text, or a query has no tokens.
        """
        if self._retriever is None:
            raise ValueError("call `index` with the documents of a task before `search`")
        asked = [Query(row["id"], _text(row, "text"), "und") for row in queries]
        kept = top_k if top_ranked is None else len(self._retriever)
        run = self._retriever.rank(asked, kept, self.ranking)
        found: Run = {}
        for query in asked:
            allowed = None if top_ranked is None else top_ranked[query.query_id]
            found[query.query_id] = _best(run.get(query.query_id, {}), allowed, top_k)
        return found


def _best(ranking: dict[str, float], allowed: Sequence[str] | None, top_k: int) -> dict[str, float]:
    """Return the first documents of a ranking, best first, among the allowed ones."""
    answers = (
        ranking if allowed is None else {doc_id: ranking[doc_id] for doc_id in allowed if doc_id in ranking}
    )
    return {doc_id: ranking[doc_id] for doc_id in ranked(answers)[:top_k]}


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str):
        raise DataError(f"{row.get('id')}: expected text under {key}, found {type(value).__name__}")
    return value
