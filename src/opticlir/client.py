"""A client of the service: what `SearchEngine` answers here, answered by `opticlir serve` elsewhere."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Literal, TypeVar

import httpx
import numpy as np
from pydantic import TypeAdapter, ValidationError

import opticlir
from opticlir.data.in_memory import DocumentLike, documents_of, refuse_one_text
from opticlir.errors import ServiceError
from opticlir.records import Document, FieldValue, Ranking
from opticlir.service.answers import (
    AlignAnswer,
    EmbedAnswer,
    Language,
    RerankAnswer,
    RerankedText,
    SearchAnswer,
)

_Answer = TypeVar("_Answer")

_SEARCHED = TypeAdapter(SearchAnswer).validate_python
_RERANKED = TypeAdapter(tuple[RerankedText, ...]).validate_python
_ALIGNED = TypeAdapter(AlignAnswer).validate_python
_LANGUAGES = TypeAdapter(tuple[Language, ...]).validate_python
_FIELDS = TypeAdapter(dict[str, FieldValue]).validate_python
_FACTS = TypeAdapter(dict[str, Any]).validate_python

_LONGEST_WAIT = 30.0
"""Seconds; a service that asks for more is given up at once."""


class Client:
    """Asks a service that `opticlir serve` runs. The answers are those of the engine, and show themselves in notebooks.

    A busy service answers 503 and says when to come back: the client waits, and asks again. Close it after use, or open
    it by `with`. Threads may share it.

    Args:
        url: address of the service.
        token: of the service's token file; None for a service without tokens.
        timeout: seconds for one try.
        retries: how often a busy service is asked again.
        transport: carries the requests in another way, for tests.

    Example:
        `with opticlir.Client("http://127.0.0.1:8080") as client: client.search("Maji salama ni yapi?")`
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        token: str | None = None,
        timeout: float = 30.0,
        retries: int = 3,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if retries < 0:
            raise ValueError(f"retries is {retries}: expected 0 or more")
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url is {url!r}: expected an address such as http://127.0.0.1:8080")
        headers = {"User-Agent": f"opticlir/{opticlir.__version__}", "Accept": "application/json"}
        if token is not None:
            if not token.strip().isascii():
                raise ValueError(
                    "the token has other letters than those of ASCII: copy it from the token file"
                )
            headers["Authorization"] = f"Bearer {token.strip()}"
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)
        self._retries = retries

    def search(
        self,
        text: str,
        *,
        language: str = "auto",
        k: int = 10,
        ranking: Ranking = "hybrid",
        explain: bool = False,
        model: str | None = None,
        filter: str | None = None,  # noqa: A002 - the word of the field
        translate: bool = False,
    ) -> SearchAnswer:
        """Answer one question.

        Args:
            text: the question.
            language: its code, or `auto`.
            k: number of hits, >= 1.
            ranking: `hybrid`, `dense` or `bm25`.
            explain: say of each hit why it was found.
            model: name of the model that reads it; None takes the first of the language.
            filter: which documents may be found, by their metadata fields: `year >= 2020 and source = "who"`.
            translate: add a machine translation of the question, if the service has a translator.

        Raises:
            ServiceError: the service cannot be reached, refuses, or stays busy.
        """
        asked = {
            "query": text, "language": language, "k": k, "ranking": ranking, "explain": explain, "model": model,
            "filter": filter,
        }  # fmt: skip
        if translate:  # services of earlier versions refuse what they do not know
            asked["translate"] = True
        return _read(_SEARCHED, self._ask("POST", "/v1/search", asked=asked))

    def rerank(
        self, query: str, texts: Sequence[str], language: str = "auto", *, model: str | None = None
    ) -> RerankAnswer:
        """Order English texts by how well they answer a question; arguments and errors as `search`."""
        refuse_one_text(texts, "texts")
        asked = {"query": query, "documents": list(texts), "language": language, "model": model}
        body = self._ask("POST", "/v1/rerank", asked=asked)
        places = [_part(each, "index") for each in _part(body, "results")]
        scores = [_part(each, "relevance_score") for each in body["results"]]
        results = [
            {"index": place, "score": score, "text": _part(texts, place)}
            for place, score in zip(places, scores, strict=True)
        ]
        return RerankAnswer(
            query,
            _part(body, "language"),
            language == "auto",
            _part(body, "model"),
            _read(_RERANKED, results),
        )

    def align(
        self, query: str, text: str, language: str = "auto", *, model: str | None = None
    ) -> AlignAnswer:
        """Align the tokens of a question with those of an English text; arguments and errors as `search`."""
        asked = {"query": query, "text": text, "language": language, "model": model}
        return _read(_ALIGNED, self._ask("POST", "/v1/align", asked=asked))

    def embed(
        self,
        texts: Sequence[str],
        language: str = "auto",
        route: Literal["query", "document"] = "query",
        *,
        model: str | None = None,
    ) -> EmbedAnswer:
        """Encode texts, token by token.

        Args:
            texts: questions, or English documents.
            language: as of `search`.
            route: `query` reads questions, `document` English texts.
            model: as of `search`.

        Raises:
            ServiceError: as `search`.
        """
        refuse_one_text(texts, "texts")
        asked = {
            "input": list(texts), "input_type": route, "language": language, "model": model,
            "encoding_format": "base64", "multi_vector": True,
        }  # fmt: skip
        body = self._ask("POST", "/v1/embeddings", asked=asked)
        vectors = tuple(_matrix(_part(each, "embedding")) for each in _part(body, "data"))
        return EmbedAnswer(_part(body, "language"), language == "auto", _part(body, "model"), vectors)

    def languages(self) -> tuple[Language, ...]:
        """The languages that questions can be in; errors as `search`."""
        return _read(_LANGUAGES, _part(self._ask("GET", "/v1/languages"), "languages"))

    def stats(self) -> dict[str, Any]:
        """Facts about the index and the models; errors as `search`."""
        return _read(_FACTS, self._ask("GET", "/v1/stats"))

    def documents(self, offset: int = 0, limit: int = 100) -> tuple[Document, ...]:
        """A page of the documents, in the order of the index; errors as `search`."""
        return _documents(self._ask("GET", "/v1/documents", params={"offset": offset, "limit": limit}))

    def document(self, doc_id: str) -> Document:
        """One document; errors as `search`, with status 404 for an unknown id."""
        return _documents(self._ask("GET", "/v1/documents", params={"id": doc_id}))[0]

    def put(self, documents: Iterable[DocumentLike]) -> str:
        """Write documents; one with a known id replaces the old one. Errors as `search`.

        Returns:
            The version of the index that has them.
        """
        new = [
            {"id": each.doc_id, "title": each.title, "text": each.text, "fields": dict(each.fields)}
            for each in documents_of(documents)
        ]
        return str(_part(self._ask("PUT", "/v1/documents", asked={"documents": new}), "index_version"))

    def delete(self, doc_ids: Sequence[str]) -> str:
        """Delete documents, and return the version of the index without them; errors as `search`."""
        refuse_one_text(doc_ids, "document ids")
        answer = self._ask("DELETE", "/v1/documents", params={"id": list(doc_ids)})
        return str(_part(answer, "index_version"))

    def reload(self) -> str:
        """Let the service search the newest version of its index, and return that version; errors as `search`."""
        return str(_part(self._ask("POST", "/v1/reload"), "index_version"))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({str(self._http.base_url)!r})"

    def _ask(self, method: str, path: str, *, asked: Any = None, params: dict[str, Any] | None = None) -> Any:
        """The JSON of an answer; a busy service is asked again."""
        # in ASCII, so that half of a surrogate pair reaches the service, which says what is wrong with it
        content = None if asked is None else json.dumps(asked)
        headers = {} if asked is None else {"Content-Type": "application/json"}
        for left in range(self._retries, -1, -1):
            try:
                response = self._http.request(method, path, content=content, params=params, headers=headers)
            except httpx.HTTPError as error:
                raise ServiceError(
                    f"{self._http.base_url}: no answer ({type(error).__name__}): {error}; is `opticlir serve` running "
                    "there?"
                ) from error
            wait = _retry_after(response)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or not left or wait > _LONGEST_WAIT:
                return _content(response)
            time.sleep(wait)
        raise AssertionError  # the last round returns or raises


def _retry_after(response: httpx.Response) -> float:
    """Seconds that a busy service asks to wait, given as a number or a date; 1 where it says nothing."""
    asked = response.headers.get("Retry-After", "")
    if asked.isdecimal():
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return 1.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _content(response: httpx.Response) -> Any:
    try:
        body = response.json()
    except ValueError:
        body = None
    if response.is_success and body is not None:
        return body
    problem = body if isinstance(body, dict) else {}
    said = problem.get("detail") or problem.get("title") or response.reason_phrase
    raise ServiceError(
        f"{response.request.url}: {said} (status {response.status_code})", response.status_code
    )


def _read(reader: Callable[[Any], _Answer], body: Any) -> _Answer:
    try:
        return reader(body)
    except ValidationError as error:
        raise _foreign(str(error.errors()[0]["loc"])) from None


def _part(body: Any, name: str | int) -> Any:
    try:
        return body[name]
    except (KeyError, IndexError, TypeError):
        raise _foreign(name) from None


def _foreign(place: str | int) -> ServiceError:
    return ServiceError(
        f"an answer without a valid {place}: expected `opticlir serve` of version {opticlir.__version__}"
    )


def _documents(body: Any) -> tuple[Document, ...]:
    return tuple(
        Document(
            str(_part(each, "id")),
            str(_part(each, "text")),
            str(_part(each, "title")),
            _read(_FIELDS, _part(each, "fields")),
        )
        for each in _part(body, "documents")
    )


def _matrix(rows: Sequence[str]) -> np.ndarray:
    return np.stack([np.frombuffer(base64.b64decode(row), "<f4") for row in rows])
