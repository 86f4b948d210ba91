"""Machine translation of questions in the service: on the page, over HTTP, and when it fails."""

import json
import re
import threading

import httpx
import pytest
from fastapi.testclient import TestClient

import opticlir
import tiny_models
from opticlir.errors import SettingsError, SetupError
from opticlir.search.question_models import load_models
from opticlir.service.app import create_app
from opticlir.service.engine import SearchEngine
from opticlir.service.models import ServedModel
from opticlir.service.settings import ServiceSettings
from opticlir.translation import QuestionTranslator

QUESTION = "maji safi"
FAILED = "the machine translator failed, so the question is not translated"


class Scripted:
    """A translator that does what a test wants."""

    def __init__(self, translate):
        self.translate_all = lambda texts: [translate(text) for text in texts]


@pytest.fixture
def translated(index, models):
    """A client of a service with a Swahili translator."""
    opened = []

    def start(translate=str.upper, name="apertium:swa-eng", **settings):
        served = load_models(models, ServedModel, device="cpu")
        translator = QuestionTranslator("swa", name, Scripted(translate))
        app = create_app(SearchEngine(index, served, [translator]), ServiceSettings(**settings))
        client = TestClient(app, base_url="http://localhost")
        opened.append(client)
        return client.__enter__()

    yield start
    for client in opened:
        client.__exit__(None, None, None)


def ask(client, **body):
    answer = client.post("/v1/search", json={"query": QUESTION, **body})
    assert answer.status_code == 200
    return answer.json()


def test_the_answer_has_the_translation_when_it_is_asked_for(translated):
    client = translated()
    plain, with_translation = ask(client), ask(client, translate=True)
    assert plain["translation"] is None
    assert with_translation["translation"] == {"text": "MAJI SAFI", "translator": "apertium:swa-eng"}
    assert with_translation["hits"] == plain["hits"], "the student ranks, not the translation"
    assert ask(client, query="ruwa mai tsabta", translate=True)["translation"] is None
    assert ask(client, language="swa", query="ruwa", translate=True)["translation"]["text"] == "RUWA"
    assert ask(client, model="hausa", query="maji", translate=True)["translation"] is None


def test_a_service_without_a_translator_answers_without_one(client):
    assert ask(client, translate=True)["translation"] is None


def test_the_translators_are_among_the_facts(translated):
    client = translated()
    assert client.get("/v1/stats").json()["translators"] == [{"name": "apertium:swa-eng", "language": "swa"}]
    page = client.get("/about").text
    assert page.count("Machine translator") == 1
    assert "apertium:swa-eng" in page


def test_the_client_asks_for_it(translated):
    client = translated()

    def answer(request):
        sent = client.request(
            request.method, request.url.path, content=request.content, headers=dict(request.headers)
        )
        return httpx.Response(sent.status_code, content=sent.content)

    with opticlir.Client("http://localhost", transport=httpx.MockTransport(answer)) as remote:
        assert remote.search(QUESTION).translation is None
        found = remote.search(QUESTION, translate=True)
    assert (found.translation.text, found.translation.translator) == ("MAJI SAFI", "apertium:swa-eng")
    assert "apertium:swa-eng: MAJI SAFI" in found._repr_html_()


@pytest.mark.parametrize(
    ("ui", "label"),
    [
        ("en", "Machine translation of your question"), ("sw", "Tafsiri ya mashine ya swali lako"),
        ("ha", "Fassarar na&#39;ura ta tambayarka"), ("es", "Traducción automática de su pregunta"),
        ("ar", "ترجمة آلية لسؤالك"),
    ],
)  # fmt: skip
def test_the_page_shows_it_in_english_with_the_name_of_the_translator(translated, ui, label):
    page = translated().get("/", params={"q": QUESTION, "ui": ui}).text
    (shown,) = re.findall(r'<p class="translation">.*?</p>', page)
    assert label in shown
    assert '<q lang="en" dir="ltr">MAJI SAFI</q>' in shown
    assert '<bdi lang="en">apertium:swa-eng</bdi>' in shown
    assert page.index("</form>") < page.index(shown) < page.index('class="hits"')


def test_markup_in_a_translation_is_text(translated):
    page = translated(lambda _: "<script>alert(1)</script>\x1b[31m").get("/", params={"q": QUESTION}).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "\x1b" not in page


def test_the_page_has_no_place_for_a_language_without_a_translator(translated):
    assert "Machine translation" not in translated().get("/", params={"q": "ruwa mai tsabta"}).text


def fails(_):
    raise SetupError("/secret/path failed: maji safi")


def has_a_fault(_):
    raise RuntimeError("maji safi")


@pytest.mark.parametrize("translate", [fails, has_a_fault])
def test_a_translator_that_fails_loses_no_answer(translated, caplog, translate):
    client = translated(translate)
    found = ask(client, translate=True)
    assert len(found["hits"]) == 10
    assert found["notes"] == [FAILED]
    assert "secret" not in caplog.text
    assert "maji" not in caplog.text
    page = client.get("/", params={"q": QUESTION})
    assert page.status_code == 200
    assert FAILED in page.text


def test_a_slow_translator_loses_no_answer(translated):
    released = threading.Event()
    client = translated(lambda _: str(released.wait(60)), deadline=4.0)
    try:
        found = ask(client, translate=True)
        assert (len(found["hits"]), found["notes"]) == (10, [FAILED])
    finally:
        released.set()


def test_a_translator_that_nobody_can_use_is_refused(index, models, tmp_path):
    (tmp_path / "words.tsv").write_text("water\tagua\n")
    with pytest.raises(
        SettingsError, match="a translator is for 'spa', which no model reads: expected one of swa, hau"
    ):
        SearchEngine.open(
            index, models, translators=[f"spa=dictionary:{tmp_path / 'words.tsv'}"], device="cpu"
        )


def test_serve_runs_a_program_and_learns_from_bitext(serve, apertium, tmp_path):
    apertium("tr a-z A-Z")
    (tmp_path / "pairs.tsv").write_text(
        "".join(f"{pair.english}\t{pair.foreign}\n" for pair in tiny_models.PAIRS)
    )
    by_rules, by_words = (
        serve("--translator", "sw=apertium:swa-eng"),
        serve("--translator", f"swa=word-table:{tmp_path / 'pairs.tsv'}"),
    )
    for service, text in ((by_rules, "MAJI SAFI"), (by_words, "water clean")):
        with service.client() as client:
            assert ask(client, translate=True)["translation"]["text"] == text
        assert "maji" not in json.dumps(service.log())


def test_serve_names_a_program_that_is_missing(opticlir, index, models, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = opticlir("serve", index, "--model", models[0], "--translator", "swa=apertium:swa-eng")
    assert "'apertium' is not installed: apt install apertium" in done.error
