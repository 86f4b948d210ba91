"""All of opticlir on the sample in the package: distil, index, search, measure, report."""

from opticlir.demo.report import MEASURES_NOTE, RANKINGS_NOTE, demo_report
from opticlir.demo.result import SYSTEMS, DemoHit, DemoResult, Row, WorkedSearch
from opticlir.demo.run import DemoConfig, run_demo

__all__ = [
    "MEASURES_NOTE",
    "RANKINGS_NOTE",
    "SYSTEMS",
    "DemoConfig",
    "DemoHit",
    "DemoResult",
    "Row",
    "WorkedSearch",
    "demo_report",
    "run_demo",
]
