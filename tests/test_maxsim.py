import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.maxsim import maxsim, maxsim_exact, maxsim_ragged, rounding_bound


def double_loop(query, document):
    """The definition, in float64 and in order."""
    total = 0.0
    for query_token in query.astype(np.float64):
        best = -math.inf
        for document_token in document.astype(np.float64):
            dot = 0.0
            for left, right in zip(query_token, document_token, strict=True):
                dot += float(left) * float(right)
            best = max(best, dot)
        total += best
    return total


def padded(texts, width, dim):
    tokens, mask = (
        torch.full((len(texts), width, dim), 99.0),
        torch.zeros(len(texts), width, dtype=torch.bool),
    )
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = torch.from_numpy(text)
        mask[row, : len(text)] = True
    return tokens, mask


def offsets_of(documents):
    return np.cumsum([0, *map(len, documents)])


@st.composite
def collections(draw):
    """A few ragged texts: continuous, or on a grid where ties are the rule; some empty, some repeated."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dim = draw(st.integers(1, 9))
    on_grid = draw(st.booleans())

    def text(length):
        if on_grid:
            return rng.integers(-2, 3, (length, dim)).astype(np.float32) / 2
        return rng.standard_normal((length, dim), dtype=np.float32)

    queries = [text(length) for length in draw(st.lists(st.integers(0, 5), min_size=1, max_size=3))]
    documents = [text(length) for length in draw(st.lists(st.integers(0, 6), min_size=1, max_size=8))]
    return queries, documents + documents[:2]


def test_maxsim_by_hand():
    """(1,0) finds 0.6 and (0,1) finds 1; the masked (5,5) and the masked query token count for nothing."""
    query = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [7.0, 7.0]]])
    documents = torch.tensor([[[0.6, 0.8], [0.0, 1.0], [5.0, 5.0]], [[-1.0, -0.5], [5.0, 5.0], [5.0, 5.0]]])
    masks = torch.tensor([[True, True, False], [True, False, False]])
    scores = maxsim(query, torch.tensor([[True, True, False]]), documents, masks)
    assert scores.tolist() == [[pytest.approx(1.6), -1.5]]


def test_half_precision_is_summed_in_float32_and_float64_stays():
    one = torch.ones(1, 1, 1)
    mask = torch.ones(1, 1, dtype=torch.bool)
    assert maxsim(one.half(), mask, one.bfloat16(), mask).dtype == torch.float32
    assert maxsim(one.double(), mask, one, mask).dtype == torch.float64


def test_the_gradient_is_that_of_the_best_token():
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(2, 3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    documents = torch.randn(3, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    query_mask = torch.tensor([[True, True, False], [True, True, True]])
    document_mask = torch.arange(5)[None] < torch.tensor([5, 1, 3])[:, None]
    assert torch.autograd.gradcheck(maxsim, (queries, query_mask, documents, document_mask))


def test_scores_and_gradients_are_those_of_an_einsum_to_the_bit():
    generator = torch.Generator().manual_seed(0)
    queries, documents = (
        torch.randn(5, 7, 24, generator=generator),
        torch.randn(4, 6, 24, generator=generator),
    )
    query_mask = torch.arange(7) < torch.tensor([[7], [1], [3], [6], [2]])
    document_mask = torch.arange(6) < torch.tensor([[2], [6], [1], [4]])

    def einsum(queries, query_mask, documents, document_mask):
        similarity = torch.einsum("qmd,ntd->qnmt", queries, documents)
        best = similarity.masked_fill(~document_mask[None, :, None], torch.finfo(torch.float32).min).amax(3)
        return best.masked_fill(~query_mask[:, None], 0.0).sum(2)

    answers = []
    for form in (maxsim, einsum):
        leaves = queries.clone().requires_grad_(), documents.clone().requires_grad_()
        scores = form(leaves[0], query_mask, leaves[1], document_mask)
        scores.log_softmax(1).diagonal().sum().backward()
        answers.append((scores, leaves[0].grad, leaves[1].grad))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*answers, strict=True))


@given(collections())
@settings(max_examples=5 * settings.default.max_examples, deadline=None)
def test_all_forms_equal_the_double_loop(case):
    queries, documents = case
    expected = np.array([[double_loop(query, document) for document in documents] for query in queries])
    dim = queries[0].shape[1]
    reference = maxsim(*padded(queries, 6, dim), *padded(documents, 7, dim)).numpy()
    for chunk_tokens in (1, 3, 2048):
        ragged = maxsim_ragged(
            queries, np.concatenate(documents), offsets_of(documents), chunk_tokens=chunk_tokens
        )
        np.testing.assert_allclose(ragged, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(reference, expected, rtol=1e-5, atol=1e-5)


def test_an_empty_query_scores_0_and_an_empty_document_minus_infinity():
    empty, full = np.zeros((0, 2), np.float32), np.ones((1, 2), np.float32)
    ragged = maxsim_ragged([empty, full], full, np.array([0, 0, 1]))
    assert ragged.tolist() == [[0.0, 0.0], [-math.inf, 2.0]]
    assert maxsim(*padded([empty, full], 1, 2), *padded([empty, full], 1, 2)).tolist() == ragged.tolist()
    assert maxsim(*padded([full], 1, 2), *padded([empty], 0, 2)).tolist() == [[-math.inf]]
    assert maxsim_ragged([], full, np.array([0, 1])).shape == (0, 1)
    assert maxsim_ragged([full], empty, np.array([0])).shape == (1, 0)


def test_a_document_of_100_000_tokens_and_queries_of_many_blocks():
    rng = np.random.default_rng(0)
    documents = [rng.standard_normal((length, 3), dtype=np.float32) for length in (5, 100_000, 1)]
    queries = [rng.standard_normal((700, 3), dtype=np.float32) for _ in range(3)]
    halves = [document.astype(np.float16) for document in documents]
    ragged = maxsim_ragged(queries, np.concatenate(halves), offsets_of(documents))
    expected = [[(query @ half.astype(np.float32).T).max(1).sum() for half in halves] for query in queries]
    np.testing.assert_allclose(ragged, expected, rtol=1e-5)


@pytest.mark.parametrize("dim", [2, 17, 96, 384])
def test_equal_documents_have_equal_exact_scores_wherever_they_stand(dim):
    rng = np.random.default_rng(dim)
    query, document = (rng.standard_normal((length, dim), dtype=np.float32) for length in (7, 23))
    others = [rng.standard_normal((length, dim), dtype=np.float32) for length in (1, 5, 160)]
    shuffled = document[rng.permutation(len(document))]
    scores = maxsim_exact(query, [document, *others, shuffled, document[::-1], document.copy()])
    assert scores[0] == scores[4] == scores[5] == scores[6]
    assert scores[0] == pytest.approx(double_loop(query, document), rel=1e-13)


def test_the_exact_score_does_not_trust_float32_with_the_maximum():
    """Tokens that differ in the last bit of each value: float32 cannot tell which is the best."""
    rng = np.random.default_rng(5)
    query, tokens = (
        rng.standard_normal((8, 384), dtype=np.float32),
        rng.standard_normal((40, 1, 384), dtype=np.float32),
    )
    documents = [
        np.where(rng.random((60, 384)) < 0.5, token, np.nextafter(token, np.float32(9))) for token in tokens
    ]
    wide = query.astype(np.float64)
    expected = [(wide @ document.T.astype(np.float64)).max(axis=1).sum() for document in documents]
    assert maxsim_exact(query, documents) == pytest.approx(expected, rel=1e-14, abs=1e-11)


@pytest.mark.parametrize(
    "make", [lambda rng, shape: rng.standard_normal(shape), lambda rng, shape: rng.random(shape)]
)
@pytest.mark.parametrize("dim", [1, 8, 128, 384, 1024])
def test_the_rounding_bound_holds(make, dim):
    rng = np.random.default_rng(dim)
    query = make(rng, (9, dim)).astype(np.float32)
    documents = [make(rng, (4, dim)).astype(np.float32) for _ in range(300)]
    fast = maxsim_ragged([query], np.concatenate(documents), offsets_of(documents))[0]
    norm = max(np.linalg.norm(document, axis=1).max() for document in documents)
    error = np.abs(fast - maxsim_exact(query, documents)).max()
    assert error <= rounding_bound(query, float(norm))


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"query 0 is \(1, 3\) but the documents have dim 2"):
        maxsim_ragged([np.ones((1, 3), np.float32)], np.ones((1, 2), np.float32), np.array([0, 1]))
    for offsets in ([0, 5], [0, 2, 1], [-1, 1], []):
        with pytest.raises(ValueError, match="offsets must rise"):
            maxsim_ragged(
                [np.ones((1, 2), np.float32)], np.ones((2, 2), np.float32), np.array(offsets, dtype=np.int64)
            )
