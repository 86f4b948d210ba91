"""How a service listens and what it allows, checked before anything is loaded."""

import ipaddress
from dataclasses import dataclass, fields
from pathlib import Path

from opticlir.errors import SettingsError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""Host names of this machine."""


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Settings of `opticlir serve`. What a single request may contain is fixed in `limits`.

    Raises:
        SettingsError: a number is not positive, or a public address has no token file.
    """

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8080
    """0 takes a free one."""
    token_file: Path | None = None
    """Lines `read TOKEN` and `write TOKEN`; None lets everybody on this machine do everything."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names that are answered, besides `host` and those of this machine."""
    log_queries: bool = False
    """Whether the log holds the text of questions."""
    deadline: float = 10.0
    """Seconds from a complete request to its answer; what is still being computed then is cancelled."""
    client_timeout: float = 10.0
    """Seconds that a client has to send its request, and as many to read the answer."""
    connections: int = 512
    """Open connections; more are turned away."""
    queue: int = 64
    """Requests in work or waiting for it; more are answered with 503."""
    batch: int = 16
    """Questions that are encoded and scored together."""
    drain: float = 8.0
    """Seconds that requests have to finish after a signal to stop."""
    watch: float = 1.0
    """Seconds between two checks for a new version of the index."""
    examples: tuple[tuple[str, str], ...] = ()
    """Language code and question: what the page offers to somebody who has not asked yet."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if each.type in (int, float) and each.name != "port" and not value > 0:
                raise SettingsError(f"{each.name} is {value}: expected a number above 0")
        if not 0 <= self.port <= 65535:
            raise SettingsError(f"port is {self.port}: expected a number from 0 to 65535")
        if self.token_file is None and not self.is_private:
            raise SettingsError(
                f"host {self.host} can be reached from other machines: give a token file (--token-file), "
                "or listen on 127.0.0.1"
            )

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def hosts(self) -> frozenset[str]:
        """All values of the Host header that are answered, without ports, in lower case."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return frozenset(each.lower() for each in (*LOOPBACK, own, *self.allowed_hosts))
