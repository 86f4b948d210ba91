"""Each limit at its boundary: the last thing that is allowed, and the first that is not."""

import json

import pytest

from opticlir.service import limits
from opticlir.service.problems import RefusedError

JSON = {"Content-Type": "application/json"}


def search(client, **body):
    return client.post("/v1/search", json={"query": "maji", **body}).status_code


def padded(size):
    body = json.dumps({"query": "maji", "k": 1})
    return (body + " " * (size - len(body))).encode()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"k": limits.MAX_K}), (422, {"k": limits.MAX_K + 1}), (200, {"k": 1}), (422, {"k": 0}),
        (200, {"query": "m" * limits.MAX_QUERY}), (422, {"query": "m" * (limits.MAX_QUERY + 1)}),
        (200, {"query": "m"}), (422, {"query": ""}),
    ],
)  # fmt: skip
def test_of_a_question(client, status, body):
    assert search(client, **body) == status


@pytest.mark.parametrize("route", ["/v1/rerank", "/v1/embeddings", "/v1/documents"])
@pytest.mark.parametrize(
    ("n", "status"), [(1, 200), (limits.MAX_TEXTS, 200), (limits.MAX_TEXTS + 1, 422), (0, 422)]
)
def test_of_the_number_of_texts(client, route, n, status):
    texts = ["water"] * n
    documents = [{"id": f"new{number}", "text": text} for number, text in enumerate(texts)]
    body = {
        "/v1/rerank": {"query": "maji", "documents": texts},
        "/v1/embeddings": {"input": texts, "language": "swa"},
        "/v1/documents": {"documents": documents},
    }[route]
    answer = client.request("PUT" if route == "/v1/documents" else "POST", route, json=body)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(("n", "status"), [(limits.MAX_TEXT, 200), (limits.MAX_TEXT + 1, 422)])
def test_of_the_length_of_a_text(client, n, status):
    assert client.post("/v1/rerank", json={"query": "maji", "documents": ["a" * n]}).status_code == status


@pytest.mark.parametrize(("n", "status"), [(limits.MAX_ID, 404), (limits.MAX_ID + 1, 422)])
def test_of_an_id(client, n, status):
    assert client.get("/v1/documents", params={"id": "i" * n}).status_code == status


@pytest.mark.parametrize(("size", "status"), [(limits.MAX_BODY, 200), (limits.MAX_BODY + 1, 413)])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_of_a_body(client, size, status, is_chunked):
    body = padded(size)
    content = (body[start : start + 65_536] for start in range(0, size, 65_536)) if is_chunked else body
    assert client.post("/v1/search", content=content, headers=JSON).status_code == status


@pytest.mark.parametrize(("length", "status"), [(limits.MAX_URL, 200), (limits.MAX_URL + 1, 414)])
def test_of_an_address(client, length, status):
    path = "/v1/languages?"
    assert client.get(path + "a" * (length - len(path))).status_code == status


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 431)])
def test_of_the_headers(client, more, status):
    plain = client.build_request("GET", "/v1/languages", headers={"X-Long": ""})
    size = sum(len(name) + len(value) + 4 for name, value in plain.headers.raw)
    filled = {"X-Long": "a" * (limits.MAX_HEADERS - size + more)}
    assert client.get("/v1/languages", headers=filled).status_code == status


@pytest.mark.parametrize(
    ("body", "is_refused"),
    [
        ("[" * limits.MAX_DEPTH, False), ("[" * (limits.MAX_DEPTH + 1), True),
        ('{"a":' * limits.MAX_DEPTH, False), ('{"a":' * (limits.MAX_DEPTH + 1), True),
        ("[]" * 100, False), ('"' + "[" * 100 + '"', False), ('"\\"' + "[" * 100 + '"', False),
        ('"' + "[" * 100, False), ('"a"' + "[" * 100, True), ("", False), ("]" * 100 + "[" * 100, False),
    ],
)  # fmt: skip
def test_of_nesting(body, is_refused):
    if is_refused:
        with pytest.raises(RefusedError, match="nested"):
            limits.check_depth(body.encode())
    else:
        limits.check_depth(body.encode())


def test_deeply_nested_json_is_no_failure(client):
    for body in ("[" * 500_000, '{"a":' * 100_000):
        assert client.post("/v1/search", content=body, headers=JSON).status_code == 400


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_declared_as_json(client, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    assert client.post("/v1/search", content=b'{"query": "maji"}', headers=headers).status_code == 415
