import gzip
import json

import pytest


@pytest.fixture
def put(tmp_path):
    """Write files by their path below a folder, and give the folder: text, or lines, objects as JSON."""

    def text_of(content):
        if isinstance(content, str):
            return content
        lines = (line if isinstance(line, str) else json.dumps(line) for line in content)
        return "".join(f"{line}\n" for line in lines)

    def write(files):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = text_of(content).encode()
            path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return tmp_path

    return write
