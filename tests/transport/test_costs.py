import pytest
import torch

from opticlir.transport import cosine_cost


def test_cosine_cost_by_hand():
    source = torch.tensor([[[1.0, 0.0], [0.6, 0.8]]])
    target = torch.tensor([[[0.0, 1.0], [-1.0, 0.0], [1.0, 0.0]]])
    expected = torch.tensor([[[1.0, 2.0, 0.0], [0.2, 1.6, 0.4]]])
    torch.testing.assert_close(cosine_cost(source, target), expected)


def test_rounding_never_leaves_the_interval():
    rows = torch.nn.functional.normalize(
        torch.randn(4, 50, 7, generator=torch.Generator().manual_seed(0)), dim=2
    )
    both = torch.cat((rows, -rows), dim=1)
    cost = cosine_cost(both, both)
    assert cost.min() >= 0
    assert cost.max() <= 2


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.bfloat16, torch.float32), (torch.float16, torch.float32), (torch.float64, torch.float64)],
)
def test_half_precision_is_widened(dtype, expected):
    tokens = torch.eye(3, dtype=dtype)[None]
    assert cosine_cost(tokens, tokens).dtype == expected


def test_autocast_does_not_narrow_it():
    tokens = torch.nn.functional.normalize(torch.randn(1, 5, 16), dim=2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cost = cosine_cost(tokens, tokens)
    assert cost.dtype == torch.float32
    assert torch.equal(cost, cosine_cost(tokens, tokens))


def test_gradient_reaches_both_sides():
    source, target = (torch.randn(2, 3, 4, dtype=torch.float64) * 0.3 for _ in range(2))
    assert torch.autograd.gradcheck(cosine_cost, (source.requires_grad_(), target.requires_grad_()))


@pytest.mark.parametrize("shape", [(2, 5, 4), (3, 5, 3)])
def test_sides_that_do_not_fit_are_named(unchecked, shape):
    with pytest.raises(
        ValueError, match=r"source is \(2, 3, 3\) but target is " + repr(shape).replace("(", r"\(")[:-1]
    ):
        cosine_cost(torch.zeros(2, 3, 3), torch.zeros(shape))
