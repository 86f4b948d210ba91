import math

import pytest

from opticlir.transport import inverse_document_frequency


def test_inverse_document_frequency_by_hand():
    weights = inverse_document_frequency([[0, 0, 1], [0]], vocabulary_size=3)
    # df of 2, 1 and 0 in 2 documents
    expected = [math.log(1 + 0.5 / 2.5), math.log(1 + 1.5 / 1.5), math.log(1 + 2.5 / 0.5)]
    assert weights.tolist() == pytest.approx(expected)


def test_a_document_of_no_tokens_counts_as_a_document():
    assert inverse_document_frequency([[0], []], 1).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("documents", [[[0], [3]], [[-1]]])
def test_a_token_outside_the_vocabulary_is_refused(documents):
    with pytest.raises(ValueError, match="expected 0 to 2"):
        inverse_document_frequency(documents, vocabulary_size=3)


def test_a_corpus_of_nothing_is_refused():
    with pytest.raises(ValueError, match="documents is empty"):
        inverse_document_frequency([], vocabulary_size=3)
