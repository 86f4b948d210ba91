"""The content of inputs: two study runs with equal content are the same run."""

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from opticlir.benchmark import documents_content
from opticlir.data import bitext_files, parse_bitext_argument
from opticlir.encoder import split_layers
from opticlir.errors import DataError
from opticlir.manifest import input_checksums
from opticlir.records import RetrievalTask
from opticlir.storage import sha256_file


def bitext_content(data: Path, arguments: Iterable[str], language: str) -> list[list[Any]]:
    """Return checksum, weight and language of each file of a bitext, in order. Its path does not count.

    A file may have several languages, so the language is part of the content.

    Raises:
        DataError: a file is missing.
    """
    return [
        [file_content(file), weight, language]
        for path, weight in bitext_paths(data, arguments)
        for file in bitext_files(path, language=language)
    ]


def bitext_paths(data: Path, arguments: Iterable[str]) -> list[tuple[Path, float]]:
    """Return path and weight of `FILE` and `FILE:WEIGHT` arguments, relative to the data folder."""
    return [parse_bitext_argument(str(data / argument)) for argument in arguments]


def file_content(path: Path) -> str:
    """Return the SHA-256 of a file. Raises DataError if it is missing."""
    if not path.is_file():
        raise DataError(f"{path}: no such file, which the study names")
    return _checksum(path, path.stat().st_mtime_ns)


def encoder_content(name: str) -> Any:
    """Return the content of an encoder: the checksums of the files if it is a folder, otherwise its name."""
    source, layers = split_layers(name)
    folder = Path(source)
    if not folder.is_dir():
        return name
    changed = max(path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")])
    content = _folder_content(folder, changed)
    return content if layers is None else {"folder": content, "layers": layers}


def task_content(task: RetrievalTask) -> str:
    """Return the SHA-256 of all texts and judgements of a task."""
    digest = hashlib.sha256(documents_content(task.documents).encode())
    for query in (*task.queries, *task.english_queries):
        digest.update(json.dumps([query.query_id, query.text, query.language]).encode())
    digest.update(json.dumps(task.qrels, sort_keys=True).encode())
    return digest.hexdigest()


@lru_cache(maxsize=1024)
def _checksum(path: Path, changed: int) -> str:  # noqa: ARG001 - a file that was changed is read again
    return sha256_file(path)


@lru_cache(maxsize=64)
def _folder_content(folder: Path, changed: int) -> dict[str, str]:  # noqa: ARG001
    found = input_checksums([folder])
    return {str(Path(name).relative_to(folder)): value for name, value in found.items()}
