"""A running `opticlir serve`: slow clients, floods, signals and new versions of the index.

`-rP --log-level INFO` shows the figures.
"""

import gc
import json
import logging
import select
import signal
import socket
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from opticlir.errors import SetupError
from opticlir.search import ExactIndex, Retriever
from opticlir.service import server
from opticlir.service.settings import ServiceSettings

figures = logging.getLogger("figures").info

HEAD = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def seconds_until_cut(port, first, drip, *, every=0.2, patience=15):
    """Connect, send `first`, then `drip` again and again; when the service ends it, and what it said."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(first)
        connection.settimeout(every)
        said = b""
        while time.monotonic() - begin < patience:
            try:
                connection.sendall(drip)
                received = connection.recv(65_536)
                said += received
                if not received:
                    break
            except TimeoutError:
                continue
            except OSError:
                break
    return time.monotonic() - begin, said


@pytest.fixture
def impatient(monkeypatch, serve):
    """A service that gives its clients one second."""
    return serve("--client-timeout", "1")


def test_slow_clients_are_cut_and_others_are_served(impatient):
    cases = {
        "no head": (b"", b""),
        "slow head": (b"GET /healthz HTTP/1.1\r\n", b"X: y\r\n"),
        "no body": (HEAD + b"Content-Length: 100\r\n\r\n", b""),
        "slow body": (HEAD + b"Content-Length: 100\r\n\r\n", b"{"),
        "slow chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
        "long body after a refusal": (HEAD + b"Content-Length: 99999999\r\n\r\n", b"{"),
    }
    with ThreadPoolExecutor(len(cases)) as pool:
        cut = {name: pool.submit(seconds_until_cut, impatient.port, *case) for name, case in cases.items()}
        with impatient.client() as client:
            assert client.post("/v1/search", json={"query": "maji"}).status_code == 200
        for name, future in cut.items():
            seconds, said = future.result()
            figures(f"{name}: cut after {seconds:.1f} s")
            assert seconds < 4, name
            assert said == b"" or said.split()[1] in (b"408", b"413"), (name, said)


def test_a_slow_reader_is_cut(impatient):
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", impatient.port))
        # the answers fill all buffers
        connection.sendall(500 * b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        ended = select.poll()
        ended.register(connection, select.POLLHUP | select.POLLERR)
        begin = time.monotonic()
        assert ended.poll(90_000), "the service keeps a client that reads nothing"
        figures(f"slow reader: cut after {time.monotonic() - begin:.1f} s")
    with impatient.client() as client:
        assert client.get("/healthz").status_code == 200


def test_what_is_no_http_is_a_problem(impatient):
    for nonsense in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000):
        _, said = seconds_until_cut(impatient.port, nonsense, b"")
        assert said.split()[1] in (b"400", b"408"), said
        assert b"application/problem+json" in said


def test_a_flood_is_answered_with_503_in_flat_memory_and_is_over_at_once(serve):
    service = serve("--queue", "4")
    statuses, before = [], service.rss

    def ask(_):
        with service.client() as client:
            for _ in range(10):
                answer = client.post("/v1/search", json={"query": "maji safi", "k": 20, "explain": True})
                statuses.append(answer.status_code)
                if answer.status_code == 503:
                    assert answer.headers["retry-after"] == "1"

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(ask, range(40)))
    grown = service.rss - before
    figures(f"flood: {Counter(statuses)}, memory + {grown / 1e6:.0f} MB")
    assert set(statuses) == {200, 503}
    assert grown < 100e6
    begin = time.monotonic()
    with service.client() as client:
        assert client.post("/v1/search", json={"query": "maji"}).status_code == 200
    figures(f"after the flood: an answer in {time.monotonic() - begin:.2f} s")
    assert time.monotonic() - begin < 2


def test_too_many_connections_are_turned_away(serve):
    service = serve("--connections", "5")
    held = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(5)]
    time.sleep(0.3)
    _, said = seconds_until_cut(service.port, b"", b"")
    assert b" 503 " in said
    assert b"Retry-After" in said
    for connection in held:
        connection.close()
    time.sleep(0.3)
    with service.client() as client:
        assert client.get("/healthz").status_code == 200


def test_sigterm_finishes_what_is_under_way(serve):
    service = serve()
    statuses = []

    def ask(number):
        with service.client() as client:
            texts = ["the water is clean " * 40] * 100
            statuses.append(client.post("/v1/rerank", json={"query": "maji", "documents": texts}).status_code)

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, number) for number in range(4)]
        with service.client() as client:
            while "opticlir_in_flight 4.0" not in client.get("/metrics").text:
                assert not statuses, "the requests are too short for this test"
                time.sleep(0.05)
        seconds = service.stop()
        figures(f"SIGTERM with four long requests under way: ended after {seconds:.1f} s")
        assert seconds < 10
        for each in asked:
            each.result()
    assert statuses == [200] * 4
    assert service.log()[-1]["event"] == "stopped"


def test_sigkill_while_writing_loses_nothing(serve, index):
    service = serve()
    kept = []

    def write():
        with service.client() as client:
            for number in range(1000):
                document = {"id": f"n{number}", "text": "the water is clean"}
                try:
                    answer = client.put("/v1/documents", json={"documents": [document]})
                except httpx.TransportError:
                    return
                assert answer.status_code == 200
                kept.append(document["id"])

    writer = threading.Thread(target=write)
    writer.start()
    while len(kept) < 3:
        time.sleep(0.01)
    service.stop(signal.SIGKILL)
    writer.join()
    again = ExactIndex.open(index)
    again.verify()
    figures(f"SIGKILL while writing: {len(kept)} documents were confirmed, all are there")
    assert set(kept) <= set(again.doc_ids)
    with serve().client() as client:
        assert client.get("/v1/documents", params={"id": kept[-1]}).status_code == 200


def test_new_versions_are_searched_without_losing_a_request(serve, index, models, reloads):
    service = serve("--watch", "0.05")
    stop, statuses, versions = threading.Event(), [], set()

    def ask():
        with service.client() as client:
            while not stop.is_set():
                answer = client.post("/v1/search", json={"query": "maji safi"})
                statuses.append(answer.status_code)
                versions.add(answer.json().get("index_version"))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for each in askers:
        each.start()
    retriever = Retriever.open(index, models[0])
    for number in range(reloads):
        retriever.add([(f"r{number}", "clean water from the well")])
        wanted = retriever.index.version
        for _ in range(400):
            if wanted in versions:
                break
            time.sleep(0.02)
        assert wanted in versions
    stop.set()
    for each in askers:
        each.join()
    figures(f"{reloads} versions under load: {Counter(statuses)}")
    assert set(statuses) == {200}


def test_the_log_holds_questions_only_on_request(serve):
    quiet, talking = serve(), serve("--log-queries")
    for service in (quiet, talking):
        with service.client() as client:
            client.post(
                "/v1/search", json={"query": "maji safi"}, headers={"Authorization": "Bearer secretsecret"}
            )
            client.get("/v1/documents", params={"id": "siri"})
            mixed = [
                {"id": f"mixed{year}", "text": "clean water", "fields": {"year": year}}
                for year in ("?", 2020)
            ]
            client.put("/v1/documents", json={"documents": mixed}).raise_for_status()
        service.stop()
        (line, *_) = [each for each in service.log() if each.get("route") == "/v1/search"]
        assert line.items() >= {"event": "answered", "status": 200, "language": "swa"}.items()
        assert "secretsecret" not in json.dumps(service.log())
        assert "siri" not in json.dumps(service.log())
    assert "maji" not in json.dumps(quiet.log())
    assert "values of several kinds" in json.dumps(quiet.log()), (
        "the library's warnings are lines of JSON too"
    )
    assert "maji safi" in json.dumps(talking.log())


def test_a_port_that_is_taken_is_an_error(serve, opticlir, index, models):
    service = serve()
    done = opticlir("serve", index, "--model", models[0], "--port", service.port)
    assert "cannot listen on 127.0.0.1" in done.error


def test_a_refused_port_leaves_no_socket_open():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = ServiceSettings(host="127.0.0.1", port=taken.getsockname()[1])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with pytest.raises(SetupError, match=r"cannot listen on 127\.0\.0\.1"):
                server._listener(settings)
            gc.collect()
    assert not [each for each in caught if each.category is ResourceWarning]
