"""Finds the files of a collection in a folder: `corpus.jsonl`, `corpus-00000-of-00002.parquet`, `qrels/test.tsv.gz`."""

import re
from collections.abc import Sequence
from pathlib import Path

_FORMS = ("jsonl", "tsv", "csv", "json", "parquet", "arrow", "txt", "trec", "sgml", "xml", "ndjson", "jl")
"""Endings of names, the preferred ones first."""
_COMPRESSED = ("", "gz", "bz2", "xz", "zst")

_NAME = re.compile(
    rf"(?P<stem>.+?)(?P<shard>[-_.]?\d+(?:[-_]of[-_]\d+)?)?\.(?P<form>{'|'.join(_FORMS)})"
    rf"(?:\.(?P<compressed>{'|'.join(filter(None, _COMPRESSED))}))?",
    re.IGNORECASE,
)
_NO_DATA = re.compile(
    r"\..*|(?:readme|licen[cs]e|dataset_infos?|state|croissant|metadata)\b.*", re.IGNORECASE
)


def collection_files(folder: Path, stems: Sequence[str]) -> list[Path]:
    """Find a part of a collection: one file, its shards in order, or the files of a folder of that name.

    Args:
        folder: where to search.
        stems: names of the part without ending, such as `corpus` and `collection`, the preferred one first.

    Returns:
        The files; empty if there are none. Of one file in several forms, one: plain before compressed.
    """
    for stem in stems:
        if found := _one_form([path for path in _files(folder) if stem == _parts(path)["stem"]]):
            return found
    for stem in stems:
        if found := _one_form(_files(folder / stem)):
            return found
    return []


def stems_in(folder: Path) -> list[str]:
    """Return the names of the data files of a folder, without endings and numbers of shards."""
    return sorted({_parts(path)["stem"] for path in _files(folder)})


def data_files(folder: Path) -> list[Path]:
    """Return all data files below a folder, in order of their paths. Notes about the data are no data files."""
    return [
        path
        for path in sorted(folder.rglob("*"), key=_in_order)
        if path.is_file() and not _NO_DATA.fullmatch(path.name)
    ]


def is_data_file(path: Path) -> bool:
    """Whether a name ends as data files do, plain or compressed."""
    return _NAME.fullmatch(path.name) is not None


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir(), key=_in_order)
        if _NAME.fullmatch(path.name) and path.is_file() and not _NO_DATA.fullmatch(path.name)
    ]


def _one_form(paths: list[Path]) -> list[Path]:
    """Keep the files of the preferred form. One file comes before shards, and plain before compressed."""
    if not paths:
        return []

    def rank(path: Path) -> tuple[bool, int, int]:
        parts = _parts(path)
        return bool(parts["shard"]), _FORMS.index(parts["form"]), _COMPRESSED.index(parts["compressed"])

    best = min(map(rank, paths))
    return [path for path in paths if rank(path) == best]


def _parts(path: Path) -> dict[str, str]:
    match = _NAME.fullmatch(path.name)
    parts = (
        match.groupdict(default="") if match else dict.fromkeys(("stem", "shard", "form", "compressed"), "")
    )
    return {name: part if name == "stem" else part.lower() for name, part in parts.items()}


def _in_order(path: Path) -> list[tuple[int, str]]:
    """A key for which `docs-2` comes before `docs-10`."""
    return [
        (int(part or -1), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))
    ]
