"""Paths of the included sample. `opticlir.data` reads it like any other files."""

from importlib.resources import files
from pathlib import Path

from opticlir.errors import SetupError

LANGUAGES = ("swa", "hau", "spa")
"""ISO 639-3 codes of the languages with queries and bitext. The documents are English."""


def sample_folder() -> Path:
    """Return the folder of the sample: a test collection in BEIR layout, and bitext.

    It contains `corpus.jsonl`, `queries/<language>.jsonl` for English (`eng`) and each of `LANGUAGES`,
    `qrels/test.tsv` and `bitext/<language>.tsv`. It is part of the installation, so do not change it.

    Returns:
        Path of a folder on disk.

    Raises:
        SetupError: the package runs from an archive, so its files have no path.

    Example:
        >>> sorted(path.name for path in (sample_folder() / "queries").iterdir())
        ['eng.jsonl', 'hau.jsonl', 'spa.jsonl', 'swa.jsonl']
    """
    folder = files("opticlir.sample")
    if not isinstance(folder, Path):
        raise SetupError(
            f"the sample must be in a folder, found {folder}: install opticlir unpacked (pip does), "
            "not as an archive on the import path"
        )
    return folder


def bitext_path(language: str) -> Path:
    """Return the bitext file of a language: UTF-8 lines `english<TAB>foreign` without header.

    Args:
        language: one of `LANGUAGES`.

    Returns:
        Path of the TSV file.

    Raises:
        ValueError: the sample has no bitext in that language.

    Example:
        >>> bitext_path("hau").name
        'hau.tsv'
    """
    if language not in LANGUAGES:
        raise ValueError(f"no sample bitext for {language!r}: expected one of {', '.join(LANGUAGES)}")
    return sample_folder() / "bitext" / f"{language}.tsv"
