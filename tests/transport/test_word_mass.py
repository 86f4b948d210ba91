import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from opticlir.transport import word_mass


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 6))
def test_equals_the_double_loop(seed, m, n):
    generator = torch.Generator().manual_seed(seed)
    plan = torch.rand(m, n, generator=generator, dtype=torch.float64)
    source = torch.randint(0, 4, (m,), generator=generator)
    target = torch.randint(0, 3, (n,), generator=generator)
    found = word_mass(plan, source, target, n_source=5, n_target=3)
    expected = torch.zeros(5, 3, dtype=torch.float64)
    for row in range(m):
        for column in range(n):
            expected[source[row], target[column]] += plan[row, column]
    torch.testing.assert_close(found, expected)
    assert (found[4] == 0).all(), "no piece is of the last word"
