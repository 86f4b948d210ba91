import pytest

from opticlir.errors import DataError
from opticlir.records import SentencePair
from opticlir.translation import Translator, WordTable

PAIRS = [
    SentencePair("water", "maji"),
    SentencePair("clean water", "maji safi"),
    SentencePair("clean house", "nyumba safi"),
    SentencePair("big house", "nyumba kubwa"),
]


def test_words_are_translated_one_by_one_and_unknown_ones_stay():
    table = WordTable.learn(PAIRS)
    assert isinstance(table, Translator)
    assert table.translate_all(["Maji safi!", "Kisumu nyumba"]) == ["water clean !", "kisumu house"]


def test_meanings_are_probabilities_the_likeliest_first():
    table = WordTable.learn(PAIRS)
    meanings = table.meanings("safi")
    assert next(iter(meanings)) == "clean"
    assert sum(meanings.values()) == pytest.approx(1.0)
    assert list(meanings.values()) == sorted(meanings.values(), reverse=True)
    assert list(table.meanings("safi", cumulative=0.1)) == ["clean"]
    assert table.meanings("kisumu") == {}


def test_without_a_pair_there_is_no_table():
    with pytest.raises(DataError, match="no sentence pair to learn a word table from"):
        WordTable.learn([])
