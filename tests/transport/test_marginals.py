import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from opticlir.transport import by_word, uniform, weighted

MASK = torch.tensor([[True, True, True, False], [False, False, False, False], [False, True, False, False]])


def test_uniform_by_hand():
    torch.testing.assert_close(
        uniform(MASK), torch.tensor([[1 / 3, 1 / 3, 1 / 3, 0], [0, 0, 0, 0], [0, 1, 0, 0]])
    )


def test_weighted_ignores_what_stands_at_padding():
    weights = torch.tensor([[1.0, 2.0, 1.0, float("nan")], [1.0, 1.0, 1.0, 1.0], [5.0, 0.0, 5.0, 5.0]])
    torch.testing.assert_close(
        weighted(MASK, weights), torch.tensor([[0.25, 0.5, 0.25, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    )


def test_a_word_in_five_pieces_weighs_as_much_as_a_word_in_one():
    mask = torch.tensor([[False, True, True, True, True, True, True, False]])
    words = torch.tensor([[-1, 0, 0, 0, 0, 0, 1, -1]])
    mass = by_word(mask, words)
    assert mass[0, 6].item() == pytest.approx(0.5)
    assert mass[0, 1:6].sum().item() == pytest.approx(0.5)
    assert mass[0, [0, 7]].tolist() == [0, 0]


def test_pieces_outside_the_mask_do_not_count_for_their_word():
    mass = by_word(torch.tensor([[True, False, True]]), torch.tensor([[0, 0, 1]]))
    torch.testing.assert_close(mass, torch.tensor([[0.5, 0.0, 0.5]]))


@given(
    st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=4), st.integers(0, 2**31)
)
def test_every_marginal_is_a_distribution_on_the_mask(rows, seed):
    mask = torch.tensor(rows)
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(0, 3, mask.shape, generator=generator)
    weights = torch.rand(mask.shape, generator=generator) + 0.1
    for mass in (
        uniform(mask),
        weighted(mask, weights),
        by_word(mask, words),
    ):
        assert mass[~mask].eq(0).all()
        assert mass[mask].gt(0).all()
        torch.testing.assert_close(mass.sum(1), mask.any(1).float())


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda other: weighted(MASK, other), "weights"),
        (lambda other: by_word(MASK, other.long()), "word_ids"),
    ],
)
def test_shapes_that_differ_are_named(unchecked, call, name):
    with pytest.raises(ValueError, match=rf"mask is \(3, 4\) but {name} is \(3, 5\)"):
        call(torch.ones(3, 5))
