"""Bitext as the command line names it: a file, how much its pairs weigh, and whose language it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opticlir.data.bitext.read import parse_bitext_argument
from opticlir.errors import SettingsError
from opticlir.languages import language_code


@dataclass(frozen=True, slots=True)
class BitextSource:
    """A file of sentence pairs as the command line names it."""

    path: Path
    weight: float
    """Of each of its pairs."""
    language: str
    """Of its foreign side."""


def bitext_sources(arguments: Sequence[str], languages: Sequence[str]) -> list[BitextSource]:
    """Split `[LANGUAGE=]FILE[:WEIGHT]` arguments.

    Args:
        arguments: as `parse_bitext_argument` takes them, each with its language before it where there
            are several.
        languages: ISO 639-3 codes that are trained together.

    Raises:
        SettingsError: a weight is none, the language of a file is not said or not among these, or a
            language has no file.

    Example:
        >>> bitext_sources(["hau=news.tsv:3", "yo=bible.tsv"], ["hau", "yor"])[1]
        BitextSource(path=PosixPath('bible.tsv'), weight=1.0, language='yor')
    """
    sources = []
    for argument in arguments:
        head, sign, rest = argument.partition("=")
        is_said = bool(sign) and "/" not in head and not Path(argument).exists()
        if not is_said and len(languages) > 1:
            raise SettingsError(
                f"{argument}: with several languages each file says which is its own: {languages[0]}={argument}"
            )
        language = language_code(head) if is_said else languages[0]
        if language not in languages:
            raise SettingsError(
                f"{argument}: {language} is not among the languages trained: {', '.join(languages)}"
            )
        path, weight = parse_bitext_argument(rest if is_said else argument)
        sources.append(BitextSource(path, weight, language))
    if missing := set(languages) - {source.language for source in sources}:
        raise SettingsError(f"no bitext for {', '.join(sorted(missing))}: give --bitext {min(missing)}=FILE")
    return sources
