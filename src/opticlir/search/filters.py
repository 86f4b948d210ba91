r"""Filters: which documents a search may find, by their metadata fields: `year >= 2020 and source in ("who", "un")`.

```text
filter     = part {"or" part}
part       = condition {"and" condition}
condition  = "not" condition | "(" filter ")" | field sign value | field ["not"] "in" "(" value {"," value} ")"
sign       = "=" | "==" | "!=" | "<" | "<=" | ">" | ">="
value      = number | text in single or double quotes | "true" | "false"
```

A field is a word, or any name in backticks. In a text, `\"`, `\'` and `\\` stand for the second character. Texts are
compared letter by letter, by code point, so dates such as `2020-12-31` are in order.

A document without the field is unknown to its conditions, as in SQL: neither `year = 2020` nor `not year = 2020`
finds it. Reading a filter and applying it take time in proportion to its length.
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from opticlir.errors import SettingsError
from opticlir.records import FieldValue
from opticlir.search.fields import kinds_of
from opticlir.visible import shown

if TYPE_CHECKING:
    import pyarrow as pa

MAX_LETTERS = 2_000
"""Letters of a filter."""
MAX_DEPTH = 32
"""Parentheses and `not` inside each other."""

_TOKEN = re.compile(
    r"""(?P<number>[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?(?![\w.]))
    |(?P<text>"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')
    |(?P<name>`[^`]+`)
    |(?P<word>[^\W\d][\w.-]*)
    |(?P<sign>==|!=|<=|>=|[=<>(),])""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = {"and", "or", "not", "in", "true", "false"}
_SIGNS = {
    "=": "equal", "==": "equal", "!=": "not_equal", "<": "less", "<=": "less_equal", ">": "greater",
    ">=": "greater_equal",
}  # fmt: skip
_FITTING: dict[str, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "a text in quotes"),
    "whole number": ((int, float), "a number"),
    "number": ((int, float), "a number"),
    "true or false": ((bool,), "true or false"),
}
"""Values that a field of a kind is compared with."""
_SEVERAL = {
    "text": "texts",
    "whole number": "whole numbers",
    "number": "numbers",
    "true or false": "true or false",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared with values; it matches if any of them does."""

    field: str
    sign: str
    values: tuple[FieldValue, ...]


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions of which all must match, or any."""

    word: Literal["and", "or"]
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Negation:
    """A condition that must not match."""

    part: "Condition"


Condition: TypeAlias = Comparison | Junction | Negation


class _Token(NamedTuple):
    kind: str
    """`number`, `text`, `name`, `word`, `sign`, or `end`."""
    text: str
    place: int
    """From 0."""

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words


def parse_filter(text: str) -> Condition:
    """Read a filter.

    Args:
        text: at most `MAX_LETTERS` letters, nested at most `MAX_DEPTH` levels deep; words of the language in small or
            capital letters.

    Raises:
        SettingsError: it is none; the message says where, and what was expected.
        TypeError: it is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"filter is {shown(repr(text))}: expected a text such as 'year >= 2020'")
    if len(text) > MAX_LETTERS:
        raise SettingsError(f"the filter has {len(text):,} letters, the most is {MAX_LETTERS:,}")
    if not text.strip():
        raise SettingsError("the filter is empty: expected a condition such as year >= 2020")
    return _Parser(unicodedata.normalize("NFC", text)).whole()


class _Parser:
    """Reads one filter, a token after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._found()
        self._next = next(self._tokens)

    def whole(self) -> Condition:
        condition = self._junction("or", 0)
        if self._next.kind != "end":
            raise self._unexpected("and, or, or the end")
        return condition

    def _found(self) -> Iterator[_Token]:
        place = 0
        while place < len(self._text):
            if self._text[place].isspace():
                place += 1
            elif match := _TOKEN.match(self._text, place):
                yield _Token(str(match.lastgroup), match[0], place)
                place = match.end()
            else:
                raise self._wrong(place, _unreadable(self._text[place]))
        yield _Token("end", "the end", place)

    def _take(self) -> _Token:
        taken = self._next
        if taken.kind != "end":
            self._next = next(self._tokens)
        return taken

    def _takes_word(self, word: str) -> bool:
        return self._next.is_word(word) and bool(self._take())

    def _takes_sign(self, sign: str) -> bool:
        return self._next[:2] == ("sign", sign) and bool(self._take())

    def _demand(self, sign: str) -> None:
        if not self._takes_sign(sign):
            raise self._unexpected(sign)

    def _junction(self, word: Literal["and", "or"], depth: int) -> Condition:
        parts = [self._part(word, depth)]
        while self._takes_word(word):
            parts.append(self._part(word, depth))
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def _part(self, word: Literal["and", "or"], depth: int) -> Condition:
        return self._junction("and", depth) if word == "or" else self._condition(depth)

    def _condition(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            raise self._wrong(self._next.place, f"the filter is nested more than {MAX_DEPTH} levels deep")
        if self._takes_word("not"):
            return Negation(self._condition(depth + 1))
        if self._takes_sign("("):
            inner = self._junction("or", depth + 1)
            self._demand(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        if self._next.kind not in ("word", "name") or self._next.is_word(*_KEYWORDS):
            raise self._unexpected("the name of a field, not or (")
        taken = self._take()
        field = taken.text.strip("`")
        if self._next.kind == "sign" and self._next.text in _SIGNS:
            return Comparison(field, self._take().text, (self._value(),))
        is_negated = self._takes_word("not")
        if not self._takes_word("in"):
            raise self._unexpected("in" if is_negated else "=, !=, <, <=, >, >=, in or not in")
        self._demand("(")
        values = [self._value()]
        while self._takes_sign(","):
            values.append(self._value())
        self._demand(")")
        found = Comparison(field, "=", tuple(values))
        return Negation(found) if is_negated else found

    def _value(self) -> FieldValue:
        token = self._next
        if token.is_word("true", "false"):
            return self._take().text.lower() == "true"
        if token.kind == "number":
            text = self._take().text
            return float(text) if set(text) & set(".eE") else int(text)
        if token.kind == "text":
            return re.sub(r"\\([\"'\\])", r"\1", self._take().text[1:-1])
        raise self._unexpected("a number, a text in quotes, true or false")

    def _unexpected(self, expected: str) -> SettingsError:
        return self._wrong(self._next.place, f"expected {expected}, found {self._next.text}")

    def _wrong(self, place: int, reason: str) -> SettingsError:
        return SettingsError(f"filter {shown(self._text)}, at letter {place + 1}: {reason}")


def _unreadable(letter: str) -> str:
    if letter in "\"'":
        return "the text has no closing quote"
    if letter == "`":
        return "the name has no closing ` or is empty"
    return f"{letter if letter.isprintable() else ascii(letter)} has no meaning in a filter"


def matching(condition: Condition, fields: "pa.Table") -> np.ndarray:
    """Say which documents a filter keeps.

    Args:
        condition: the filter.
        fields: a row per document, a column per metadata field; see `StoredFields.table`.

    Returns:
        (n_documents,) bool.

    Raises:
        SettingsError: the documents have no such field, or a field is compared with a value of another kind.
    """
    return np.asarray(_truth(condition, fields).fill_null(False).to_numpy(), dtype=bool)


def _truth(condition: Condition, fields: "pa.Table") -> Any:
    """True, false or null of each document, by the three-valued logic of SQL."""
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy, and few searches need it

    match condition:
        case Negation():
            return pc.invert(_truth(condition.part, fields))
        case Junction():
            join = pc.and_kleene if condition.word == "and" else pc.or_kleene
            return reduce(join, (_truth(part, fields) for part in condition.parts))
        case Comparison():
            column = _column(condition, fields)
            compare = getattr(pc, _SIGNS[condition.sign])
            each = (compare(*_comparable(column, value)) for value in condition.values)
            return reduce(pc.or_kleene, each)


def _column(asked: Comparison, fields: "pa.Table") -> Any:
    """The column of a field, checked against what it is compared with."""
    kinds = kinds_of(fields)
    if not kinds:
        raise SettingsError("the index has no metadata fields: a filter cannot choose among its documents")
    if asked.field not in kinds:
        near = get_close_matches(asked.field, kinds, 1)
        known = ", ".join(f"{name} ({kind})" for name, kind in sorted(kinds.items()))
        raise SettingsError(
            f"the documents have no field {shown(asked.field)}{f': did you mean {near[0]!r}?' if near else '.'} "
            f"The fields are {known}"
        )
    kind = kinds[asked.field]
    types, fitting = _FITTING[kind]
    said = f"the field {shown(asked.field)} holds {_SEVERAL[kind]}"
    for value in asked.values:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise SettingsError(f"{said}: compare it with {fitting}, found {_as_written(value)}")
    if kind == "true or false" and asked.sign not in ("=", "==", "!="):
        raise SettingsError(f"{said}, which have no order: expected =, != or in, found {asked.sign}")
    return fields.column(asked.field)


def _comparable(column: Any, value: FieldValue) -> tuple[Any, Any]:
    """A column and a value of types that Arrow compares exactly."""
    import pyarrow as pa  # noqa: PLC0415

    if isinstance(value, bool | str):
        return column, pa.scalar(value, column.type)
    is_integer = pa.types.is_integer(column.type)
    if is_integer and not -(2**63) <= value < 2**63:
        value = math.inf if value > 0 else -math.inf
    elif is_integer and value == int(value):
        return column, pa.scalar(int(value), column.type)
    return column.cast(pa.float64(), safe=False), pa.scalar(_as_float(value), pa.float64())


def _as_float(number: int | float) -> float:
    try:
        return float(number)
    except OverflowError:  # a whole number of more than 308 digits
        return math.inf if number > 0 else -math.inf


def _as_written(value: FieldValue) -> str:
    return shown(value) if isinstance(value, str) else str(value).lower()[:60]
