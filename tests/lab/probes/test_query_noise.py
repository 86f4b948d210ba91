import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opticlir.lab.probes.query_noise import code_switch, drop_diacritics, drop_words, typos

TEXT = "Dalili za malaria ni zipi hasa kwa watoto wadogo?"


def draw(seed=0):
    return np.random.default_rng(seed)


def edits(first, second):
    """Damerau's distance: insertions, deletions, and swaps of neighbours."""
    before, last = list(range(len(second) + 1)), None
    for at, left in enumerate(first, start=1):
        row = [at]
        for to, right in enumerate(second, start=1):
            cost = min(before[to] + 1, row[-1] + 1, before[to - 1] + (left != right))
            if last is not None and at > 1 and to > 1 and (left, first[at - 2]) == (second[to - 2], right):
                cost = min(cost, last[to - 2] + 1)
            row.append(cost)
        last, before = before, row
    return before[-1]


@pytest.mark.parametrize("rate", [0.05, 0.1])
@pytest.mark.parametrize("seed", range(20))
def test_typos_change_the_share_that_was_asked_for(rate, seed):
    n_letters = sum(character.isalpha() for character in TEXT)
    changed = typos(TEXT, rate, draw(seed))
    assert 0 < edits(TEXT, changed) <= round(rate * n_letters)
    assert len(changed.split()) == len(TEXT.split())
    assert changed == typos(TEXT, rate, draw(seed)), "the same draw gives the same errors"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=40), st.floats(0, 1), st.integers(0, 99))
def test_typos_touch_letters_alone_and_leave_every_word(text, rate, seed):
    changed = typos(text, rate, draw(seed))
    assert [each for each in changed if not each.isalpha()] == [each for each in text if not each.isalpha()]
    assert len(changed.split()) == len(text.split())


def test_typos_by_hand():
    assert typos("a b", 1.0, draw()) == "aa bb", "a word of one letter can only be doubled"
    assert {typos("ab", 0.5, draw(seed)) for seed in range(50)} == {"ba", "b", "a", "aab", "abb"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kí ni ọ̀rọ̀?", "Ki ni oro?"),
        ("maji", "maji"),
        ("Đường đi", "Đuong đi"),
        ("हिन्दी", "हिन्दी"),
        ("กำแพง", "กำแพง"),
        ("Ёлка", "Елка"),
        ("", ""),
    ],
)
def test_diacritics(text, expected):
    assert drop_diacritics(text) == expected
    assert drop_diacritics(expected) == expected


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text("abc", min_size=1), min_size=1, max_size=12), st.floats(0, 1), st.integers(0, 99))
def test_dropped_words_leave_the_others_in_order(words, rate, seed):
    left = drop_words(" ".join(words), rate, draw(seed)).split()
    assert len(left) == max(len(words) - round(rate * len(words)), 1)
    remaining = iter(words)
    assert all(word in remaining for word in left)


TABLE = {"dalili": "signs", "watoto": "children", "malaria": "malaria", "hasa": "above all"}


@pytest.mark.parametrize(("rate", "n_changed"), [(0.0, 0), (0.2, 2), (0.4, 4), (1.0, 4)])
def test_code_switching_says_words_of_the_table_in_the_other_language(rate, n_changed):
    said = code_switch(TEXT, TABLE, rate, draw())
    switched = [word for word in TEXT.split() if word.casefold() in TABLE and word not in said.split()]
    translated = sum(translation in said for translation in TABLE.values()) - (rate < 1)
    assert len(switched) <= n_changed
    assert (said == TEXT) == (n_changed == 0)
    if rate == 1.0:
        assert said == "signs za malaria ni zipi above all kwa children wadogo?"
        assert translated == len(TABLE)


def test_without_a_known_word_nothing_changes():
    assert code_switch("maji  safi", {}, 1.0, draw()) == "maji  safi"
    assert drop_words("", 1.0, draw()) == ""


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_what_is_no_share(rate):
    for perturb in (
        lambda: typos(TEXT, rate, draw()),
        lambda: drop_words(TEXT, rate, draw()),
        lambda: code_switch(TEXT, TABLE, rate, draw()),
    ):
        with pytest.raises(ValueError, match="expected a share, 0 to 1"):
            perturb()
