import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import read_topics
from opticlir.data.normalisation import normalise_text
from opticlir.errors import DataError
from opticlir.records import Query
from opticlir.visible import is_blank

TEXT = (
    st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\t\ufeff"))
    .map(normalise_text)
    .filter(lambda text: not is_blank(text))
)
PLAIN_ID = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\t\ufeff"), min_size=1).filter(
    lambda text: bool(text.strip()) and text.lstrip()[0] not in "<{"
)


def topics(tmp_path, text, language="swa", **options):
    path = tmp_path / "topics.txt"
    path.write_text(text, "utf-8")
    return [(query.query_id, query.text) for query in read_topics(path, language, **options)]


@given(st.dictionaries(PLAIN_ID, TEXT, min_size=1))
def test_tsv_round_trip(tmp_path_factory, queries):
    path = tmp_path_factory.mktemp("topics") / "f"
    path.write_text("".join(f"{key}\t{text}\n" for key, text in queries.items()), "utf-8", newline="")
    assert read_topics(path, "sw") == [Query(key, text, "swa") for key, text in queries.items()]


@given(st.dictionaries(PLAIN_ID, TEXT, min_size=1), st.sampled_from([("_id", "text"), ("qid", "query")]))
def test_json_round_trip(tmp_path_factory, queries, keys):
    path = tmp_path_factory.mktemp("topics") / "f"
    path.write_text(
        "".join(json.dumps(dict(zip(keys, item, strict=True))) + "\n" for item in queries.items())
    )
    assert read_topics(path, "hau") == [Query(key, text, "hau") for key, text in queries.items()]


def test_tsv_as_it_is_found(tmp_path):
    text = "2\t Androgen receptor define\r\n\n301-AH\tNestlé\n12#0\tKi ni?\n007\tx\n"
    assert topics(tmp_path, text) == [
        ("2", "Androgen receptor define"), ("301-AH", "Nestlé"), ("12#0", "Ki ni?"), ("007", "x")
    ]  # fmt: skip


SGML = """<top>

<num> Number: AR26
<title>  Kurdistan
  Independence

<desc> Description:
How does the council see it?

<narr> Narrative:
Articles about AT&amp;T are not.

</top>
<top>
<num> Number: AR27
<title> Second
<desc> Description:
Two
</top>
"""
FIRE = """<?xml version="1.0"?>
<topics>

<top lang='hi'>
<num>176</num>
<title>वाई &lt;एस&gt;</title>
<desc>What</desc>
<narr>Relevant</narr>
</top>
</topics>
"""


def test_sgml_without_end_tags(tmp_path):
    assert topics(tmp_path, SGML) == [("AR26", "Kurdistan Independence"), ("AR27", "Second")]
    assert topics(tmp_path, SGML, fields=("title", "desc"))[0] == (
        "AR26",
        "Kurdistan Independence How does the council see it?",
    )


def test_fire_xml(tmp_path):
    assert topics(tmp_path, FIRE, "hi") == [("176", "वाई <एस>")]
    assert topics(tmp_path, FIRE, "hi", fields=("desc", "narr")) == [("176", "What Relevant")]


def test_topics_on_one_line(tmp_path):
    assert topics(tmp_path, "<top><num>1</num><title>a</title></top>\n<TOP><NUM>2<TITLE>b</TOP>") == [
        ("1", "a"), ("2", "b")
    ]  # fmt: skip


# 2000 to 2007, a file in each language; here two of them below each other
CLEF = """<top>
<num> C041 </num>
<DE-title> Pestizide in Babykost </DE-title>
<DE-desc> Berichte über Pestizide in Babynahrung. </DE-desc>
<DE-narr> Relevante Dokumente nennen das Produkt. </DE-narr>
</top>

<top>
<num> C042 </num>
<EN-title> U.N./US Invasion of Haiti </EN-title>
<EN-desc> Find documents on the invasion. </EN-desc>
<EN-narr> Background &amp; causes. </EN-narr>
</top>
"""
CLEF_2008 = """<?xml version="1.0" encoding="UTF-8"?>
<topics>
  <topic lang="fr">
    <identifier>10.2452/451-AH</identifier>
    <title>L'armée romaine en Grande-Bretagne</title>
    <description>Trouver des publications sur l'invasion.</description>
    <narrative>Les documents pertinents
      parlent des Romains.</narrative>
  </topic>
  <topic lang="fr">
    <identifier>10.2452/452-AH</identifier>
    <title>Deux</title>
    <description>Second</description>
  </topic>
</topics>
"""
MANDARIN = """<top>
<num> Number: CH1
<E-title> U.S. to separate the most-favored-nation status
<C-title> 美国决定将中国大陆的人权状况与其是否给予中共最惠国待遇分离
<E-desc> Description:
most-favored nation
<C-desc> Description:
最惠国待遇
</top>
"""


def test_clef_with_the_language_in_the_tags(tmp_path):
    assert topics(tmp_path, CLEF, "de") == [("C041", "Pestizide in Babykost")]
    assert topics(tmp_path, CLEF, "en") == [("C042", "U.N./US Invasion of Haiti")]
    assert topics(tmp_path, CLEF, "de", fields=("title", "desc", "narr")) == [
        (
            "C041",
            "Pestizide in Babykost Berichte über Pestizide in Babynahrung. Relevante Dokumente nennen das Produkt.",
        )
    ]
    with pytest.raises(DataError, match="no topic in 'fra' in it"):
        topics(tmp_path, CLEF, "fr")
    with pytest.raises(DataError, match=r"topics.txt:1: a topic without <narr>"):
        topics(tmp_path, CLEF.replace("DE-narr", "DE-x"), "de", fields=("narr",))


def test_clef_in_latin_1_says_what_to_do(tmp_path):
    path = tmp_path / "topics.txt"
    path.write_bytes(CLEF.encode("latin-1"))
    with pytest.raises(
        DataError, match=r"topics.txt:4: byte 0xfc .* is not UTF-8 .*: find the encoding .* iconv"
    ):
        read_topics(path, "de")


def test_clef_of_2008(tmp_path):
    assert topics(tmp_path, CLEF_2008, "fr") == [
        ("10.2452/451-AH", "L'armée romaine en Grande-Bretagne"), ("10.2452/452-AH", "Deux")
    ]  # fmt: skip
    first = CLEF_2008.replace('lang="fr"', 'lang="en"', 1)
    assert topics(tmp_path, first, "en", fields=("desc", "narr")) == [
        (
            "10.2452/451-AH",
            "Trouver des publications sur l'invasion. Les documents pertinents parlent des Romains.",
        )
    ]
    on_one_line = "".join(line.strip() for line in CLEF_2008.splitlines())
    assert [query_id for query_id, _ in topics(tmp_path, on_one_line, "fr")] == [
        "10.2452/451-AH",
        "10.2452/452-AH",
    ]


def test_trec_with_a_letter_for_the_language(tmp_path):
    assert topics(tmp_path, MANDARIN, "zh", fields=("desc",)) == [("CH1", "最惠国待遇")]
    assert topics(tmp_path, MANDARIN, "en") == [("CH1", "U.S. to separate the most-favored-nation status")]


def test_a_topic_says_its_language(tmp_path):
    assert topics(tmp_path, FIRE, "hin")
    with pytest.raises(DataError, match="no topic in 'eng' in it"):
        topics(tmp_path, FIRE, "en")


HC4 = {
    "topic_id": "1",
    "topics": [
        {"lang": "eng", "source": "original", "topic_title": "Asteroids", "topic_description": "d"},
        {"lang": "zho", "source": "google translate", "topic_title": "machine"},
        {"lang": "zho", "source": "human translation", "topic_title": "小行星", "topic_description": "碰撞"},
        {"lang": "rus", "source": "some model", "topic_title": "x"},
    ],
}


@pytest.mark.parametrize(("swahili", "hausa"), [("sw", "ha"), ("SWA", "hau"), ("Swahili", "Hausa")])
@pytest.mark.parametrize("tag", ["lang", "language", "LANG"])
def test_a_topic_says_its_language_in_a_tag_of_its_own(tmp_path, tag, swahili, hausa):
    path = tmp_path / "topics.xml"
    path.write_text(
        f"<topics><topic number='1'><{tag}>{swahili}</{tag}><query>Maji safi</query></topic>"
        f"<topic number='2'><query>Ruwa</query><{tag}> {hausa} </{tag}></topic></topics>"
    )
    assert read_topics(path, "swa") == [Query("1", "Maji safi", "swa")]
    assert read_topics(path, "hau") == [Query("2", "Ruwa", "hau")]
    with pytest.raises(DataError, match="there are topics in hau, swa: choose one"):
        read_topics(path)


def test_hc4_takes_people_not_machines(tmp_path):
    text = json.dumps(HC4)
    assert topics(tmp_path, text, "zh") == [("1", "小行星")]
    assert topics(tmp_path, text, "zho", fields=("title", "desc")) == [("1", "小行星 碰撞")]
    assert topics(tmp_path, text, "en") == [("1", "Asteroids")]
    with pytest.raises(DataError, match="no topic in 'rus' in it"):
        topics(tmp_path, text, "ru")


@pytest.mark.parametrize("source", ["human", "", None])
def test_an_english_topic_needs_no_mark_as_the_original(tmp_path, source):
    versions = [
        {"lang": "zho", "source": source, "topic_title": "机器"},
        {"lang": None, "source": source, "topic_title": "x"},
        {"lang": "eng", "source": source, "topic_title": "Asteroids"},
    ]
    text = json.dumps({"topic_id": "1", "topics": versions})
    assert topics(tmp_path, text, "en") == [("1", "Asteroids")]
    marked = [*versions, {"lang": "eng", "source": "original", "topic_title": "Its original"}]
    assert topics(tmp_path, json.dumps({"topic_id": "1", "topics": marked}), "en") == [("1", "Its original")]
    with pytest.raises(DataError, match="no topic in 'zho' in it"):
        topics(tmp_path, text, "zh")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "1\tok\njust text\n",
            r"topics.txt:2: expected 2 columns, query_id<TAB>text, found 1 in 'just text'",
        ),
        ("1\tok\n2\ta\tb\n", "topics.txt:2: expected 2 columns, query_id<TAB>text, found 3"),
        ("1\tok\n2\t \n", "topics.txt:2: query '2' has no text"),
        ("1\tok\n \tx\n", "topics.txt:2: the query id ' ' is blank"),
        ("1\tok\n1\tx\n", "topics.txt:2: id '1' is also on line 1"),
        (
            '{"_id": "1", "text": "ok"}\n{"_id": "2"}\n',
            "topics.txt:2: expected the keys _id and text, found '_id'",
        ),
        (
            '{"_id": "1", "text": "ok"}\n{"text": "a"}\n',
            "topics.txt:2: expected a query id as text, found 'None'",
        ),
        ('{"_id": "1", "text": "ok"}\n{"_id": "2", "text": 5}\n', "topics.txt:2: expected the keys"),
        (
            '{"_id": "1", "text": "ok"}\n{"_id": "2", "topics": ["x"]}\n',
            "topics.txt:2: expected objects under topics",
        ),
        ("<top><num>1<title>ok</top>\n<top><num>2</top>\n", "topics.txt:2: a topic without <title>"),
        ("<top><num>1<title>ok</top>\n<top><title>b</top>\n", "topics.txt:2: a topic without <num>"),
        ("<top><num>1<title>ok</top>\n<top><num>2<title></top>\n", "topics.txt:2: query '2' has no text"),
    ],
)
def test_malformed_topics(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        topics(tmp_path, text)


@pytest.mark.parametrize("text", ["\n", "<topics>\n</topics>\n"])
def test_no_topic(tmp_path, text):
    with pytest.raises(DataError, match="no topic in 'swa' in it"):
        topics(tmp_path, text)


def test_unknown_fields(tmp_path):
    for fields in [("body",), ()]:
        with pytest.raises(ValueError, match="expected title, desc or narr"):
            topics(tmp_path, SGML, fields=fields)
