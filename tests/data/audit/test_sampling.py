import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data.audit.sampling import DuplicateCounter, Reservoir
from opticlir.records import SentencePair


def pair(number):
    return SentencePair(f"sentence {number}", f"sentensi {number}")


@given(st.integers(0, 50), st.integers(1, 20), st.integers(0, 5))
def test_a_reservoir_keeps_a_subsequence(n_items, capacity, seed):
    reservoirs = [Reservoir[int](capacity, seed) for _ in range(2)]
    for reservoir in reservoirs:
        for item in range(n_items):
            reservoir.add(item)
    kept = reservoirs[0].items()
    assert kept == sorted(kept) == reservoirs[1].items()
    assert len(set(kept)) == len(kept) == min(n_items, capacity)
    assert reservoirs[0].n_seen == n_items


def test_a_reservoir_takes_each_item_equally_often():
    hits = [0] * 20
    for seed in range(2000):
        reservoir = Reservoir[int](5, seed)
        for item in range(20):
            reservoir.add(item)
        for item in reservoir.items():
            hits[item] += 1
    assert all(abs(count - 500) < 6 * (500 * 0.75) ** 0.5 for count in hits)


def test_duplicates_are_counted_exactly_while_they_fit():
    counter = DuplicateCounter(capacity=10)
    for number in [1, 2, 1, 3, 1, 2]:
        counter.add(pair(number))
    assert (counter.n_duplicates, counter.one_in) == (3, 1)


def test_sides_do_not_run_into_each_other():
    counter = DuplicateCounter()
    for sides in [("a", "bc"), ("ab", "c"), ("a b", "c")]:
        counter.add(SentencePair(*sides))
    assert counter.n_duplicates == 0


def test_duplicates_are_estimated_beyond():
    counter = DuplicateCounter(capacity=500)
    numbers = [*range(20_000), *range(5_000)]
    random.Random(0).shuffle(numbers)
    for number in numbers:
        counter.add(pair(number))
    assert counter.one_in in {64, 128}
    assert len(counter._copies) <= 500
    assert counter.n_duplicates == pytest.approx(5_000, rel=0.25)
