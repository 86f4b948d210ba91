"""The HTTP interface as a client meets it."""

import base64

import numpy as np
import pytest


def test_a_swahili_question_is_detected_and_answered_with_its_reasons(client):
    found = client.post("/v1/search", json={"query": "Maji safi", "k": 3, "explain": True})
    assert found.status_code == 200
    answer = found.json()
    assert (answer["language"], answer["detected"], answer["model"]) == ("swa", True, "swahili")
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3]
    why = answer["hits"][0]["explanation"]
    assert [word["query"] for word in why["words"]] == ["Maji", "safi"]
    assert sum(word["share"] for word in why["words"]) + why["special_share"] == pytest.approx(1)
    assert why["translations"] == {"Maji": ["water"]}


def test_the_language_can_be_given_in_any_code(client):
    assert client.post("/v1/search", json={"query": "Maji", "language": "ha"}).json()["language"] == "hau"


def test_texts_are_reranked_with_scores_from_0_to_1(client):
    documents = ["the water is clean", {"text": "smoke hurts the eyes"}, "clean water"]
    asked = {"query": "maji safi", "documents": documents, "top_n": 2, "return_documents": True}
    answer = client.post("/v1/rerank", json=asked).json()
    scores = [each["relevance_score"] for each in answer["results"]]
    assert len(scores) == 2
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    texts = ["the water is clean", "smoke hurts the eyes", "clean water"]
    assert all(each["document"]["text"] == texts[each["index"]] for each in answer["results"])


def test_a_question_is_aligned_with_an_english_text(client):
    answer = client.post("/v1/align", json={"query": "maji safi", "text": "clean water"}).json()
    plan = np.array(answer["plan"])
    assert plan.shape == (len(answer["query_tokens"]), len(answer["text_tokens"]))
    assert plan.sum() == pytest.approx(1, abs=1e-4)


def test_embeddings_have_the_form_of_openai(client):
    as_list = client.post("/v1/embeddings", json={"input": ["maji", "homa"]}).json()
    assert [each["index"] for each in as_list["data"]] == [0, 1]
    vector = np.array(as_list["data"][0]["embedding"])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    coded = client.post("/v1/embeddings", json={"input": "maji", "encoding_format": "base64"}).json()
    decoded = np.frombuffer(base64.b64decode(coded["data"][0]["embedding"]), "<f4")
    assert decoded == pytest.approx(vector, abs=1e-5)
    tokens = client.post(
        "/v1/embeddings", json={"input": "clean water", "input_type": "document", "multi_vector": True}
    ).json()
    assert np.array(tokens["data"][0]["embedding"]).shape[0] == tokens["usage"]["total_tokens"]


def test_documents_are_written_read_and_deleted(client):
    before = client.get("/v1/documents", params={"limit": 2}).json()
    assert [each["id"] for each in before["documents"]] == ["d0", "d1"]
    written = client.put("/v1/documents", json={"documents": [{"id": "../new", "text": "a new text"}]}).json()
    assert written["total"] == before["total"] + 1
    assert written["index_version"] != before["index_version"]
    replaced = client.put(
        "/v1/documents", json={"documents": [{"id": "../new", "text": "another text"}]}
    ).json()
    assert replaced["total"] == before["total"] + 1
    assert (
        client.get("/v1/documents", params={"id": "../new"}).json()["documents"][0]["text"] == "another text"
    )
    assert client.delete("/v1/documents", params={"id": "../new"}).json()["total"] == before["total"]
    assert client.get("/v1/documents", params={"id": "../new"}).status_code == 404
    assert client.delete("/v1/documents", params={"id": "../new"}).status_code == 404


def test_a_search_finds_only_documents_that_a_filter_keeps(client):
    asked = {"query": "maji safi", "k": 20}
    every = client.post("/v1/search", json=asked).json()["hits"]
    found = client.post("/v1/search", json={**asked, "filter": "year >= 2010 or open = true"}).json()["hits"]
    kept = [hit for hit in every if hit["fields"]["year"] >= 2010 or hit["fields"]["open"]]
    assert [(hit["doc_id"], hit["score"], hit["fields"]) for hit in found] == [
        (hit["doc_id"], hit["score"], hit["fields"]) for hit in kept
    ]
    assert client.get("/v1/stats").json()["index"]["fields"] == {
        "year": "whole number",
        "open": "true or false",
    }


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("yaer = 3", "did you mean 'year'? The fields are open (true or false), year (whole number)"),
        ("year = 'x'", "compare it with a number"),
        ("year = = 3", "at letter 8: expected a number, a text in quotes, true or false, found ="),
        ("", "the filter is empty"),
        ("x" * 2001, "does not have the expected form"),
        (7, "does not have the expected form"),
    ],
)
def test_a_filter_that_does_not_fit_is_a_problem(client, condition, message):
    answer = client.post("/v1/search", json={"query": "maji", "filter": condition})
    assert answer.status_code == 422
    assert message in answer.json()["detail"]


def test_documents_are_written_with_their_fields(client):
    fields = {"year": 2024, "share": 0.5, "open": False, "source": "Ọlá", "whole": 3.0}
    new = {"id": "new", "text": "clean water in the rain", "fields": fields}
    assert client.put("/v1/documents", json={"documents": [new]}).status_code == 200
    (read,) = client.get("/v1/documents", params={"id": "new"}).json()["documents"]
    assert read["fields"] == fields
    (hit,) = client.post("/v1/search", json={"query": "maji", "filter": "source = 'Ọlá'"}).json()["hits"]
    assert (hit["doc_id"], hit["fields"]) == ("new", fields)
    assert client.get("/v1/stats").json()["index"]["fields"] == {
        "year": "whole number", "open": "true or false", "share": "number", "source": "text", "whole": "number",
    }  # fmt: skip
    for wrong in ({"a": [1]}, {"a": None}, {"": 1}, {" \x0f": 1}, {f"f{at}": at for at in range(65)}):
        refused = client.put("/v1/documents", json={"documents": [{**new, "fields": wrong}]})
        assert refused.status_code == 422, wrong


def test_facts_and_figures(client):
    assert [each["code"] for each in client.get("/v1/languages").json()["languages"]] == ["swa", "hau"]
    assert client.get("/v1/stats").json()["index"]["documents"] == 20
    client.post("/v1/search", json={"query": "maji"})
    figures = client.get("/metrics").text
    assert 'opticlir_requests_total{method="POST",route="/v1/search",status="200"} 1.0' in figures
    assert "opticlir_documents 20.0" in figures
    assert client.get("/healthz").json() == client.get("/readyz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": ""}, 422), ({"query": " "}, 422), ({"query": "maji", "k": 0}, 422), ({}, 422), ([], 422),
        ({"query": "maji", "k": 101}, 422), ({"query": "maji", "k": "3"}, 422), ({"query": "maji", "more": 1}, 422),
        ({"query": "maji", "language": "xx"}, 422), ({"query": "maji", "language": "fra"}, 422),
        ({"query": "maji", "model": "other"}, 422), ({"query": "maji", "ranking": "best"}, 422),
        ({"query": "a\0b"}, 422), ({"query": "\ud800"}, 422),
    ],
)  # fmt: skip
def test_wrong_questions_are_problems(client, body, status):
    import json

    answer = client.post("/v1/search", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status
    assert answer.json()["title"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/search", 405),
        ("POST", "/v1/search", 422),
        ("DELETE", "/v1/documents", 422),
    ],
)
def test_wrong_addresses_are_problems(client, method, path, status):
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_every_answer_carries_the_headers_of_safety(client):
    for path in ("/healthz", "/nothing", "/v1/stats"):
        headers = client.get(path, headers={"X-Request-ID": "evil"}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"] != "evil"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
