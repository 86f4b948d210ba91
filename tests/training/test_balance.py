import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.errors import DataError
from opticlir.records import SentencePair
from opticlir.training import balanced


def pairs(*weights):
    return [SentencePair(f"e{number}", f"f{number}", weight) for number, weight in enumerate(weights)]


def shares(found, counts):
    """Summed weight of each language, in the order they were given."""
    sums, start = [], 0
    for count in counts:
        sums.append(math.fsum(pair.weight for pair in found[start : start + count]))
        start += count
    return sums


@given(
    counts=st.lists(st.integers(1, 40), min_size=2, max_size=4),
    exponent=st.floats(0, 1, allow_subnormal=False),
)
def test_shares_go_with_the_size_to_the_power(counts, exponent):
    found = balanced({str(number): pairs(*[1.0] * count) for number, count in enumerate(counts)}, exponent)
    sums = shares(found, counts)
    for count, total in zip(counts, sums, strict=True):
        assert total / sums[0] == pytest.approx((count / counts[0]) ** exponent)
    assert max(sums) == pytest.approx(max(counts))
    assert min(pair.weight for pair in found) >= 1 - 1e-9


def test_weights_of_files_count_and_are_kept_in_proportion():
    found = balanced({"hau": pairs(3.0, 1.0), "yor": pairs(*[1.0] * 16)}, 0.0)
    assert [pair.weight for pair in found[:2]] == [12.0, 4.0]
    assert {pair.weight for pair in found[2:]} == {1.0}


def test_a_language_without_pairs_is_named():
    with pytest.raises(DataError, match="the bitext of yor holds no sentence pair"):
        balanced({"hau": pairs(1.0), "yor": []}, 0.5)
