"""Where the packaged sample lies. Reading it is the work of `opticlir.data`, as for any other files."""

from importlib.resources import files
from pathlib import Path

from opticlir.errors import SetupError

LANGUAGES = ("swa", "hau", "spa")
"""ISO 639-3 codes of the languages that have questions and bitext; the documents are English."""


def sample_folder() -> Path:
    """Give the folder of the sample: a collection in BEIR layout, and the bitext beside it.

    It holds `corpus.jsonl`, `queries/<language>.jsonl` for English (`eng`) and each of `LANGUAGES`,
    `qrels/test.tsv` and `bitext/<language>.tsv`. It is part of the installation: read it, never write.

    Returns:
        Path of a folder on disk.

    Raises:
        SetupError: the package runs from an archive, so that its files have no path.

    Example:
        >>> sorted(path.name for path in (sample_folder() / "queries").iterdir())
        ['eng.jsonl', 'hau.jsonl', 'spa.jsonl', 'swa.jsonl']
    """
    folder = files("opticlir.sample")
    if not isinstance(folder, Path):
        raise SetupError(
            f"the sample has to lie in a folder, found {folder}: install opticlir unpacked (pip does), "
            "not as an archive on the import path"
        )
    return folder


def bitext_path(language: str) -> Path:
    """Give the bitext of a language: UTF-8 lines `english<TAB>foreign`, no header.

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
