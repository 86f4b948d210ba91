"""The command line: a command parses its words, calls one function of a package below, and writes.

One file per command. Heavy imports stand inside the command bodies, so that `--help` is instant.
"""

from opticlir.cli import (  # noqa: F401 - importing a command adds it
    align,
    audit,
    benchmark,
    cache,
    compare,
    demo,
    evaluate,
    index,
    search,
    train,
)
