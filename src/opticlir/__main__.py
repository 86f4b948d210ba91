"""`opticlir` and `python -m opticlir`: the product's commands, and the laboratory's under `opticlir lab`."""

import gc
import sys

import opticlir.cli
import opticlir.lab.cli  # noqa: F401 - importing a command adds it
from opticlir.cli.app import app
from opticlir.errors import OpticlirError
from opticlir.lab.cli.app import lab

app.add_typer(lab, rich_help_panel="Laboratory")


def main() -> None:
    """Run `opticlir`: exit 2 for wrong usage, 1 for a condition of the world; a traceback means a bug."""
    # a million objects come with torch and its like, and stay: looking for garbage among them costs a second
    gc.set_threshold(100_000, 50, 100)
    try:
        app()
    except OpticlirError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the one place that talks of failure
        sys.exit(1)


if __name__ == "__main__":
    main()
