import math

import pytest

from opticlir.lab.rivals import StructuredQueries
from opticlir.records import Document, Query, SentencePair
from opticlir.translation import WordTable

DOCUMENTS = [
    Document("a", "clean water"),
    Document("b", "clean house clean house"),
    Document("c", "a road"),
]


class Table:
    """Meanings given by hand."""

    words = staticmethod(str.split)

    def __init__(self, meanings):
        self._meanings = meanings

    def meanings(self, word, cumulative):
        return self._meanings.get(word, {})


def ranking(table, text, **options):
    return StructuredQueries(DOCUMENTS, table, **options).rank([Query("q", text, "swa")])["q"]


def test_a_case_worked_by_hand():
    """`maji` is water by .75 and house by .25; documents of 2, 4 and 2 words, 2.667 on average."""
    found = ranking(Table({"maji": {"water": 0.75, "house": 0.25}}), "maji")
    df = 0.75 * 1 + 0.25 * 1
    idf = math.log(1 + (3 - df + 0.5) / (df + 0.5))

    def weight(tf, length):
        return idf * tf / (tf + 0.9 * (1 - 0.4 + 0.4 * length / (8 / 3)))

    assert found == pytest.approx({"a": weight(0.75, 2), "b": weight(0.25 * 2, 4)})
    assert list(found) == ["a", "b"]


def test_with_one_sure_meaning_it_is_bm25_of_the_translation():
    table = Table({"maji": {"water": 1.0}, "safi": {"clean": 1.0}})
    assert ranking(table, "maji safi") == pytest.approx(ranking(Table({}), "water clean"))


def test_a_word_without_meaning_stands_for_itself():
    assert list(ranking(Table({}), "road")) == ["c"]
    assert ranking(Table({}), "barabara") == {}


def test_the_depth_is_kept_and_ties_keep_the_order_of_the_collection():
    run = StructuredQueries(DOCUMENTS, Table({})).rank([Query("q", "clean", "swa")], depth=1)
    assert len(run["q"]) == 1


def test_a_learned_table_finds_the_document():
    pairs = [
        SentencePair("clean water", "maji safi"),
        SentencePair("water", "maji"),
        SentencePair("a road", "barabara"),
    ]
    assert next(iter(ranking(WordTable.learn(pairs), "barabara"))) == "c"


def test_no_probability_is_refused():
    with pytest.raises(ValueError, match=r"cumulative is 0\.0: expected a probability above 0"):
        StructuredQueries(DOCUMENTS, Table({}), cumulative=0.0)
