"""schemathesis against a running service, with valid and with invalid requests, in all its phases."""

import logging
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

figures = logging.getLogger("figures").info
CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.slow
def test_no_input_makes_the_service_fail_or_break_its_schema(serve, tmp_path):
    """OPTICLIR_DEEP=20000 sends at least as many requests; `-rP --log-level INFO` shows how many."""
    wanted = int(os.environ.get("OPTICLIR_DEEP", "200"))
    service = serve("--deadline", "60")
    n_sent = 0
    seed = 1
    while n_sent < wanted:
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG,
                "run", f"{service.address}/openapi.json", "--max-examples", str(max(3, min(wanted // 40, 200))),
                "--seed", str(seed), "--no-color", "--request-timeout", "90", "--workers", "1",
            ],
            check=False, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        report = "\n".join(line[:300] for line in done.stdout.splitlines())
        assert done.returncode == 0, report[-6000:] + done.stderr[-2000:]
        n_sent += int(re.search(r"([\d,]+) generated", report)[1].replace(",", ""))
        seed += 1
    statuses = Counter(line["status"] for line in service.log() if line["event"] == "answered")
    counts = dict(sorted(statuses.items()))
    figures(f"schemathesis generated {n_sent:,} requests, {statuses.total():,} were answered: {counts}")
    assert statuses.total() >= wanted
    assert not [status for status in statuses if status >= 500]
