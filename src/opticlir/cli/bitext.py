"""Sentence pairs as options name them: FILE or FILE:WEIGHT, several times."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opticlir.records import SentencePair


def read_pairs(arguments: Sequence[str], language: str) -> "list[SentencePair]":
    """All pairs of all files, in order.

    Args:
        arguments: as they were typed.
        language: any code of the foreign side.

    Raises:
        DataError: a file is missing or malformed, or the code is none.
    """
    from opticlir.data import parse_bitext_argument, read_bitext
    from opticlir.languages import language_code

    code = language_code(language)
    files = [parse_bitext_argument(argument) for argument in arguments]
    return [pair for path, weight in files for pair in read_bitext(path, language=code, weight=weight)]
