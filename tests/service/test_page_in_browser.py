"""The page in a real browser: by mouse, by keyboard, without JavaScript, from right to left, on a narrow screen."""

import os
import re
import shutil
import threading
import time
from urllib.parse import quote

import pytest

import tiny_models
from opticlir.search import Retriever

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium is installed (Debian: apt-get install chromium)"
    ),
    pytest.mark.slow,
]

LIT = re.compile(r"\blit\b")
QUESTION = "chemsha maji kabla ya kunywa"


class Translator:
    def translate_all(self, texts):
        return ["Boil the water for a long time before you drink it, if it comes from a river" for _ in texts]


@pytest.fixture(scope="module")
def site(tmp_path_factory, models):
    """Address of the running service."""
    import uvicorn

    from opticlir.search.question_models import load_models
    from opticlir.service.app import create_app
    from opticlir.service.engine import SearchEngine
    from opticlir.service.models import ServedModel
    from opticlir.service.settings import ServiceSettings
    from opticlir.translation import QuestionTranslator

    folder = tmp_path_factory.mktemp("site") / "index"
    documents = [
        {
            "_id": f"d{number}",
            "title": f"About {text.split()[-1]}",
            "text": f"{text.capitalize()}.",
            "year": 2000 + number,
            "source": ["WHO", "UNICEF"][number % 2],
            "open": number < 5,
        }
        for number, text in enumerate(tiny_models.ENGLISH)
    ]
    Retriever.build(documents, models[0], folder)
    translator = QuestionTranslator("swa", "apertium:swa-eng", Translator())
    engine = SearchEngine(folder, load_models(models, ServedModel, device="cpu"), [translator])
    app = create_app(engine, ServiceSettings(examples=(("swa", QUESTION),)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, site):
    """Open a page; at the end nothing may have been complained of, and no other host been asked."""
    contexts, complaints = [], []

    def open_page(address="/", *, width=1280, may_complain=False, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, base_url=site, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if not may_complain:
            page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith(site) or complaints.append(request.url))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def asked(question=QUESTION, **more):
    return f"/?q={quote(question)}" + "".join(f"&{name}={value}" for name, value in more.items())


PAGES = {
    "start": "/?", "search": f"{asked()}&", "compare": f"/compare{asked()[1:]}&",
    "explain": f"/explain{asked()[1:]}&doc=d1&", "about": "/about?",
}  # fmt: skip


def test_search_in_swahili_and_see_the_passage_and_its_alignment(visit):
    page = visit()
    page.get_by_label("Your question").fill(QUESTION)
    page.get_by_role("button", name="Search").click()
    first = page.locator(".hit").first
    sync_api.expect(first.locator("h2")).to_contain_text("About")
    assert float(first.locator(".score").inner_text().removeprefix("Score")) > 0
    sync_api.expect(page.locator(".summary")).to_contain_text("read as Swahili (detected)")
    units = first.locator(".unit")
    assert [each.split("\n")[0].strip() for each in units.all_inner_texts()] == QUESTION.split()
    marks = first.locator("mark:visible")
    number = marks.first.get_attribute("data-words").split(" ")[0]
    unit = first.locator(f'.unit[data-words="{number}"]')
    unit.hover()
    sync_api.expect(unit).to_have_class(LIT)
    sync_api.expect(marks.first).to_have_class(LIT)
    assert first.locator(".threads path").count() >= 1, "a line joins the two words"
    page.mouse.move(5, 5)
    sync_api.expect(unit).not_to_have_class(LIT)
    sync_api.expect(page.locator(".threads")).to_have_count(0)


@pytest.mark.parametrize("has_javascript", [True, False])
def test_the_translation_is_under_the_question_and_runs_from_left_to_right(visit, has_javascript):
    page = visit(asked(ui="ar"), java_script_enabled=has_javascript)
    shown = page.locator(".translation q")
    sync_api.expect(shown).to_have_text(re.compile("^Boil the water"))
    assert shown.get_attribute("lang") == "en"
    above, below = page.locator("#q").bounding_box(), page.locator(".hit").first.bounding_box()
    assert above["y"] < shown.bounding_box()["y"] < below["y"]
    assert abs(shown.bounding_box()["x"] - page.locator(".question").bounding_box()["x"]) < 2
    page.goto(asked(lang="hau"))
    sync_api.expect(page.locator(".translation")).to_have_count(0)


def test_a_filter_is_typed_and_stays_while_the_question_changes(visit):
    page = visit(asked())
    page.get_by_label("Only documents where").fill('source = "WHO" and year >= 2010')
    page.keyboard.press("Enter")
    page.wait_for_url("**filter=source*")
    assert page.locator(".hit").count() == 5
    assert all("WHO" in text for text in page.locator(".fields").all_inner_texts())
    page.locator("#q").fill("homa")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=homa&*")
    assert page.get_by_label("Only documents where").input_value() == 'source = "WHO" and year >= 2010'
    assert page.locator(".hit").count() == 5


def test_the_heat_map_opens_and_closes_in_place(visit):
    page = visit(asked())
    opener = page.locator(".hit").first.get_by_role("button", name="Heat map")
    opener.click()
    table = page.locator(".hit").first.get_by_role("table")
    sync_api.expect(table).to_be_visible()
    assert table.locator("tbody tr").count() == len(QUESTION.split())
    assert page.url.endswith(asked()), "the reader stays on the page"
    page.get_by_role("button", name="Close the heat map").click()
    sync_api.expect(table).to_have_count(0)


def test_change_the_language_of_the_question(visit):
    page = visit(asked())
    page.get_by_label("Language of the question").select_option("hau")
    page.get_by_role("button", name="Search").click()
    sync_api.expect(page.locator(".summary")).to_contain_text("read as Hausa")
    assert page.locator("#lang").input_value() == "hau"


def test_compare_two_systems(visit):
    page = visit(asked())
    page.get_by_role("link", name="Compare with another system").click()
    page.get_by_label("Second system").select_option("swahili:dense")
    page.locator("main").get_by_role("button", name="Compare").click()
    sync_api.expect(page.locator(".pair section")).to_have_count(2)
    assert page.locator("#q").input_value() == QUESTION
    both = page.locator(".both")
    assert page.locator(".threads path").count() == both.count() / 2 > 0
    both.first.hover()
    assert page.locator("li.lit").count() == 2, "the document lights up in both lists"
    assert page.locator("path.lit").count() == 1


def test_everything_by_keyboard_alone(visit):
    page = visit(asked())
    page.keyboard.press("Tab")
    assert focused(page, "className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    assert focused(page, "id") == "q"
    page.keyboard.type("homa ya mtoto")
    page.keyboard.press("Enter")
    page.wait_for_url("**homa**")
    page.locator("#lang").focus()
    page.keyboard.press("Tab")
    assert focused(page, "type") == "submit"
    page.keyboard.press("Tab")
    assert focused(page, "id") == "filter"
    page.keyboard.press("Tab")
    assert focused(page, "textContent") == "homa", "the words of the question are one stop"
    page.keyboard.press("ArrowRight")
    assert focused(page, "textContent") == "ya"
    page.keyboard.press("End")
    assert focused(page, "textContent") == "mtoto"
    sync_api.expect(page.locator('.unit[data-words="2"]').first).to_have_class(LIT)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.ariaPressed") == "true"
    page.keyboard.press("Tab")
    assert focused(page, "textContent") == "Compare with another system"
    sync_api.expect(page.locator('.unit[data-words="2"]').first).to_have_class(LIT)
    page.keyboard.press("Tab")
    assert focused(page, "tagName") == "A", "the title of the first result"
    page.keyboard.press("Tab")
    assert focused(page, "tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    assert page.locator("details.why").first.get_attribute("open") is None


def focused(page, name):
    return page.evaluate(f"document.activeElement.{name}")


def test_all_of_it_without_javascript(visit):
    page = visit(java_script_enabled=False)
    page.locator("#q").fill(QUESTION)
    page.get_by_role("button", name="Search").click()
    assert page.locator(".hit").count() == 10
    assert page.locator(".hit mark").count() > 0
    second = page.locator("details.why").nth(1)
    second.locator("summary").click()
    sync_api.expect(second.locator(".gloss")).to_be_visible()
    second.get_by_role("link", name="Heat map").click()
    sync_api.expect(page.get_by_role("table")).to_be_visible()
    page.get_by_role("link", name="Back to the results").click()
    assert page.locator(".hit").count() == 10
    page.locator(".interface summary").click()
    page.get_by_role("link", name="Español").click()
    sync_api.expect(page.get_by_role("button", name="Buscar")).to_be_visible()
    page.get_by_role("link", name="Comparar", exact=True).click()
    assert page.locator(".pair li").count() >= 10


def test_the_arabic_page_runs_from_right_to_left_and_english_does_not(visit):
    page = visit(asked(ui="ar"))
    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    brand, menu = page.locator(".brand").bounding_box(), page.locator(".interface").bounding_box()
    assert brand["x"] > menu["x"]
    for part in (".passage", ".hit h2", ".question", ".gloss"):
        direction = page.locator(part).first.evaluate("element => getComputedStyle(element).direction")
        assert direction == "ltr", part
    words = page.locator(".question mark")
    assert words.nth(0).bounding_box()["x"] < words.nth(1).bounding_box()["x"], "Swahili runs from the left"
    page.locator("#q").fill("كيف أنظف الماء؟")
    assert page.locator("#q").evaluate("element => getComputedStyle(element).direction") == "rtl"


@pytest.mark.parametrize("ui", ["en", "ar"])
@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES)
def test_nothing_is_wider_than_a_narrow_screen(visit, address, ui):
    page = visit(f"{address}ui={ui}", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    sync_api.expect(page.get_by_role("main")).to_be_visible()


def test_an_error_is_explained_and_an_empty_result_is_said(visit):
    page = visit(asked(lang="yor"), may_complain=True)
    sync_api.expect(page.get_by_role("alert")).to_contain_text("no model reads the language 'yor'")
    page.goto("/compare?q=zzzqqq&right=bm25")
    sync_api.expect(page.locator(".pair")).to_contain_text("Nothing found")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", PAGES.values(), ids=PAGES)
def test_axe_finds_nothing_serious(visit, address, scheme):
    for ui in ("en", "ar"):
        page = visit(f"{address}ui={ui}", color_scheme=scheme)
        if address == PAGES["search"]:
            page.locator("a.map").first.click()
            page.wait_for_selector("section.map")
            page.locator(".unit").first.click()  # its words stay lit
        found = axe.Axe().run(page)
        serious = [each for each in found.response["violations"] if each["impact"] in ("serious", "critical")]
        assert not serious, [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in serious]
