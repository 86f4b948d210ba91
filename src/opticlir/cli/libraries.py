"""Other libraries: whether those of an extra are there, and how to keep their notices out of a command's output."""

import logging
import os
import sys
import warnings
from importlib.util import find_spec

from opticlir.errors import SetupError

_SERVICE = ("babel", "fastapi", "jinja2", "prometheus_client", "uvicorn")


def quieten() -> None:
    """Let other libraries report errors only, whether they are imported yet or not. This imports none of them."""
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    if imported := sys.modules.get("transformers.utils.logging"):
        imported.set_verbosity_error()
        imported.disable_progress_bar()
    for name in ("sentence_transformers", "datasets", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="torch")


def require_service() -> None:
    """Check that the libraries of the service are installed. This imports none of them.

    Raises:
        SetupError: one is missing.
    """
    if not all(map(find_spec, _SERVICE)):
        raise SetupError("the service needs more packages: pip install 'opticlir[service]'")
