"""Figures for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """Counters of one service. Labels have few values: routes and statuses, never texts or addresses."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "opticlir_requests", "Answers by route, method and status.", ["route", "method", "status"],
            registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "opticlir_request_seconds", "Seconds from a request's head to its answer.", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.refused = Counter(
            "opticlir_refused", "Requests answered with 503, by reason.", ["reason"], registry=registry
        )
        self.in_flight = Gauge("opticlir_in_flight", "Requests in work or waiting for it.", registry=registry)
        self.batch = Histogram(
            "opticlir_batch_questions", "Questions that were encoded and scored together.",
            buckets=(1, 2, 4, 8, 16, 32), registry=registry,
        )  # fmt: skip
        self.documents = Gauge("opticlir_documents", "Documents of the index.", registry=registry)
        self.reloads = Counter(
            "opticlir_reloads", "Versions of the index that were opened.", registry=registry
        )

    def text(self) -> bytes:
        """All figures in the text format."""
        return generate_latest(self._registry)
