"""The files of a benchmark as its owner publishes them: found, or said to be missing and where to get them."""

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
    """Find the files of one part of a benchmark, plain or gzipped.

    Args:
        folder: where the user has put the benchmark.
        forms: paths below `folder`, as of `language_paths`, the owner's own first; the first that is there
            is taken. One without a language in it is the same for all languages.
        language: ISO 639-3 code.
        whence: for the message: where the owner publishes them.
        owner_codes: as of `language_paths`.

    Returns:
        Sorted paths, at least one.

    Raises:
        DataError: none of the forms is there; the message lists the languages that are.
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
