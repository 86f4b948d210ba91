"""Fingerprints of our own source, for the keys of stored results.

A result depends on its inputs and on the code that makes it. A fingerprint covers the module that makes the result
and every module of ours that it imports, directly or not. Comments and docstrings do not count. Neither do
modules that compute nothing, such as `errors` and `storage`.
"""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

_PACKAGE = "opticlir"
_ROOT = Path(__file__).parents[1]
_COMPUTE_NOTHING = ("artefacts", "cli", "device", "errors", "manifest", "pictures", "progress", "storage")

LIBRARIES = ("numpy", "sentence-transformers", "tokenizers", "torch", "transformers")
"""Libraries that decide the vectors of an encoder."""


def made_by(*makers: Any) -> dict[str, str]:
    """Name everything besides its inputs that decides a result.

    Args:
        makers: functions and classes of ours that compute the result, names of our modules or packages, and
            names of libraries. A package counts with all its modules.

    Returns:
        Source fingerprint by module, version by library.

    Raises:
        ValueError: a module does not exist.

    Example:
        >>> sorted(made_by("opticlir.records", "numpy"))
        ['numpy', 'opticlir.records']
    """
    names = [maker if isinstance(maker, str) else maker.__module__ for maker in makers]
    return {
        name: source_fingerprint(name) if _is_ours(name) else library_version(name) for name in sorted(names)
    }


def is_current(found: Mapping[str, str]) -> bool:
    """Whether the code and libraries of this process would make the same result; see `made_by`.

    A result without a record is not current: an earlier version of opticlir made it.
    """
    try:
        return bool(found) and dict(found) == made_by(*found)
    except ValueError:  # a module of an earlier version
        return False


@cache
def source_fingerprint(name: str) -> str:
    """SHA-256 over the code of a module or package and of all modules that it imports.

    Raises:
        ValueError: there is no such module.
    """
    if (path := _file(name)) is None:
        raise ValueError(f"{name}: opticlir has no such module")
    waiting = {name}
    if path.name == "__init__.py":
        waiting.update(_modules_in(path.parent))
    found: dict[str, str] = {}
    while waiting:
        module = waiting.pop()
        found[module], imported = _read(module)
        waiting.update(imported - found.keys())
    lines = (f"{module} {digest}\n" for module, digest in sorted(found.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:24]


@cache
def library_version(name: str) -> str:
    """Version of an installed distribution, or `absent`; the library is not imported."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == _PACKAGE


def _file(module: str) -> Path | None:
    path = _ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def _modules_in(folder: Path) -> Iterator[str]:
    for file in folder.rglob("*.py"):
        parts = file.relative_to(_ROOT).with_suffix("").parts
        yield ".".join((_PACKAGE, *(part for part in parts if part != "__init__")))


def _read(module: str) -> tuple[str, frozenset[str]]:
    """Digest of a module's code, and the modules of ours that it names."""
    file = _file(module)
    return _analyse(file.read_bytes() if file else b"")


@cache
def _analyse(source: bytes) -> tuple[str, frozenset[str]]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [each for each in body if not _is_docstring(each)]  # type: ignore[attr-defined]
    imported = {name for node in ast.walk(tree) for name in _named(node)}
    digest = hashlib.sha256(ast.dump(tree, annotate_fields=False).encode()).hexdigest()
    return digest, frozenset(filter(_computes, imported))


def _is_docstring(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _named(node: ast.AST) -> Iterator[str]:
    """Modules of ours that a node imports, or names in a string for a later import."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if _is_ours(alias.name))
    elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
        yield from (_defining(node.module, alias.name) for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value.partition(":")[0]
        if name.startswith(f"{_PACKAGE}.") and all(map(str.isidentifier, name.split("."))) and _file(name):
            yield name


def _defining(module: str, name: str) -> str:
    """The module that defines `name` in `from module import name`; a package can re-export names."""
    if _file(f"{module}.{name}"):
        return f"{module}.{name}"
    passed_on = _passed_on(module).get(name)
    return _defining(*passed_on) if passed_on else module


@cache
def _passed_on(module: str) -> dict[str, tuple[str, str]]:
    """Module and name behind each name that a package imports in its `__init__.py`."""
    file = _file(module)
    if file is None or file.name != "__init__.py":
        return {}
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module)
        for alias in node.names
    }


def _computes(module: str) -> bool:
    parts = module.split(".")
    return len(parts) > 1 and parts[1] not in _COMPUTE_NOTHING
