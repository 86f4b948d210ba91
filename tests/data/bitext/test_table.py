import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import PairTable
from opticlir.records import SentencePair

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
PAIRS = st.lists(
    st.builds(SentencePair, TEXTS, TEXTS, st.floats(0.1, 10, allow_subnormal=False)), max_size=20
)


@given(PAIRS)
def test_a_table_holds_what_was_put_in(pairs):
    table = PairTable(iter(pairs))
    assert list(table) == pairs
    assert list(table.english) == [pair.english for pair in pairs]
    assert list(table.foreign) == [pair.foreign for pair in pairs]
    assert table.weights.tolist() == [pair.weight for pair in pairs]


@given(PAIRS, st.data())
def test_what_is_taken_is_a_table_again(pairs, data):
    table = PairTable(pairs)
    rows = data.draw(st.lists(st.integers(0, len(pairs) - 1), max_size=9) if pairs else st.just([]))
    taken = table.take(rows)
    assert list(taken) == [pairs[row] for row in rows]
    assert taken.rows.tolist() == rows
    again = taken.take(np.arange(len(rows))[::-1])
    assert list(again.foreign) == [pairs[row].foreign for row in reversed(rows)]


@given(PAIRS, st.slices(20))
def test_slices_are_those_of_a_list(pairs, part):
    table = PairTable(pairs)
    assert list(table[part]) == pairs[part]
    assert table.foreign[part] == [pair.foreign for pair in pairs[part]]


def test_numbers_count_from_the_end_as_well_and_others_are_refused():
    table = PairTable([SentencePair("a", "b"), SentencePair("c", "d")])
    assert table[-1] == SentencePair("c", "d")
    assert table.take([0])[-1] == SentencePair("a", "b")
    for wrong in (2, -3):
        with pytest.raises(IndexError):
            table[wrong]
        with pytest.raises(IndexError):
            table.english[wrong]


def test_a_pair_takes_little_more_than_its_bytes():
    texts = [f"sentence number {number}" for number in range(20_000)]
    tracemalloc.start()
    table = PairTable(SentencePair(text, text) for text in texts)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n_bytes = 2 * sum(map(len, texts)) / len(texts)
    assert held / len(table) < 1.15 * (n_bytes + 24) + 8  # buffers that grow hold an eighth in reserve


def test_a_look_at_one_pair_costs_nothing_of_the_others():
    """The weights of all were once copied for each: of five million pairs none was ever aligned."""
    table = PairTable([SentencePair("water", "maji", 2.0)]).take(np.zeros(100_000, dtype=np.int64))
    assert table[99_999].weight == 2.0
    tracemalloc.start()
    _ = table[99_999]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000
