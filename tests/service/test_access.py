"""Who may do what: every route with no token, a wrong one, one that may read, and one that may write."""

import base64

import pytest
from fastapi.testclient import TestClient

from opticlir.errors import DataError, SettingsError
from opticlir.service.access import read_tokens
from opticlir.service.app import create_app
from opticlir.service.settings import ServiceSettings

READ, WRITE = "r" * 20, "w" * 20


@pytest.fixture
def guarded(engine, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"# who\nread {READ}\n\nwrite {WRITE}\n")
    settings = ServiceSettings(token_file=tokens, allowed_hosts=("search.example.org",))
    with TestClient(create_app(engine, settings), base_url="http://localhost") as client:
        yield client


READING = [
    ("POST", "/v1/search", {"query": "maji"}),
    ("POST", "/v1/rerank", {"query": "maji", "documents": ["water"]}),
    ("POST", "/v1/align", {"query": "maji", "text": "water"}),
    ("POST", "/v1/embeddings", {"input": "maji"}),
    ("GET", "/v1/documents", None), ("GET", "/v1/languages", None), ("GET", "/v1/stats", None),
    ("GET", "/metrics", None), ("GET", "/openapi.json", None),
]  # fmt: skip
WRITING = [
    ("PUT", "/v1/documents", {"documents": [{"id": "n", "text": "water"}]}),
    ("DELETE", "/v1/documents?id=d0", None),
    ("POST", "/v1/reload", None),
]


def test_the_table_holds_every_route(guarded):
    paths = guarded.get("/openapi.json", headers={"Authorization": f"Bearer {READ}"}).json()["paths"]
    known = {(method, path.partition("?")[0]) for method, path, _ in [*READING, *WRITING]}
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert found - known == {("GET", "/healthz"), ("GET", "/readyz")}


@pytest.mark.parametrize(("method", "path", "body"), [*READING, *WRITING])
def test_without_a_token_nothing_is_answered(guarded, method, path, body):
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic ====="},
        {"Authorization": READ},
    ):
        answer = guarded.request(method, path, json=body, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert "wrong" not in answer.text


@pytest.mark.parametrize(("method", "path", "body"), READING)
def test_a_token_for_reading_reads(guarded, method, path, body):
    basic = base64.b64encode(f"anybody:{READ}".encode()).decode()
    for value in (f"Bearer {READ}", f"bearer {WRITE}", f"Basic {basic}"):
        answer = guarded.request(method, path, json=body, headers={"Authorization": value})
        assert answer.status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), WRITING)
def test_only_a_token_for_writing_writes(guarded, method, path, body):
    for token, status in ((READ, 403), (WRITE, 200)):
        answer = guarded.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


def test_probes_need_no_token(guarded):
    assert guarded.get("/healthz").status_code == guarded.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8080", 200), ("127.0.0.1:1", 200), ("[::1]:8080", 200),
        ("Search.Example.org", 200), ("evil.example", 400), ("localhost.evil.example", 400), ("", 400),
        ("evil.example:80:localhost", 400),
    ],
)  # fmt: skip
def test_only_known_hosts_are_answered(guarded, host, status):
    assert guarded.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999"])
def test_pages_of_other_sites_change_nothing(client, origin):
    assert client.post("/v1/reload", headers={"Origin": origin}).status_code == 403
    assert client.post("/v1/reload", headers={"Origin": "http://localhost"}).status_code == 200
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    assert "access-control-allow-origin" not in client.options("/v1/documents", headers=asked).headers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no token"), ("# read nothing\n", "no token"), ("admin " + READ, "expected `read TOKEN`"),
        ("read short", "has 5 letters"), (f"read {READ}\nwrite {READ}", ":2: the token comes twice"),
        ("read ü" + READ, "expected"), (f"read {READ} more", "expected"),
    ],
)  # fmt: skip
def test_wrong_token_files_are_refused_and_no_token_is_shown(tmp_path, content, message):
    path = tmp_path / "tokens"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as error:
        read_tokens(path)
    assert READ not in str(error.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_a_public_address_without_tokens_is_refused(opticlir, tmp_path, host):
    (tmp_path / "index").mkdir()
    done = opticlir("serve", tmp_path / "index", "--model", "nothing", "--host", host)
    assert "token" in done.error


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_this_machine_needs_no_token(host):
    assert ServiceSettings(host=host).is_private


def test_settings_out_of_range_are_refused():
    for wrong in ({"deadline": 0.0}, {"queue": -1}, {"port": 70_000}, {"deadline": float("nan")}):
        with pytest.raises(SettingsError):
            ServiceSettings(**wrong)
