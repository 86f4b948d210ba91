"""The page as the server writes it: what a reader without JavaScript sees, in five languages."""

import re
import string
import tomllib
from importlib.resources import files

import pytest

from opticlir.search import Retriever
from opticlir.service.answers import ExplanationAnswer, HitAnswer, WordMatch
from opticlir.service.pages.heat_map import heat_map
from opticlir.service.pages.interface import INTERFACES, preferred_interface
from opticlir.service.pages.passages import question_segments, shown_hit
from opticlir.service.word_similarities import WordSimilarities

QUESTION = "chemsha maji"


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_question_is_answered_with_titles_passages_scores_and_the_words_that_met(client):
    answer = client.get("/", params={"q": QUESTION})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    found = client.post("/v1/search", json={"query": QUESTION, "explain": True}).json()
    page = answer.text
    titles = [text_of(each).strip() for each in re.findall(r"<h2 id=\"title\d+\".*?</h2>", page, re.DOTALL)]
    assert titles == [hit["title"] for hit in found["hits"]]
    for hit in found["hits"]:
        assert hit["snippet"] in text_of(page)
        assert f"{hit['score']:.2f}".replace("-", "") in page
    words = [match["query"] for match in found["hits"][0]["explanation"]["words"]]
    shown = re.findall(r'<bdi class="own" lang="sw">(.*?)</bdi>', page)
    assert shown[: len(words)] == words == ["chemsha", "maji"]
    assert "read as Swahili (detected)" in text_of(page)


def test_a_filter_narrows_the_results_and_is_kept_by_links(client):
    page = client.get("/", params={"q": "maji safi", "filter": "year = 2003 or year = 2007"})
    assert page.status_code == 200
    assert re.findall(r"/explain\?[^\"]*doc=(d\d+)", page.text)[0] in ("d3", "d7")
    assert page.text.count('<article class="hit"') == 2
    assert 'value="year = 2003 or year = 2007"' in page.text
    assert "filter=year+%3D+2003+or+year+%3D+2007" in page.text
    assert "<dt>year</dt><dd><bdi>2003</bdi></dd>" in page.text
    assert "<dt>open</dt><dd><bdi>true</bdi></dd>" in page.text
    refused = client.get("/", params={"q": "maji", "filter": "yaer = 1"})
    assert refused.status_code == 400
    assert "did you mean &#39;year&#39;" in refused.text
    assert 'placeholder="year &gt;= 2020"' in client.get("/", params={"q": "maji", "filter": " "}).text
    assert "year, open" in client.get("/about").text


def test_without_metadata_there_is_no_place_for_a_filter(tmp_path, models):
    from fastapi.testclient import TestClient

    from opticlir.service.app import create_app
    from opticlir.service.engine import SearchEngine
    from opticlir.service.settings import ServiceSettings

    Retriever.build(["the water is clean"], models[0], tmp_path / "bare")
    app = create_app(SearchEngine.open(tmp_path / "bare", models[:1], device="cpu"), ServiceSettings())
    with TestClient(app, base_url="http://localhost") as client:
        assert 'id="filter"' not in client.get("/", params={"q": "maji"}).text


def test_the_language_can_be_chosen(client):
    page = client.get("/", params={"q": QUESTION, "lang": "hau"}).text
    assert "read as Hausa" in text_of(page)
    assert "detected" not in text_of(page)
    assert '<option value="hau" selected>' in page


def test_without_a_question_there_is_the_form_and_what_is_searched(client):
    page = client.get("/").text
    assert 'role="search"' in page
    assert "20 documents, 2 languages" in text_of(page)


def test_examples_are_links_that_search(engine):
    from fastapi.testclient import TestClient

    from opticlir.service.app import create_app
    from opticlir.service.settings import ServiceSettings

    settings = ServiceSettings(examples=(("swa", QUESTION),))
    with TestClient(create_app(engine, settings), base_url="http://localhost") as client:
        page = client.get("/").text
        (link,) = re.findall(r'<a href="(/\?q=.*?)">', page)
        assert link == "/?q=chemsha+maji&amp;lang=swa"
        assert client.get(link.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize("asked", [{"q": QUESTION, "lang": "x"}, {"q": QUESTION, "lang": "yor"}])
def test_an_unknown_language_is_explained_on_a_page(client, asked):
    answer = client.get("/", params=asked)
    assert answer.status_code == 400
    assert "This question cannot be answered" in answer.text
    assert 'role="alert"' in answer.text
    assert f'value="{QUESTION}"' in answer.text, "the question is kept"


def test_the_document_page_explains_its_score_and_shows_a_heat_map(client):
    page = client.get("/explain", params={"q": QUESTION, "doc": "d1", "lang": "swa"}).text
    assert "boil the water before you drink" in text_of(page)
    assert re.search(r"Score -?[\d.]+ = -?[\d.]+ \(meaning", text_of(page))
    (table,) = re.findall(r"<table>.*?</table>", page, re.DOTALL)
    assert re.findall(r'<th scope="row" lang="sw"><bdi>(.*?)</bdi>', table) == ["chemsha", "maji"]
    columns = re.findall(r'<th scope="col" lang="en"><bdi>(.*?)</bdi>', table)
    assert columns
    assert set(columns) <= {"boil", "the", "water", "before", "you", "drink"}
    assert len(re.findall(r'<td class="level\d+">', table)) == 2 * len(columns)


def test_an_unknown_document_is_explained_on_a_page(client):
    answer = client.get("/explain", params={"q": QUESTION, "doc": "d99"})
    assert answer.status_code == 400
    assert "no document" in answer.text


def test_two_systems_side_by_side(client):
    page = client.get("/compare", params={"q": QUESTION, "left": "swahili", "right": "swahili:dense"}).text
    left, right = re.findall(r"<section aria-labelledby.*?</section>", page, re.DOTALL)
    assert len(re.findall("<li", left)) == len(re.findall("<li", right)) == 10
    assert "swahili (Swahili): meaning and letters" in text_of(left)
    assert "also number" in text_of(left)
    shared = int(re.search(r"(\d+) of 10 documents are in both lists", page)[1])
    assert shared == page.count('class="both"') / 2


def test_a_system_that_finds_nothing_says_so(client):
    page = client.get("/compare", params={"q": "zzzqqq", "right": "bm25"}).text
    assert "Nothing found" in text_of(page)
    assert "0 of 10 documents" in text_of(page)


def test_an_unknown_system_is_explained_on_a_page(client):
    answer = client.get("/compare", params={"q": QUESTION, "left": "nothing"})
    assert answer.status_code == 400
    assert "expected one of swahili, swahili:dense" in answer.text


def test_facts_come_from_the_records(client, models):
    log = models[0] / "run" / "log.jsonl"
    log.write_text('{"step": 0, "validation": {"RR": 0.25, "accuracy": 0.1}}\n'
                   '{"step": 9, "validation": {"RR": 0.5, "accuracy": 0.4}}\n')  # fmt: skip
    try:
        from fastapi.testclient import TestClient

        from opticlir.service.app import create_app

        with TestClient(create_app(client.app.state.engine), base_url="http://localhost") as fresh:
            shown = text_of(fresh.get("/about").text)
    finally:
        log.unlink()
    assert "Documents 20" in shown
    assert "Translations ranked first 10% before training, 40% after" in shown
    assert "Mean reciprocal rank 0.250 before training, 0.500 after" in shown


def test_text_from_outside_is_escaped(client):
    evil = '<script>alert(1)</script> "onfocus=x\u202e'
    for address in ("/", "/compare"):
        page = client.get(address, params={"q": evil}).text
        assert "<script>alert" not in page
        assert '"onfocus' not in page
    assert "<U+202E>" in client.get("/", params={"q": evil}).text.replace("&lt;", "<").replace("&gt;", ">")


def test_no_script_or_style_in_the_markup_and_nothing_from_another_host(client):
    addresses = ("/", f"/?q={QUESTION}", f"/explain?q={QUESTION}&doc=d1", f"/compare?q={QUESTION}", "/about")
    for address in addresses:
        answer = client.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert len(re.findall("<script", answer.text)) == 1
        assert not re.search(r"<style|\sstyle=|\son\w+=", answer.text)
        assert not re.search(r'(?:src|href)="(?!/)', answer.text.replace('href="#main"', ""))
    for name in ("page.css", "page.js", "mark.svg"):
        answer = client.get(f"/static/{name}")
        assert answer.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)


@pytest.mark.parametrize(
    ("address", "language", "direction", "word"),
    [("/?ui=sw", "sw", "ltr", "Tafuta"), ("/?ui=ha", "ha", "ltr", "Bincika"),
     ("/?ui=es", "es", "ltr", "Buscar"), ("/?ui=ar", "ar", "rtl", "ابحث"), ("/?ui=xx", "en", "ltr", "Search")],
)  # fmt: skip
def test_the_page_speaks_five_languages(client, address, language, direction, word):
    answer = client.get(address)
    assert f'<html lang="{language}" dir="{direction}">' in answer.text
    assert answer.headers["content-language"] == language
    assert word in answer.text


def test_links_and_forms_keep_the_language_of_the_page(client):
    page = client.get("/", params={"q": QUESTION, "ui": "ar"}).text
    assert '<input type="hidden" name="ui" value="ar">' in page
    inner = [link for link in re.findall(r'href="(/[^"]*)"', page) if not link.startswith("/static")]
    own = [link for link in inner if "ui=ar" in link]
    assert len(inner) - len(own) == len(INTERFACES) - 1, "only the links to other languages change it"


def test_the_browser_says_which_language_it_wants():
    assert preferred_interface(None, "fr, es;q=0.4, sw-TZ;q=0.8").code == "sw"
    assert preferred_interface(None, "").code == preferred_interface("", "xx;q=oops").code == "en"


@pytest.mark.parametrize("code", INTERFACES)
def test_every_language_has_every_text_with_the_same_values(code):
    def texts(code):
        return tomllib.loads(
            (files("opticlir.service.pages") / "strings" / f"{code}.toml").read_text("utf-8")
        )

    def values(text):
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)

    assert {name: values(text) for name, text in texts(code).items()} == {
        name: values(text) for name, text in texts("en").items()
    }


def test_every_text_is_used():
    pages = files("opticlir.service.pages")
    names = tomllib.loads((pages / "strings" / "en.toml").read_text("utf-8"))
    templates = "".join(path.read_text("utf-8") for path in (pages / "templates").iterdir())
    unused = [name for name in names if f'"{name}"' not in templates and f"'{name}'" not in templates]
    assert [name for name in unused if not name.startswith("system_")] == []


# ---- the alignment


def match(query, query_span, document, document_span, similarity=0.9, share=0.5):
    return WordMatch(query, query_span, document, document_span, similarity, share)


def hit(words, *, title="Safe water", text="Boil water. Then cool it.", snippet="…Then cool it."):
    found = ExplanationAnswer(
        words=tuple(words),
        tokens=(),
        special_share=0.1,
        grams={},
        parts={},
        translations={"maji": ("water",)},
    )
    return shown_hit(HitAnswer(1, "d1", 1.0, title, text, snippet, explanation=found))


def marked(segments):
    return [(each.text, [gloss.word for gloss in each.glosses]) for each in segments]


def test_words_are_marked_in_title_passage_and_text_where_they_met():
    shown = hit([match("maji", (0, 4), "water", (5, 10)), match("poza", (5, 9), "cool", (28, 32))])
    assert marked(shown.title) == [("Safe ", []), ("water", ["maji"])]
    assert marked(shown.passage) == [("…", []), ("Then ", []), ("cool", ["poza"]), (" it.", [])]
    assert marked(shown.text) == [("Boil water. Then ", []), ("cool", ["poza"]), (" it.", [])]
    assert shown.glosses[0].translations == ("water",)


def test_two_words_that_met_the_same_word_share_a_mark_and_the_nearest_comes_first():
    shown = hit([match("a", (0, 1), "cool", (28, 32), 0.6), match("b", (2, 3), "cool", (28, 32), 0.8)])
    assert marked(shown.passage)[2] == ("cool", ["b", "a"])


def test_signs_special_tokens_and_weak_matches_are_not_marked():
    shown = hit([
        match("a", (0, 1), ".", (21, 22)), match("b", (2, 3), "[SEP]", None), match("c", (4, 5), "cool", (28, 32), 0.2),
        match("?", (6, 7), "cool", (28, 32)),
    ])  # fmt: skip
    assert all(not each.glosses for each in (*shown.title, *shown.passage, *shown.text))
    assert [gloss.word for gloss in shown.glosses] == ["a", "b", "c"], "a sign of the question is no word"
    assert shown.glosses[1].met == ""


def test_the_question_is_cut_into_its_words():
    shown = hit([match("maji", (0, 4), "water", (5, 10)), match("gani", (5, 9), "water", (5, 10))])
    segments = question_segments("maji gani?", shown.glosses)
    assert "".join(each.text for each in segments) == "maji gani?"
    assert marked(segments) == [("maji", ["maji"]), (" ", []), ("gani", ["gani"]), ("?", [])]


def test_the_heat_map_keeps_the_nearest_english_words_once_each():
    import numpy as np

    found = WordSimilarities(
        ("maji", "?"), ("Boil", "water", ".", "the", "Water"),
        np.array([[0.5, 0.6, 1.0, 0.1, 0.8], [1.0, 1.0, 1.0, 1.0, 1.0]]),
    )  # fmt: skip
    table = heat_map(found)
    assert (table.words, table.english) == (("maji",), ("Boil", "water"))
    assert table.cosines == ((0.5, 0.8),)
    assert table.n_left_out == 1


def test_word_similarities_agree_with_the_explanation(engine):
    content = engine.document("d1").content
    found = engine.word_similarities(QUESTION, content, "swa")
    assert found.question == ("chemsha", "maji")
    assert found.text == tuple(content.split())
    assert found.cosines.shape == (2, len(found.text))
    explained = engine.explain(QUESTION, "d1", language="swa")
    for row, word in zip(found.cosines, explained.words, strict=True):
        assert row.max() <= word.similarity + 0.01, "the best word is at most as near as the best tokens"
