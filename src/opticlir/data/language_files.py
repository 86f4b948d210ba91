"""Files of one kind in many languages: `queries.sw.tsv`, `xquad.de.json`, `queries/swh.jsonl`."""

import re
from pathlib import Path

from opticlir.errors import DataError
from opticlir.languages import language_code


def language_files(folder: Path, pattern: str) -> dict[str, Path]:
    """Find the files of a pattern by language.

    Args:
        folder: where to look.
        pattern: a file name with `{language}` where the code stands, in any form of the code.

    Returns:
        Path by ISO 639-3 code, in order of the codes; empty where there is no such file.
    """
    name = re.compile(
        re.escape(pattern).replace(re.escape("{language}"), "([A-Za-z]{2,3}(?:[-_][A-Za-z]+)?)")
    )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = name.fullmatch(path.name)
        try:
            code = language_code(match[1]) if match else None
        except DataError:  # two letters that are no language
            continue
        if code:
            found.setdefault(code, path)
    return dict(sorted(found.items()))


def language_file(folder: Path, pattern: str, language: str) -> Path:
    """Find the file of one language, whichever form of its code the name has.

    Raises:
        DataError: there is none; the message lists the languages that are there.
    """
    found = language_files(folder, pattern)
    code = language_code(language)
    if code not in found:
        there = f"there are {', '.join(found)}" if found else f"there is no {pattern} at all"
        raise DataError(f"{folder}: no {pattern} for {code!r}: {there}")
    return found[code]
