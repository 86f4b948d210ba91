"""The command line: a command parses its options, calls one function of another package, and prints the result.

One file per command. Heavy imports are inside the functions, so that `--help` is fast.
"""

from opticlir.cli import (  # noqa: F401 - importing a command adds it
    align,
    audit,
    benchmark,
    cache,
    compare,
    demo,
    encode,
    evaluate,
    index,
    mcp,
    search,
    serve,
    store,
    train,
)
