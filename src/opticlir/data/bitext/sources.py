"""Bitext arguments of the command line: a file, the weight of its pairs, and its language."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opticlir.data.bitext.read import parse_bitext_argument
from opticlir.errors import SettingsError
from opticlir.languages import language_code


@dataclass(frozen=True, slots=True)
class BitextSource:
    """A bitext file with its weight and language."""

    path: Path
    weight: float
    """Weight of each of its pairs."""
    language: str
    """ISO 639-3 code of its foreign side."""
    variant: str = ""
    """The code as the user typed it (`zh-TW`), if it is another; it chooses among the variants in a file."""


def bitext_sources(
    arguments: Sequence[str], languages: Sequence[str], variants: Sequence[str] = ()
) -> list[BitextSource]:
    """Split `[LANGUAGE=]FILE[:WEIGHT]` arguments of which each language has at least one.

    Arguments and errors as for `language_sources`.

    Raises:
        SettingsError: a language has no file.

    Example:
        >>> bitext_sources(["hau=news.tsv:3", "yo=bible.tsv"], ["hau", "yor"])[1]
        BitextSource(path=PosixPath('bible.tsv'), weight=1.0, language='yor', variant='yo')
    """
    sources = language_sources(arguments, languages, variants)
    if missing := set(languages) - {source.language for source in sources}:
        raise SettingsError(f"no bitext for {', '.join(sorted(missing))}: give --bitext {min(missing)}=FILE")
    return sources


def language_sources(
    arguments: Sequence[str], languages: Sequence[str], variants: Sequence[str] = ()
) -> list[BitextSource]:
    """Split `[LANGUAGE=]FILE[:WEIGHT]` arguments.

    Args:
        arguments: as in `parse_bitext_argument`, each with its language in front if there are several.
        languages: ISO 639-3 codes of the languages trained together.
        variants: their codes as the user typed them; empty if they are the same.

    Raises:
        SettingsError: a weight is not a number above 0, or a file lacks its language, or has one that is not trained.
    """
    sources = []
    for argument in arguments:
        head, sign, rest = argument.partition("=")
        names_language = bool(sign) and "/" not in head and not Path(argument).exists()
        if not names_language and len(languages) > 1:
            raise SettingsError(
                f"{argument}: with several languages, each file needs its own in front: {languages[0]}={argument}"
            )
        variant = head if names_language else next(iter(variants), languages[0])
        language = language_code(variant)
        if language not in languages:
            raise SettingsError(
                f"{argument}: {language} is not among the languages trained: {', '.join(languages)}"
            )
        path, weight = parse_bitext_argument(rest if names_language else argument)
        sources.append(BitextSource(path, weight, language, "" if variant == language else variant))
    return sources
