"""The log of a service: one JSON object a line on stderr. It holds no text of a question unless asked for."""

import json
import logging
import sys
from typing import Any

logger = logging.getLogger("opticlir.service")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_to_stderr() -> None:
    """Write the log of the service and of its server to stderr, and what the library warns of."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    for name, level in (
        ("opticlir", logging.WARNING), ("opticlir.service", logging.INFO), ("uvicorn.error", logging.ERROR)
    ):  # fmt: skip
        each = logging.getLogger(name)
        each.handlers, each.propagate = [handler], False
        each.setLevel(level)


def log(event: str, **facts: Any) -> None:
    """Write one line."""
    logger.info(event, extra={"facts": facts})
