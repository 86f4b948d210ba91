"""`opticlir` and `python -m opticlir`: the product's commands, and the laboratory's under `opticlir lab`."""

import gc
import sys
from io import TextIOWrapper
from typing import NoReturn

import opticlir.cli
import opticlir.lab.cli  # noqa: F401 - importing a command adds it
from opticlir.cli.app import app
from opticlir.errors import OpticlirError
from opticlir.lab.cli.app import lab
from opticlir.visible import visible

app.add_typer(lab, rich_help_panel="Laboratory")


def main() -> None:
    """Run `opticlir`. Exit code 2 means wrong usage, 1 an error with a message; a traceback means a bug."""
    # torch and other libraries make a million objects that stay: looking for garbage among them costs a second
    gc.set_threshold(100_000, 50, 100)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # letters that a terminal lacks are written as code points
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except OpticlirError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'the output'}: {error.strerror or error}")


def _fail(reason: str) -> NoReturn:
    """Say on one line what went wrong, and end with 1."""
    print(f"error: {visible(reason)}", file=sys.stderr)  # noqa: T201 - the only place that prints errors
    sys.exit(1)


if __name__ == "__main__":
    main()
