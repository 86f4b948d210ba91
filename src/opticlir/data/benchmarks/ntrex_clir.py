"""NTREX-CLIR: news headlines in 24 languages, to be found in English articles of NTREX-128."""

from pathlib import Path

from opticlir.data.benchmarks.flat import load_flat
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import RetrievalTask


def load(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - there is one split
    """Read `collection.tsv`, `queries.<language>.tsv` and `qrels.txt`: 123 articles, 82 queries.

    Args:
        folder: where the files lie.
        language: language of the headlines, any code.
        split: not used: there is one.

    Returns:
        The task, with the English headlines.

    Raises:
        DataError: a file is missing or malformed; for a missing language the message lists the others.
    """
    if not (folder / "collection.tsv").is_file():
        raise DataError(
            f"{folder}: no NTREX-CLIR in it: looked for collection.tsv, queries.<language>.tsv, qrels.txt, "
            "made from the GitHub repository MicrosoftTranslator/NTREX"
        )
    code = language_code(language)
    return load_flat(
        f"ntrex-clir.{code}", folder, code, queries="queries.{language}.tsv", english="queries.eng.tsv"
    )
