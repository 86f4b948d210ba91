from typing import NamedTuple

import numpy as np
import pytest

from opticlir.errors import ArtefactError, DataError
from opticlir.records import Document, Query
from opticlir.search import LEXICAL_WEIGHT, ExactIndex
from opticlir.search.scoring import Scorer
from opticlir.storage import filesystem


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch):
    """Durability has its own tests; here a thousand indexes are built."""
    monkeypatch.setattr(filesystem.active, "sync", lambda descriptor: None)
    monkeypatch.setattr(filesystem.active, "sync_path", lambda path: None)


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def random_case(rng):
    """A query and a handful of documents: continuous or on a grid, with copies, one-token and empty texts."""
    dim = int(rng.integers(1, 33))
    on_grid = rng.random() < 0.4

    def text(n_tokens):
        rows = rng.integers(-2, 3, (n_tokens, dim)) / 2 if on_grid else rng.standard_normal((n_tokens, dim))
        return rows.astype(np.float32)

    documents = [text(rng.integers(0, 7)) for _ in range(rng.integers(2, 12))] + [text(1)]
    for _ in range(rng.integers(0, 4)):  # the same tokens in another order tie exactly
        copied = documents[rng.integers(len(documents))]
        documents.append(copied[rng.permutation(len(copied))])
    return text(rng.integers(1, 6)), documents


class Hit(NamedTuple):
    doc_id: str
    score: float


def search(index, tokens, text, k=10, ranking="hybrid", **settings):
    """The hits of one encoded question."""
    run = Scorer(index, **settings).rank_by_each([Query("1", text, "und")], [tokens], k=k, rankings=[ranking])
    return [Hit(*each) for each in run[ranking]["1"].items()]


def rank(index, queries, tokens, k=1000, ranking="hybrid"):
    return Scorer(index).rank_by_each(queries, tokens, k=k, rankings=[ranking])[ranking]


def ranking_by_double_loop(query, documents, ids, k):
    """The definition, in float64 and in order, over what the store keeps."""
    scored = []
    for doc_id, document in zip(ids, documents, strict=True):
        if len(document) == 0:
            continue
        total = 0.0
        for query_token in query.tolist():
            best = -np.inf
            for document_token in document.tolist():
                dot = 0.0
                for left, right in zip(query_token, document_token, strict=True):
                    dot += left * right
                best = max(best, dot)
            total += best
        scored.append((-total, doc_id))
    return [doc_id for _, doc_id in sorted(scored)][:k]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dense_search_is_the_float64_double_loop_in_order(memory_path, dtype):
    rng = np.random.default_rng(10)
    for case in range(500):
        query, documents = random_case(rng)
        ids = [f"d{number}" for number in rng.permutation(len(documents))]
        entries = ((Document(doc_id, "x"), tokens) for doc_id, tokens in zip(ids, documents, strict=True))
        index = ExactIndex.create(memory_path / str(case), entries, encoder="e", store=dtype)
        k = int(rng.integers(1, len(ids) + 1))
        hits = search(index, query, "", k=k, ranking="dense")
        kept = [tokens.astype(dtype) for tokens in documents]
        assert [hit.doc_id for hit in hits] == ranking_by_double_loop(query, kept, ids, k), case


@pytest.fixture
def index(tmp_path):
    rng = np.random.default_rng(3)
    texts = [
        ("music", "Michael Jackson", "an American singer and dancer"),
        ("city", "Kampala", "the capital of Uganda lies on Lake Victoria"),
        ("health", "Malaria", "fever, chills and headache are signs of malaria"),
        ("copy", "Malaria", "fever, chills and headache are signs of malaria"),
    ]
    matrices = [unit(rng.standard_normal((n, 16))) for n in (4, 6, 5)]
    entries = (
        (Document(i, text, title), m)
        for (i, title, text), m in zip(texts, [*matrices, matrices[2]], strict=True)
    )
    return ExactIndex.create(tmp_path / "index", entries, encoder="e")


def tokens(seed, n=3, dim=16):
    return unit(np.random.default_rng(seed).standard_normal((n, dim)))


def test_bm25_finds_a_name_that_is_spelled_differently(index):
    hit = search(index, tokens(0), "Micheal Jackson", k=1, ranking="bm25")[0]
    assert hit.doc_id == "music"
    assert hit.score > 0


def test_hybrid_is_the_sum_of_z_scores(index):
    text = "Dalili za malaria"
    dense, lexical = (
        scores[0].astype(float) for scores in (index.dense_scores([tokens(1)]), index.lexical_scores([text]))
    )
    fused = (dense - dense.mean()) / dense.std() + 0.1 * (lexical - lexical.mean()) / lexical.std()
    hits = search(index, tokens(1), text)
    assert {hit.doc_id: hit.score for hit in hits} == pytest.approx(
        dict(zip(index.doc_ids, fused, strict=True)), abs=1e-5
    )
    assert LEXICAL_WEIGHT == 0.1


def test_equal_documents_tie_and_are_ordered_by_id(index):
    for ranking in ("hybrid", "dense", "bm25"):
        hits = search(index, tokens(2), "malaria", ranking=ranking)
        ids = [hit.doc_id for hit in hits]
        assert ids.index("copy") + 1 == ids.index("health")
        assert hits[ids.index("copy")].score == hits[ids.index("health")].score


def test_a_weight_of_0_and_a_query_of_unknown_words_rank_by_the_model_alone(index):
    dense = [hit.doc_id for hit in search(index, tokens(4), "malaria", ranking="dense")]
    assert [hit.doc_id for hit in search(index, tokens(4), "malaria", lexical_weight=0.0)] == dense
    assert [hit.doc_id for hit in search(index, tokens(4), "zzz")] == dense
    assert search(index, tokens(4), "zzz", ranking="bm25") == []


def test_a_heavy_weight_lets_names_win(index):
    hits = search(index, tokens(5), "Kampala iko wapi?", lexical_weight=100.0)
    assert hits[0].doc_id == "city"


def test_an_index_of_equal_documents_has_scores_of_0(tmp_path):
    same = tokens(0, n=5)
    entries = ((Document(f"d{n}", "the same"), same) for n in range(40))
    index = ExactIndex.create(tmp_path / "same", entries, encoder="e")
    hits = search(index, tokens(1), "the same", k=40)
    assert [hit.score for hit in hits] == [0.0] * 40
    assert [hit.doc_id for hit in hits] == sorted(index.doc_ids)


def questions(n):
    words = ["malaria", "Jackson", "Uganda", "zzz"]
    return [Query(f"q{number}", words[number % 4], "swa") for number in range(n)]


def test_many_questions_are_answered_as_one_by_one(index):
    asked = questions(150)
    encoded = [tokens(number, n=1 + number % 7) for number in range(150)]
    told = []
    runs = Scorer(index).rank_by_each(asked, encoded, k=3, progress=lambda *event: told.append(event))
    assert told == [("searching", done, 150) for done in (64, 128, 150)]
    for ranking, run in runs.items():
        assert list(run) == [query.query_id for query in asked]
        for query, matrix in zip(asked, encoded, strict=True):
            hits = search(index, matrix, query.text, k=3, ranking=ranking)
            assert list(run[query.query_id]) == [hit.doc_id for hit in hits]
            assert list(run[query.query_id].values()) == pytest.approx([hit.score for hit in hits], abs=1e-5)
        assert rank(index, asked, encoded, k=3, ranking=ranking) == run


def test_wrong_questions_are_refused(index):
    with pytest.raises(DataError, match="query 'q0' has no tokens: its text is 'malaria'"):
        rank(index, questions(1), [np.zeros((0, 16), np.float32)])
    with pytest.raises(DataError, match="query id 'q0' comes twice"):
        rank(index, questions(1) * 2, [tokens(0)] * 2)
    with pytest.raises(ArtefactError, match="query 'q0': its embedding holds NaN"):
        rank(index, questions(1), [np.full((1, 16), np.nan, np.float32)])
    with pytest.raises(ValueError, match=r"query 'q0' has tokens \(3, 8\), the index has dim 16"):
        rank(index, questions(1), [tokens(0, dim=8)])
    with pytest.raises(ValueError, match="2 queries but 1 token matrices"):
        rank(index, questions(2), [tokens(0)])
    with pytest.raises(ValueError, match="k is 0"):
        search(index, tokens(0), "x", k=0)
    with pytest.raises(ValueError, match=r"lexical_weight is -1\.0"):
        Scorer(index, lexical_weight=-1.0)
    with pytest.raises((ValueError, TypeError), match="sparse"):
        search(index, tokens(0), "x", ranking="sparse")


def test_bm25_needs_no_model(index):
    run = rank(index, questions(2), [np.zeros((0, 0), np.float32)] * 2, ranking="bm25")
    assert list(run["q0"]) == ["copy", "health"]
