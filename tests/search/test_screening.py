"""Screened search finds what full precision finds, in its order, whatever the vectors are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.errors import ArtefactError
from opticlir.maxsim import maxsim_exact
from opticlir.progress import never
from opticlir.records import Document, Query
from opticlir.search import ExactIndex, screening
from opticlir.search.hybrid import LEXICAL_WEIGHT, z_scale
from opticlir.search.ranking import settled
from opticlir.search.scoring import Scorer
from opticlir.search.screening import Screening
from opticlir.storage import filesystem

pytestmark = pytest.mark.skipif(not screening.is_possible(), reason="this processor has no AVX2")


@pytest.fixture(autouse=True)
def _screened(monkeypatch):
    """Every store is screened, however small; durability has its own tests."""
    monkeypatch.setattr(screening, "_MIN_VALUES", 0)
    monkeypatch.setattr(filesystem.active, "sync", lambda descriptor: None)
    monkeypatch.setattr(filesystem.active, "sync_path", lambda path: None)


def rows(rng, length, dim, kind):
    """Token vectors that make screening hard."""
    tokens = rng.standard_normal((length, dim))
    if kind == "unit":
        tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    if kind == "grid":
        tokens = rng.integers(-2, 3, (length, dim)) / 2
    if kind == "zero":
        tokens *= rng.random((length, 1)) < 0.5
    if kind == "one large value":
        tokens[:, 0] = 1e4
    if kind == "mixed norms":
        tokens *= 10.0 ** rng.integers(-30, 10, (length, 1))
    if kind == "tiny":
        tokens *= 1e-42
    if kind == "huge":
        tokens *= 1e15
    if kind == "near ties":
        one = rng.standard_normal((1, dim)).astype(np.float32)
        tokens = np.where(rng.random((length, dim)) < 0.5, one, np.nextafter(one, np.float32(9)))
    return tokens.astype(np.float32)


KINDS = ["unit", "plain", "grid", "zero", "one large value", "mixed norms", "tiny", "huge", "near ties"]


@st.composite
def collections(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dim = draw(st.sampled_from([1, 2, 7, 16, 33, 128]))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=2))
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=30)) + draw(st.sampled_from([[], [300]]))
    queries = [
        rows(rng, n, dim, kinds[0]) for n in draw(st.lists(st.integers(0, 40), min_size=1, max_size=4))
    ]
    return queries, [rows(rng, length, dim, kinds[1]) for length in lengths]


def offsets_of(documents):
    return np.cumsum([0, *map(len, documents)])


@given(collections())
@settings(max_examples=3 * settings.default.max_examples, deadline=None)
def test_no_score_is_off_by_more_than_its_error(case):
    queries, documents = case
    copy = Screening(np.concatenate(documents), offsets_of(documents), check=never)
    for query, scores in zip(queries, copy.scores(queries, check=never), strict=True):
        wide = query.astype(np.float64)
        true = [(wide @ each.T.astype(np.float64)).max(axis=1).sum() for each in documents]
        slack = 1e-12 * np.linalg.norm(wide) * max(np.linalg.norm(each) for each in documents)  # of float64
        assert (np.abs(scores - true) <= copy.errors(query) + slack).all()


def test_the_error_of_unit_vectors_is_small_and_no_smaller_than_what_is_lost():
    """A document token between two codes, and the question in the direction of what is lost."""
    rng = np.random.default_rng(0)
    document = rows(rng, 1, 384, "unit")
    scale = np.abs(document).max() / 63
    lost = document - np.rint(document / scale) * scale
    query = (lost / np.linalg.norm(lost)).astype(np.float32)
    copy = Screening(document, np.array([0, 1]), check=never)
    off = abs(float(copy.scores([query], check=never)[0, 0]) - float((query @ document.T)[0, 0]))
    assert 0.6 * copy.errors(query)[0] < off <= copy.errors(query)[0] < 0.04


def test_scores_depend_on_the_vectors_alone():
    rng = np.random.default_rng(1)
    documents = [rows(rng, int(n), 48, "unit") for n in rng.integers(1, 60, 40)]
    queries = [rows(rng, n, 48, "unit") for n in (5, 32, 40, 1, 12)]
    together = Screening(np.concatenate(documents), offsets_of(documents), check=never).scores(
        queries, check=never
    )
    turned = documents[::-1]
    alone = Screening(np.concatenate(turned), offsets_of(turned), check=never)
    for query, scores in zip(queries, together, strict=True):
        assert alone.scores([query], check=never)[0, ::-1].tolist() == scores.tolist()


def test_a_sum_of_products_does_not_overflow():
    """The largest codes everywhere: eight products of 126 * 127 would be four times too large for 16 bits."""
    ones = np.ones((3, 4096), np.float32)
    sign = np.where(np.arange(4096) % 3 == 0, -1, 1).astype(np.float32) * ones
    copy = Screening(np.concatenate([ones, sign]), np.array([0, 3, 6]), check=never)
    scores = copy.scores([ones, -ones, sign], check=never)
    total = float(sign[0].sum())
    expected = [[4096, total], [-4096, -total], [total, 4096]]
    assert scores.tolist() == pytest.approx(3 * np.array(expected), rel=0.01, abs=40)


def build(path, documents, dtype="float16"):
    entries = ((Document(f"d{n:03}", f"text {n % 7}"), tokens) for n, tokens in enumerate(documents))
    return ExactIndex.create(path, entries, encoder="e", store=dtype)


def found(index, query, ranking, k):
    run = Scorer(index).rank_by_each([Query("1", "text 3", "und")], [query], k=k, rankings=[ranking])
    return list(run[ranking]["1"].items())


def expected(index, query, ranking, k):
    """The order of float64 scores of the stored vectors; the scale of a hybrid score is that of the screened ones."""
    stored = [index.document_tokens(row).astype(np.float32) for row in range(len(index))]
    scores = np.array([maxsim_exact(query, [tokens])[0] for tokens in stored])
    if ranking == "hybrid":
        lexical = index.lexical_scores(["text 3"])[0]
        scale = z_scale(index.dense_scores([query])[0], index.resolution(query))
        scores = scale(scores) + LEXICAL_WEIGHT * z_scale(lexical)(lexical)
    best = sorted(zip(-scores, index.doc_ids, strict=True))[:k]
    return [(doc_id, -score) for score, doc_id in best]


@pytest.mark.parametrize("ranking", ["dense", "hybrid"])
@pytest.mark.parametrize("kind", ["unit", "grid", "zero", "one large value", "near ties"])
def test_the_ranking_is_that_of_full_precision(tmp_path, kind, ranking):
    rng = np.random.default_rng(KINDS.index(kind))
    documents = [rows(rng, int(n), 24, kind) for n in rng.integers(1, 30, 150)]
    documents += [each[rng.permutation(len(each))] for each in documents[:20]]  # equal scores
    index = build(tmp_path / "index", documents, dtype="float32")
    query = rows(rng, 9, 24, "unit")
    for k in (1, 10, 170, 1000):
        hits = found(index, query, ranking, k)
        assert [doc_id for doc_id, _ in hits] == [doc_id for doc_id, _ in expected(index, query, ranking, k)]


def test_few_documents_are_scored_again(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    index = build(tmp_path / "index", [rows(rng, 20, 96, "unit") for _ in range(400)])
    n_again = []
    full = ExactIndex.float32_scores
    monkeypatch.setattr(
        ExactIndex,
        "float32_scores",
        lambda self, query, rows: n_again.append(len(rows)) or full(self, query, rows),
    )
    found(index, rows(rng, 8, 96, "unit"), "dense", 10)
    assert 10 <= sum(n_again) < 100


def test_a_store_without_screening_gives_the_same_documents(tmp_path, monkeypatch):
    rng = np.random.default_rng(4)
    build(tmp_path / "index", [rows(rng, 12, 32, "unit") for _ in range(60)])
    query = rows(rng, 7, 32, "unit")
    screened = found(ExactIndex.open(tmp_path / "index"), query, "dense", 20)
    monkeypatch.setattr(screening, "is_possible", lambda: False)
    index = ExactIndex.open(tmp_path / "index")
    assert found(index, query, "dense", 20) == screened
    assert index.score_errors(query) is None


def test_nan_in_the_store_is_named(tmp_path):
    documents = [rows(np.random.default_rng(n), 4, 16, "unit") for n in range(5)]
    index = build(tmp_path / "index", documents, dtype="float32")
    stored = np.concatenate(documents)
    stored[9, 3] = np.nan
    index.segments[0].segment.scores._tokens = stored
    with pytest.raises(ArtefactError, match="document 'd002' holds NaN or infinity"):
        index.dense_scores([documents[0]])


def test_a_search_can_be_stopped_and_the_next_one_works(tmp_path):
    index = build(tmp_path / "index", [rows(np.random.default_rng(0), 4, 16, "unit")])

    def stop():
        raise TimeoutError

    query = rows(np.random.default_rng(1), 2, 16, "unit")
    for _ in range(2):
        with pytest.raises(TimeoutError):
            index.dense_scores([query], check=stop)
        assert np.isfinite(index.dense_scores([query])).all()


def test_what_cannot_be_among_the_best_is_left_out():
    scores, errors = np.array([5.0, 4.0, 3.0, 1.0]), np.array([0.5, 0.6, 1.1, 2.9])
    better = settled(scores, errors, 2, lambda rows: scores[rows])
    assert better.tolist() == [5.0, 4.0, 3.0, -np.inf]
    assert settled(scores, errors, 2, lambda rows: scores[rows], resolution=0.2).tolist() == scores.tolist()
