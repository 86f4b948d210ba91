"""Who may do what: bearer tokens with a scope, and browsers on other sites kept out."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from opticlir.errors import DataError
from opticlir.service.problems import RefusedError

Scope: TypeAlias = Literal["read", "write"]
"""`write` includes `read`."""

_SHORTEST = 16
_OPEN = ("/healthz", "/readyz")
_WRITING = {("PUT", "/v1/documents"), ("DELETE", "/v1/documents"), ("POST", "/v1/reload")}
_SAFE = ("GET", "HEAD", "OPTIONS")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="opticlir", Basic realm="opticlir"'}


class Access:
    """Decides whether a request is allowed.

    Args:
        tokens: scope by token; None allows everything.
        hosts: values of the Host header that are answered, in lower case.
    """

    def __init__(self, tokens: dict[str, Scope] | None, hosts: Iterable[str]) -> None:
        self._digests = None if tokens is None else {_digest(token): tokens[token] for token in tokens}
        self._hosts = frozenset(hosts)

    def check(self, method: str, path: str, headers: dict[str, str]) -> None:
        """Refuse a request that is not allowed.

        Args:
            method: in capitals.
            path: without the query.
            headers: by name in lower case.

        Raises:
            RefusedError: the Host is unknown, another site sent the request, or the token is missing or too weak.
        """
        if _without_port(headers.get("host", "")) not in self._hosts:
            raise RefusedError(400, "this service does not answer to that Host: allow it with --allowed-host")
        origin = headers.get("origin")
        if method not in _SAFE and origin and urlsplit(origin).netloc.lower() != headers["host"].lower():
            raise RefusedError(403, "requests from pages of other sites are refused")
        if self._digests is None or path in _OPEN:
            return
        scope = self._scope(headers.get("authorization", ""))
        if scope is None:
            raise RefusedError(401, "a token is needed: Authorization: Bearer TOKEN", _CHALLENGE)
        if (method, path) in _WRITING and scope != "write":
            raise RefusedError(403, "this token may read only: use one with the scope write")

    def _scope(self, authorization: str) -> Scope | None:
        """The scope of a token; all known tokens are compared, in the same time whether one fits or none."""
        offered = _digest(_token(authorization))
        found: Scope | None = None
        for digest, scope in (self._digests or {}).items():
            if hmac.compare_digest(digest, offered):
                found = scope
        return found


def read_tokens(path: Path) -> dict[str, Scope]:
    """Read a token file: lines `read TOKEN` or `write TOKEN`; empty lines and lines from `#` on are left out.

    Raises:
        DataError: a line has another form, a token is short or comes twice, or there is none. The message never
            holds a token.
    """
    found: dict[str, Scope] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the token file cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        scope, _, token = line.strip().partition(" ")
        if scope not in get_args(Scope) or not token or not token.isascii() or " " in token:
            raise DataError(f"{path}:{number}: expected `read TOKEN` or `write TOKEN`")
        if len(token) < _SHORTEST:
            raise DataError(f"{path}:{number}: the token has {len(token)} letters: use {_SHORTEST} or more")
        if token in found:
            raise DataError(f"{path}:{number}: the token comes twice")
        found[token] = "write" if scope == "write" else "read"
    if not found:
        raise DataError(f"{path}: there is no token: write a line `read TOKEN` or `write TOKEN`")
    return found


def _token(authorization: str) -> str:
    """The token of a Bearer header, or the password of a Basic one, which browsers send; empty if there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _without_port(host: str) -> str:
    name, _, port = host.lower().rpartition(":")
    return name if name and port.isdecimal() else host.lower()
