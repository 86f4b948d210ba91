"""Settings as a file for `--config`: every name, its value, and what it means as a comment."""

import ast
import inspect
import json
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import asdict, fields, is_dataclass
from itertools import pairwise
from typing import Any

from opticlir.training.config import TrainConfig

_WIDTH = 100


def config_toml(config: TrainConfig) -> str:
    """All settings as TOML; those that are None stand as comments, since TOML has no word for it.

    Read back by `read_config` and `make_config` it gives the same settings.
    """
    tables = {entry.name for entry in fields(config) if is_dataclass(getattr(config, entry.name))}
    named_by_stages = {"method"} if config.stages else set()
    lines = list(_settings(config, without=tables | named_by_stages))
    for name in sorted(tables):
        lines += [*_comment(field_docs(TrainConfig)[name]), f"[{name}]", *_settings(getattr(config, name))]
    return "\n".join(lines).rstrip("\n") + "\n"


def field_docs(kind: type) -> dict[str, str]:
    """What stands below each field of a dataclass in its source, as one line."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    docs = {}
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for statement, below in pairwise(body):
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            docs[statement.target.id] = " ".join(str(below.value.value).split())
    return docs


def _settings(settings: Any, without: Collection[str] = ()) -> Iterator[str]:
    docs = field_docs(type(settings))
    for entry in fields(settings):
        if entry.name in without:
            continue
        yield from _comment(docs[entry.name])
        value = getattr(settings, entry.name)
        yield f"# {entry.name} =" if value is None or value == () else f"{entry.name} = {_literal(value)}"
        yield ""


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _literal(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        parts = (f"{name} = {_literal(part)}" for name, part in asdict(value).items())
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
