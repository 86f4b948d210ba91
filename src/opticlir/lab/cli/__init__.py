"""The commands under `opticlir lab`: one file per command, as in `opticlir.cli`."""

from opticlir.lab.cli import (  # noqa: F401 - importing a command adds it
    benchmark,
    geometry,
    mine,
    published_gap,
    robustness,
    search_structured,
    study,
    train,
    translate,
    word_alignment,
)
