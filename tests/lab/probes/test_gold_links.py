import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.errors import DataError
from opticlir.lab.probes.gold_links import read_gold_links, spaced_words
from opticlir.records import GoldLinks, SentencePair

PAIRS = [SentencePair("clean water .", "maji safi"), SentencePair("fever", "homa kali")]


@pytest.fixture
def gold(tmp_path):
    def read(text, pairs=PAIRS, **options):
        path = tmp_path / "test.gold"
        path.write_text(text, "utf-8")
        return read_gold_links(path, pairs, **options)

    return read


def links(sure, possible=()):
    return GoldLinks(sure=frozenset(sure), possible=frozenset({*sure, *possible}))


def test_english_first_as_in_the_bitext(gold):
    assert gold("0-1 1-0 2p0\n0?1 0-0\n") == [links({(1, 0), (0, 1)}, {(0, 2)}), links({(0, 0)}, {(1, 0)})]


def test_foreign_first(gold):
    assert gold("1-0 0p2\r\n\n", foreign_first=True) == [links({(1, 0)}, {(0, 2)}), links(())]


def test_sure_is_more_than_possible_and_twice_is_once(gold):
    assert gold("0p0 0-0 0-0\n\n")[0] == links({(0, 0)})


@given(st.lists(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans())), min_size=1))
def test_round_trip(tmp_path_factory, sentences):
    path = tmp_path_factory.mktemp("gold") / "f.gz"
    rows = [
        " ".join(f"{english}{'-' if sure else 'p'}{foreign}" for english, foreign, sure in row)
        for row in sentences
    ]
    path.write_bytes(gzip.compress(("0-0\n" + "".join(f"{row}\n" for row in rows)).encode()))
    pairs = [SentencePair("a " * 10, "b " * 10)] * (len(rows) + 1)
    expected = [
        links({(f, e) for e, f, sure in row if sure}, {(f, e) for e, f, _ in row}) for row in sentences
    ]
    assert read_gold_links(path, pairs)[1:] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-0\n0-0 1:1\n", r"test\.gold:2: expected links such as 0-0 \(sure\).*found '1:1'"),
        ("0-0\n-1-0\n", r"test\.gold:2: expected links .* found '-1-0'"),
        (
            "3-0\n\n",
            r"test\.gold:1: a link names word 3 of the English side, which has 3 words, counted from 0",
        ),
        (
            "0-0\n0p2\n",
            r"test\.gold:2: a link names word 2 of the foreign side.*expected English-foreign numbers",
        ),
        ("0-0\n", r"test\.gold: 1 lines of links for 2 sentence pairs"),
        ("0-0\n0-0\n0-0\n", r"test\.gold: 3 lines of links for 2 sentence pairs"),
        ("0p0\n0p0\n", r"test\.gold: no link is sure"),
    ],
)
def test_what_is_refused(gold, text, message):
    with pytest.raises(DataError, match=message):
        gold(text)


def test_only_the_space_divides_words():
    """A space that must not break is a letter of its word: tokenisers of gold sets left it there."""
    assert [word for word, _ in spaced_words("10\u00a0km  mbali ")] == ["10\u00a0km", "mbali"]


def test_a_sure_link_is_possible():
    with pytest.raises(ValueError, match=r"the sure link \(0, 0\) is not among the possible ones"):
        GoldLinks(sure=frozenset({(0, 0)}), possible=frozenset())
