"""Settings: frozen dataclasses from TOML, and TOML with comments from dataclasses.

A settings class declares its fields with `setting`, which takes default, help text and allowed values. It calls
`check_ranges` in `__post_init__`.
"""

import difflib
import json
import math
import textwrap
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from opticlir.errors import DataError

Settings = TypeVar("Settings")

_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Range:
    """Allowed values of a number."""

    expected: str
    """The values in words, for messages."""
    allows: Callable[[float], bool]


POSITIVE = Range("a finite number above 0", lambda value: 0 < value < math.inf)
NOT_NEGATIVE = Range("a finite number, 0 or more", lambda value: 0 <= value < math.inf)
AT_LEAST_ONE = Range("at least 1", lambda value: value >= 1)
AT_LEAST_ZERO = Range("0 or more", lambda value: value >= 0)
FRACTION = Range("a number from 0 to 1", lambda value: 0 <= value <= 1)
SHARE = Range("a share, from 0 to less than 1", lambda value: 0 <= value < 1)


def with_defaults(kind: type[Any], recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return recorded settings with the defaults of those that the record does not have.

    An earlier version without a setting did what its default does now.

    Args:
        kind: the settings class.
        recorded: settings by name, tables as mappings.

    Example:
        >>> @dataclass(frozen=True)
        ... class Shape:
        ...     sides: int = 4
        ...     colour: str = "red"
        >>> with_defaults(Shape, {"sides": 3})
        {'sides': 3, 'colour': 'red'}
    """
    found = dict(recorded)
    for each in fields(kind):
        if is_dataclass(each.default):
            if isinstance(found.get(each.name, {}), Mapping):
                found[each.name] = with_defaults(type(each.default), found.get(each.name, {}))
        elif each.default is not MISSING:
            found.setdefault(each.name, each.default)
    return found


def setting(default: Any = MISSING, help: str = "", allowed: Range | None = None) -> Any:  # noqa: A002
    """Declare a field of a settings class.

    Args:
        default: its value when nothing is given; a frozen instance for a table.
        help: one or two sentences with the unit, for the written TOML.
        allowed: values of a number; None allows all.

    Example:
        >>> @dataclass(frozen=True, kw_only=True)
        ... class Shape:
        ...     sides: int = setting(4, "Number of sides.", AT_LEAST_ONE)
        ...     def __post_init__(self) -> None:
        ...         check_ranges(self)
        >>> print(settings_toml(Shape()), end="")
        # Number of sides.
        sides = 4
        >>> settings_from(Shape, {"side": 3}, source="shape.toml")
        Traceback (most recent call last):
        ...
        opticlir.errors.DataError: shape.toml: unknown key 'side'; did you mean 'sides'?
    """
    metadata = {"help": " ".join(help.split()), "allowed": allowed}
    return field(default=default, metadata=metadata)


def check_ranges(settings: Any) -> None:
    """Refuse numbers outside of their range; None is always allowed. Raises ValueError."""
    for entry in fields(settings):
        allowed, value = entry.metadata.get("allowed"), getattr(settings, entry.name)
        if allowed is not None and value is not None and not allowed.allows(value):
            raise ValueError(f"{entry.name} is {value}: expected {allowed.expected}")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; a byte order mark is skipped. Raises DataError with the path."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as TOML: {error}") from None


def settings_from(kind: type[Settings], values: Mapping[str, Any], *, source: str) -> Settings:
    """Check values and make a settings object of them.

    Args:
        kind: the dataclass. A field that is a dataclass is a table; a tuple of dataclasses is a list of tables.
        values: by field name; what is missing takes its default.
        source: where the values come from, for messages.

    Raises:
        DataError: a key is missing, or unknown (with the nearest known one); a value has the wrong type or is out
            of range; or settings contradict each other.
    """
    known = {entry.name: entry.type for entry in fields(kind)}  # type: ignore[arg-type]
    resolved = {}
    for name, value in values.items():
        if name not in known:
            raise DataError(f"{source}: unknown key {name!r}{did_you_mean(name, known)}")
        resolved[name] = _checked(known[name], name, value, source)
    for entry in fields(kind):  # type: ignore[arg-type]
        if entry.name not in resolved and entry.default is entry.default_factory is MISSING:
            raise DataError(f"{source}: no key {entry.name!r}, expected {_described(entry.type)}")
    try:
        return kind(**resolved)
    except (TypeError, ValueError) as error:
        raise DataError(f"{source}: {error}") from None


def settings_toml(settings: Any, *, without: Collection[str] = ()) -> str:
    """Write settings as TOML, with the help of each field as a comment.

    A setting that is None becomes a comment, since TOML has no word for it. `settings_from` reads the text back
    as equal settings.

    Args:
        settings: an instance of a settings class.
        without: fields to leave out.
    """
    tables = [entry for entry in fields(settings) if is_dataclass(getattr(settings, entry.name))]
    lines = list(_lines(settings, {*without, *(entry.name for entry in tables)}))
    for entry in sorted(tables, key=lambda entry: entry.name):
        if entry.name not in without:
            lines += [*_comment(entry), f"[{entry.name}]", *_lines(getattr(settings, entry.name))]
    return "\n".join(lines).rstrip("\n") + "\n"


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """The known name that is most similar to a mistyped one, or None.

    Args:
        name: the name as it was typed.
        known: the valid names.
        cutoff: least similarity, from 0 to 1.

    Example:
        >>> nearest("epsilom", ["beta", "epsilon"])
        'epsilon'
    """
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message: `; did you mean 'x'?`, or nothing if no known name is similar."""
    found = nearest(name, known)
    return "" if found is None else f"; did you mean {found!r}?"


def _checked(kind: Any, name: str, value: Any, source: str) -> Any:
    """The value as its field takes it. Raises DataError."""
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, Mapping):
        return settings_from(kind, value, source=f"{source}: [{name}]")
    each: Any = get_args(kind)[0] if get_origin(kind) is tuple else None
    if isinstance(each, type) and is_dataclass(each):
        if not isinstance(value, list | tuple) or not all(
            isinstance(entry, Mapping | each) for entry in value
        ):
            example = ", ".join(f"{entry.name} = ..." for entry in fields(each))
            raise DataError(f"{source}: {name} is {value!r}: expected a list of tables such as {{{example}}}")
        return tuple(
            settings_from(each, entry, source=f"{source}: {name}[{number}]")
            if isinstance(entry, Mapping)
            else entry
            for number, entry in enumerate(value)
        )
    if not _fits(value, kind):
        raise DataError(f"{source}: {name} is {value!r}, expected {_described(kind)}{_hint(value, kind)}")
    if isinstance(value, list):
        return tuple(value)
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_whole and kind in (float, float | None) else value  # 1 and 1.0 are one setting


def _described(kind: Any) -> str:
    origin = get_origin(kind)
    if is_dataclass(kind) or origin in (dict, Mapping):
        return "a table"
    if origin is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if origin is tuple:
        return f"a list of {_described(get_args(kind)[0])}"
    if origin in (Union, UnionType):
        return " | ".join("None" if each is NoneType else _described(each) for each in get_args(kind))
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _hint(value: Any, kind: Any) -> str:
    """Did you mean, for a field with named choices."""
    if get_origin(kind) is Literal:
        return "" if value in get_args(kind) else did_you_mean(str(value), get_args(kind))
    entries = value if isinstance(value, list) and get_origin(kind) is tuple else [value]
    return next((hint for each in get_args(kind) for entry in entries if (hint := _hint(entry, each))), "")


def _fits(value: Any, kind: Any) -> bool:
    origin, choices = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in choices)
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_fits(entry, choices[0]) for entry in value)
    if origin is Literal:
        return value in choices
    if origin in (dict, Mapping):
        return isinstance(value, Mapping)
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (float, int) if kind is float else kind)


def _lines(settings: Any, without: Collection[str] = ()) -> Iterator[str]:
    for entry in fields(settings):
        if entry.name not in without:
            value = getattr(settings, entry.name)
            yield from _comment(entry)
            yield f"# {entry.name} =" if value is None or value == () else f"{entry.name} = {_literal(value)}"
            yield ""


def _comment(entry: Any) -> list[str]:
    text = entry.metadata.get("help", "")
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ")


def _literal(value: Any) -> str:
    if is_dataclass(value) and not isinstance(value, type):
        parts = (f"{name} = {_literal(part)}" for name, part in asdict(value).items())
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
