"""The command line: a command parses its words, calls one function of a lower room, and writes.

One file per command. Heavy imports stand inside the command bodies, so that `--help` is instant.
"""

import gc
import sys

from opticlir.cli import (  # noqa: F401 - importing a command adds it
    align,
    audit,
    benchmark,
    cache,
    compare,
    demo,
    evaluate,
    geometry,
    index,
    mine,
    robustness,
    search,
    search_structured,
    study,
    train,
    translate,
    word_alignment,
)
from opticlir.cli.app import app
from opticlir.errors import OpticlirError


def main() -> None:
    """Run `opticlir`: exit 2 for wrong usage, 1 for a condition of the world; a traceback means a bug."""
    # a million objects come with torch and its like, and stay: looking for garbage among them costs a second
    gc.set_threshold(100_000, 50, 100)
    try:
        app()
    except OpticlirError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the one place that talks of failure
        sys.exit(1)
