"""MTEB measures our models: their vectors alone as they are, and our rankings through the search protocol."""

import sys

import pytest

import tiny_models
from opticlir.encoder import load_model
from opticlir.errors import DataError, SetupError
from opticlir.evaluation import evaluate, mean_scores
from opticlir.lab.mteb_search import MtebSearch

CORPUS = [{"id": f"d{at:02d}", "text": text, "title": ""} for at, text in enumerate(tiny_models.ENGLISH)]
QUERIES = [{"id": f"q{at}", "text": tiny_models.SWAHILI[at]} for at in range(8, 13)]
QRELS = {row["id"]: {f"d{int(row['id'][1:]):02d}": 1} for row in QUERIES}


@pytest.fixture(scope="module")
def model(checkpoints):
    return load_model(checkpoints["crosslingual"])


@pytest.fixture
def searched(model, tmp_path):
    def searched(ranking):
        search = MtebSearch(model, name="tiny", index_cache=tmp_path, ranking=ranking)
        search.index(CORPUS, task_metadata=None)
        return search

    return searched


def test_rankings_are_those_of_a_search_of_ours(searched):
    runs = {ranking: searched(ranking).search(QUERIES, top_k=20) for ranking in ("hybrid", "dense", "bm25")}
    assert all(len(ranking) == 20 for ranking in runs["hybrid"].values())
    assert runs["bm25"]["q9"].keys() == {"d09"}, "malaria is a word of both languages, and nothing else is"
    assert runs["hybrid"]["q9"]["d09"] == max(runs["hybrid"]["q9"].values())
    assert runs["dense"] != runs["hybrid"]


def test_the_best_are_kept_and_candidates_are_kept_to(searched):
    search = searched("dense")
    full = search.search(QUERIES, top_k=20)["q8"]
    assert search.search(QUERIES, top_k=3)["q8"] == dict(sorted(full.items(), key=lambda hit: -hit[1])[:3])
    allowed = {row["id"]: ["d03", "d19", "d07"] for row in QUERIES}
    few = search.search(QUERIES, top_k=2, top_ranked=allowed)["q8"]
    assert few == dict(sorted(((each, full[each]) for each in allowed["q8"]), key=lambda hit: -hit[1])[:2])


def test_what_is_refused(model, tmp_path):
    search = MtebSearch(model, name="tiny", index_cache=tmp_path)
    with pytest.raises(ValueError, match="call `index` with the documents of a task"):
        search.search(QUERIES, top_k=3)
    with pytest.raises(DataError, match="d1: expected text under text, found NoneType"):
        search.index([{"id": "d1", "image": 1}])


def test_without_mteb(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb.models.model_meta", None)
    with pytest.raises(SetupError, match=r"mteb is not installed: pip install 'opticlir\[mteb\]'"):
        _ = MtebSearch(model, name="tiny", index_cache=tmp_path).mteb_model_meta


@pytest.fixture(scope="module")
def task():
    """A retrieval task of MTEB's own kind, from memory."""
    pytest.importorskip("mteb", reason="the extra `mteb` is not installed")
    from datasets import Dataset
    from mteb.abstasks.retrieval import AbsTaskRetrieval
    from mteb.abstasks.task_metadata import TaskMetadata

    class Clinic(AbsTaskRetrieval):
        metadata = TaskMetadata(
            name="Clinic", dataset={"path": "none", "revision": "1"}, description="x", type="Retrieval",
            category="t2t", eval_splits=["test"], eval_langs=["swa-Latn"], main_score="ndcg_at_10",
            reference=None, date=None, domains=None, task_subtypes=None, license=None, annotations_creators=None,
            dialect=None, sample_creation=None, bibtex_citation=None, modalities=["text"],
        )  # fmt: skip

        def load_data(self, **_):
            parts = {
                "corpus": Dataset.from_list(CORPUS), "queries": Dataset.from_list(QUERIES),
                "relevant_docs": dict(QRELS), "top_ranked": None,
            }  # fmt: skip
            self.dataset = {"default": {"test": parts}}
            self.data_loaded = True

    return Clinic()


@pytest.mark.filterwarnings("ignore")  # of mteb and what it calls
@pytest.mark.parametrize("ranking", ["hybrid", "dense", "as it is"])
def test_mteb_finds_what_our_measures_find(task, model, tmp_path, ranking):
    import mteb

    search = MtebSearch(
        model, name="tiny", index_cache=tmp_path, ranking="hybrid" if ranking == "hybrid" else "dense"
    )
    search.index(CORPUS)
    expected = mean_scores(evaluate(search.search(QUERIES, top_k=20), QRELS, ["nDCG@10"]))["nDCG@10"]
    asked = model if ranking == "as it is" else search
    result = mteb.evaluate(asked, task, cache=None, overwrite_strategy="always", show_progress_bar=False)
    (found,) = result.task_results[0].scores["test"]
    assert found["ndcg_at_10"] == pytest.approx(expected, abs=1e-4)
    if ranking != "as it is":
        assert result.model_name == f"opticlir/tiny-{ranking}"
