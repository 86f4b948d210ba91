"""The curl lines of the guide, run against a service as they stand."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "serve.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines_of_the_guide_are_answered(serve):
    service = serve()
    blocks = re.findall(r"```sh\n(curl .*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 12
    for block in blocks:
        line = block.replace("http://127.0.0.1:8080", service.address)
        done = subprocess.run(
            ["bash", "-c", line.replace("curl -s", "curl -sf")], check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, (block, done.stderr, done.stdout)
        assert done.stdout
