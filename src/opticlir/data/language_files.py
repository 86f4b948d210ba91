"""Finds files that exist in many languages: `queries.sw.tsv`, `ciral-hausa/topics.ha.tsv`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from opticlir.errors import DataError
from opticlir.languages import code_of_name, known_code, language_code, short_code, variant_distance

_PLACES = {
    "{language}": r"(?P<language>[A-Za-z]{2,3}(?:[-_][A-Za-z]+)?)",
    "{name}": r"(?P<name>[a-z]+(?:_[a-z]+)*)",
    "*": r"[^/]*",
}


def language_paths(
    folder: Path, pattern: str, owner_codes: Mapping[str, str] | None = None
) -> dict[str, list[Path]]:
    """Find all files that match a pattern, by language.

    Args:
        folder: where to search.
        pattern: a file name or a path below `folder`. `{language}` is a code in any form, `{name}` the English
            name in lower case with underscores, and `*` anything. A place that occurs twice must match the
            same text.
        owner_codes: codes with another meaning in these files, each with its ISO 639-3 code; None if there
            are none.

    Returns:
        Sorted paths by ISO 639-3 code, in order of the codes; empty if no file matches. If several codes mean
        one language (`sq` and `als`), the files under its own code, or else under the first.
    """
    found: dict[str, dict[str, list[Path]]] = {}
    for code, spelling, path in _matches(folder, pattern, owner_codes or {}):
        found.setdefault(code, {}).setdefault(_head(spelling), []).append(path)
    return {
        code: by_spelling[min(by_spelling, key=lambda each: (each != code, each != short_code(code), each))]
        for code, by_spelling in sorted(found.items())
    }


def _matches(folder: Path, pattern: str, owner_codes: Mapping[str, str]) -> Iterator[tuple[str, str, Path]]:
    """Each file that matches a pattern, sorted, with its code and the spelling of it."""
    shape = re.compile(_expression(pattern))
    for path in sorted(folder.glob(re.sub(r"\{(?:language|name)\}", "*", pattern))):
        match = shape.fullmatch(path.relative_to(folder).as_posix())
        if match and (code := _language(match.groupdict(), owner_codes)):
            yield code, match.groupdict().get("language", code), path


def language_files(folder: Path, pattern: str) -> dict[str, Path]:
    """Find the first file of each language that matches a pattern.

    Args:
        folder: where to search.
        pattern: as in `language_paths`.

    Returns:
        Path by ISO 639-3 code, in order of the codes; empty if no file matches.
    """
    return {code: paths[0] for code, paths in language_paths(folder, pattern).items()}


def language_file(folder: Path, pattern: str, language: str) -> Path:
    """Find the file of one language, whatever form of its code is in the name; of its variants, the nearest.

    Args:
        folder: where to search.
        pattern: as in `language_paths`.
        language: any code of the language.

    Raises:
        DataError: there is no such file; the message lists the languages that exist.
    """
    found = language_files(folder, pattern)
    code = language_code(language)
    if code not in found:
        there = f"there are {', '.join(found)}" if found else f"there is no {pattern} in any language"
        raise DataError(f"{folder}: no {pattern} for {code!r}: {there}")
    variants = {
        spelling: path for its, spelling, path in reversed(list(_matches(folder, pattern, {}))) if its == code
    }
    return variants[min(variants, key=lambda each: (variant_distance(language, each), each))]


def _expression(pattern: str) -> str:
    """The pattern as a regular expression. A place that occurs again refers to the first one."""
    parts, seen = [], set()
    for part in re.split(r"(\{language\}|\{name\}|\*)", pattern):
        parts.append(f"(?P={part[1:-1]})" if part in seen else _PLACES.get(part, re.escape(part)))
        seen.update({part} & {"{language}", "{name}"})
    return "".join(parts)


def _language(places: dict[str, str], owner_codes: Mapping[str, str]) -> str | None:
    """The language that all places of a path name; None if they disagree."""
    codes = set()
    if "language" in places:
        code = owner_codes.get(_head(places["language"])) or known_code(places["language"])
        if code is None:
            return None
        codes.add(code)
    if "name" in places:
        codes.add(code_of_name(places["name"].replace("_", " ")))
    return codes.pop() if len(codes) == 1 else None


def _head(code: str) -> str:
    """A code without its script or country."""
    return re.split("[-_]", code)[0].lower()
