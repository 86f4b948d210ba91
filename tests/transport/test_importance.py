import math

import pytest
import torch

from opticlir.transport import inverse_document_frequency, maxsim_spread, punctuation_ids


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


def test_maxsim_spread_by_hand():
    """A token that finds itself in every passage spreads not at all; one found in half of them, most."""
    tokens = torch.eye(3)[None]
    passages = torch.stack((torch.eye(3)[[0, 1]], torch.eye(3)[[0, 2]]))
    spread = maxsim_spread(tokens, passages, torch.ones(2, 2, dtype=torch.bool))
    torch.testing.assert_close(spread, torch.tensor([[0.0, math.sqrt(0.5), math.sqrt(0.5)]]))


def test_maxsim_spread_ignores_padding_and_empty_passages():
    tokens = torch.nn.functional.normalize(
        torch.randn(2, 4, 8, generator=torch.Generator().manual_seed(1)), dim=2
    )
    passages = torch.nn.functional.normalize(
        torch.randn(5, 6, 8, generator=torch.Generator().manual_seed(2)), dim=2
    )
    mask = torch.ones(5, 6, dtype=torch.bool)
    mask[2, 3:] = False
    padded = torch.cat((passages, torch.full((5, 2, 8), 9.0)), dim=1)
    padded = torch.cat((padded, torch.full((1, 8, 8), 9.0)))
    padded_mask = torch.nn.functional.pad(mask, (0, 2, 0, 1))
    torch.testing.assert_close(
        maxsim_spread(tokens, padded, padded_mask), maxsim_spread(tokens, passages, mask)
    )


def test_one_passage_has_no_spread():
    with pytest.raises(ValueError, match="1 of 2 passages hold a token: expected at least 2"):
        maxsim_spread(torch.ones(1, 1, 2), torch.ones(2, 1, 2), torch.tensor([[True], [False]]))


def test_punctuation_of_many_scripts():
    pieces = ["a", ".", "##!", "▁?", "Ġ…", "。", "؟", "፡", "##", "'s", "€", "▁"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    assert punctuation_ids(vocabulary).tolist() == [1, 2, 3, 4, 5, 6, 7, 10]
