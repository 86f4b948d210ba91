"""The libraries below talk a lot; a command has one voice, and it is ours."""

import logging
import warnings


def quieten() -> None:
    """Silence the bars and notices of transformers and sentence-transformers; their errors still come."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    for name in ("sentence_transformers", "bm25s", "datasets", "torch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="torch")
