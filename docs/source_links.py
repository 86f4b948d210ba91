"""Hook of the documentation site: a link to a file of the repository becomes the path of that file.

The pages link to the source so that the code host can open it; the site holds no source.
"""

import re
from typing import Any

_OUT_OF_DOCS = re.compile(
    r"\[([^\]]+)\]\((?:\.\./)+((?:src|tests|studies|benchmarks|examples)(?:/[^)#]*)?|[A-Z]+\.md)(?:#[^)]*)?\)"
)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace links that lead out of `docs/`."""
    return _OUT_OF_DOCS.sub(_path, markdown)


def _path(link: re.Match[str]) -> str:
    label, path = link.groups()
    path = path.removeprefix("src/").rstrip("/")
    return f"`{path}`" if label.strip("`") in path or label == "test" else f"{label} (`{path}`)"
