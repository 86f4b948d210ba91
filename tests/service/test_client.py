"""`opticlir.Client`: the answers of a service, in Python."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import numpy as np
import pytest

import opticlir
from opticlir.errors import OpticlirError, ServiceError


@pytest.fixture
def remote(client):
    """A client of the application, without a network."""

    def answer(request):
        sent = client.request(
            request.method,
            request.url.raw_path.decode(),
            content=request.content,
            headers=dict(request.headers),
        )
        return httpx.Response(sent.status_code, headers=dict(sent.headers), content=sent.content)

    with opticlir.Client("http://localhost", transport=httpx.MockTransport(answer)) as remote:
        yield remote


def replies(*responses):
    """A client of a service that gives these answers in turn, and the requests it got."""
    left, asked = list(responses), []

    def answer(request):
        asked.append(request)
        reply = left.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    return opticlir.Client("http://test", token="secret", transport=httpx.MockTransport(answer)), asked


@pytest.fixture
def naps(monkeypatch):
    taken = []
    monkeypatch.setattr("opticlir.client.time.sleep", taken.append)
    return taken


def test_it_answers_as_the_engine_here(remote, engine):
    there, here = (each.search("Maji safi", k=3, explain=True) for each in (remote, engine))
    assert there.hits == here.hits
    assert (there.language, there.detected, there.model) == ("swa", True, "swahili")
    assert there.hits[0].explanation.translations == {"Maji": ("water",)}
    texts = ["smoke hurts the eyes", "the water is clean"]
    assert remote.rerank("maji safi", texts).results == engine.rerank("maji safi", texts).results
    assert remote.align("maji", "water", "swa") == engine.align("maji", "water", "swa")
    for route in ("query", "document"):
        here, there = (each.embed(["water", "clean water"], "swa", route) for each in (engine, remote))
        assert (there.language, there.model) == (here.language, here.model)
        for one, other in zip(here.vectors, there.vectors, strict=True):
            np.testing.assert_array_equal(one, other)
    assert remote.languages() == engine.languages
    assert remote.stats()["index"]["documents"] == len(engine)


def test_documents_are_written_read_and_deleted(remote, engine):
    before = engine.version
    new = {"id": "new", "title": "A title", "text": "Fresh water & <b>bread</b>.", "year": 2030, "share": 1.0}
    version = remote.put([new])
    assert version == engine.version != before
    assert remote.document("new") == engine.document("new")
    assert remote.document("new").fields == {"year": 2030, "share": 1.0}
    assert [hit.doc_id for hit in remote.search("maji", filter="share >= 1").hits] == ["new"]
    with pytest.raises(ServiceError, match="no field 'who'"):
        remote.search("maji", filter="who = 1")
    assert remote.documents(0, 3) == engine.documents(0, 3)
    assert remote.delete(["new"]) == engine.version
    with pytest.raises(ServiceError, match="holds no document 'new'") as refused:
        remote.document("new")
    assert refused.value.status == 404
    assert remote.reload() == engine.version


@pytest.mark.parametrize(
    ("use", "status", "message"),
    [
        (lambda c: c.search("maji", language="zul"), 422, "no model reads the language"),
        (lambda c: c.search("maji", model="nobody"), 422, "no model 'nobody'"),
        (lambda c: c.search(""), 422, "."),
        (lambda c: c.search("maji", k=10**9), 422, "."),
        (lambda c: c.delete(["nowhere"]), 404, "no document 'nowhere'"),
        (lambda c: c.search("maji \ud800"), 422, "."),
    ],
)
def test_a_refusal_is_an_error_that_says_why(remote, use, status, message):
    with pytest.raises(ServiceError, match=message) as refused:
        use(remote)
    assert refused.value.status == status
    assert isinstance(refused.value, OpticlirError)


def test_a_busy_service_is_asked_again_when_it_says(naps):
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20))
    busy = [httpx.Response(503, headers={"Retry-After": wait}) for wait in ("2", later, "soon")]
    client, asked = replies(*busy, httpx.Response(200, json={"languages": []}))
    assert client.languages() == ()
    assert naps[0] == 2
    assert 15 < naps[1] <= 20
    assert naps[2] == 1
    assert len(asked) == 4
    assert asked[0].headers["Authorization"] == "Bearer secret"
    assert "secret" not in repr(client)


def test_a_service_that_stays_busy_is_given_up(naps):
    problem = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "the queue is full",
    }
    client, asked = replies(*[httpx.Response(503, json=problem) for _ in range(4)])
    with pytest.raises(ServiceError, match="the queue is full") as refused:
        client.search("maji")
    assert refused.value.status == 503
    assert len(asked) == 4
    assert len(naps) == 3


def test_a_wait_of_an_hour_is_not_waited(naps):
    client, asked = replies(httpx.Response(503, headers={"Retry-After": "3600"}))
    with pytest.raises(ServiceError):
        client.search("maji")
    assert (len(asked), naps) == (1, [])


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (httpx.ConnectError("refused"), "no answer .*is `opticlir serve` running there"),
        (httpx.ReadTimeout("slow"), "no answer .ReadTimeout"),
        (httpx.Response(200, text="<html>a proxy</html>"), "status 200"),
        (httpx.Response(502, text="<html>bad</html>"), "Bad Gateway .status 502"),
        (httpx.Response(500, json=["no problem"]), "status 500"),
        (httpx.Response(200, json={"hits": 3}), "an answer without a valid .*expected `opticlir serve`"),
        (httpx.Response(200, json=[1]), "an answer without a valid"),
    ],
)
def test_an_answer_of_something_else_is_no_traceback_of_ours(reply, message):
    client, _ = replies(reply)
    with pytest.raises(ServiceError, match=message):
        client.search("maji")


def test_answers_show_themselves_and_escape_what_they_hold(remote):
    remote.put([("<i>x</i>", "<script>alert(1)</script>", "maji <img src=x onerror=alert(1)> safi \u202e")])
    shown = [
        remote.search("maji <b>safi</b>", k=21, explain=True),
        remote.rerank("maji", ["<script>"]),
        remote.align("maji <i>", "water <b>"),
        *remote.search("maji", k=21).hits,
        *(hit.explanation for hit in remote.search("maji <b>", explain=True, k=21).hits),
    ]
    for answer in shown:
        html = answer._repr_html_()
        assert html.startswith("<table>")
        assert not any(tag in html for tag in ("<script", "<img", "<b>", "<i>", "\u202e"))
    assert "&lt;script&gt;" in shown[0]._repr_html_()


def test_the_import_of_the_client_loads_no_model(tmp_path):
    import subprocess
    import sys

    code = "import sys, opticlir; opticlir.Client(); print([m for m in ('torch', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda c: c.rerank("maji", "one text"), TypeError, "expected a list of texts, found one text"),
        (lambda c: c.embed("one text"), TypeError, "expected a list of texts, found one text"),
        (lambda c: c.delete("d1"), TypeError, "expected a list of document ids, found one text"),
        (lambda c: opticlir.Client("127.0.0.1:8080"), ValueError, "expected an address such as http://"),
        (lambda c: opticlir.Client(token="clé"), ValueError, "other letters than those of ASCII"),
        (lambda c: opticlir.Client(retries=-1), ValueError, "retries is -1: expected 0 or more"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_sent(use, error, message):
    client, asked = replies()
    with pytest.raises(error, match=message):
        use(client)
    assert asked == []


def test_a_token_from_a_file_may_end_with_its_line():
    with opticlir.Client("http://test", token="secret\n") as client:
        assert client._http.headers["Authorization"] == "Bearer secret"
