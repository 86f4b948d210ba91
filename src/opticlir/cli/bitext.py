"""Reads the bitext options: FILE or FILE:WEIGHT, repeatable."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opticlir.records import SentencePair


def read_pairs(arguments: Sequence[str], language: str) -> "list[SentencePair]":
    """Read the pairs of all files, in order.

    Args:
        arguments: FILE or FILE:WEIGHT, as typed.
        language: language of the foreign side, any code.

    Raises:
        DataError: a file is missing or malformed.
        SettingsError: the language code is unknown, or a weight is wrong.
    """
    from opticlir.data import parse_bitext_argument, read_bitext

    files = [parse_bitext_argument(argument) for argument in arguments]
    return [pair for path, weight in files for pair in read_bitext(path, language=language, weight=weight)]
