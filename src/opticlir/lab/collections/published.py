"""Finds the files of a test collection as its owner publishes them. For a missing file, says where to get it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from opticlir.data.language_files import language_paths
from opticlir.errors import DataError


def published_files(
    folder: Path,
    forms: Sequence[str],
    language: str,
    whence: str,
    owner_codes: Mapping[str, str] | None = None,
) -> list[Path]:
    """Find the files of one part of a test collection, plain or gzipped.

    Args:
        folder: folder of the test collection.
        forms: paths below `folder`, as in `language_paths`, with the owner's own first. The first that exists is
            taken. A path without a language is the same for all languages.
        language: ISO 639-3 code.
        whence: where the owner publishes the files, for the message.
        owner_codes: as in `language_paths`.

    Returns:
        Sorted paths, at least one.

    Raises:
        DataError: none of the forms exists; the message lists the languages that do.
    """
    there: set[str] = set()
    for form in (each for plain in forms for each in (plain, f"{plain}.gz")):
        if "{" not in form:
            found = sorted(folder.glob(form))
        else:
            by_language = language_paths(folder, form, owner_codes)
            there.update(by_language)
            found = by_language.get(language, [])
        if found:
            return found
    others = f"there are {', '.join(sorted(there))}" if there else "there is none"
    raise DataError(f"{folder}: no {forms[0]} for {language!r}: {others}; {whence}")
