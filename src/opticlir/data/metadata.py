"""Metadata fields of documents: what a record holds in addition to id, title and text."""

import math
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

import numpy as np

from opticlir.records import FieldValue
from opticlir.visible import is_blank, shown

MAX_FIELDS = 64
"""Names of fields in one corpus."""
MAX_NAME = 200
"""Letters of a name."""
_NESTED = "metadata"
"""An object of this name holds fields, as in BEIR."""
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,3})?")


class FieldReader:
    """Takes the metadata fields out of records, and says once of each field what is left out and why.

    Args:
        say: is called with each remark.

    Example:
        >>> FieldReader(print).read({"_id": "d1", "year": 2020, "tags": ["a"], "metadata": {"open": True}}, ["_id"])
        the field 'tags' holds a list: only texts, numbers, true and false are kept
        {'year': 2020, 'open': True}
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._names = set[str]()
        self._refused = set[str]()

    def read(
        self, record: Mapping[str, Any], other: Collection[str | None], *, is_text: bool = False
    ) -> dict[str, FieldValue]:
        """Return the fields of a record; a missing value, null or NaN is no field.

        Args:
            record: by name. An object under `metadata` adds its own entries; the outer ones go before them.
            other: names that are no metadata.
            is_text: whether the record comes from a file that has no types, so that `2020` is a number and nothing
                between two separators is no value.
        """
        fields: dict[str, FieldValue] = {}
        inner = record.get(_NESTED)
        nested = inner if isinstance(inner, Mapping) and _NESTED not in other else {}
        outer = {name: record[name] for name in record if name not in other and record[name] is not nested}
        for name, given in {**outer, **{each: nested[each] for each in nested if each not in outer}}.items():
            value = typed_value(given) if is_text and isinstance(given, str) else _plain(given)
            if value is None:
                continue
            if reason := self._refusal(name, value):
                self._refuse(name, reason)
            else:
                fields[_composed(name)] = _composed(value) if isinstance(value, str) else value
        return fields

    def _refusal(self, name: Any, value: Any) -> str:
        """Why a field is left out; empty if it is kept."""
        if not isinstance(name, str) or is_blank(name) or len(name) > MAX_NAME or not _is_unicode(name):
            return f"is left out: its name is blank, or no text of at most {MAX_NAME} letters"
        if found := _unkept(value):
            return f"holds {found}"
        if name not in self._names and len(self._names) == MAX_FIELDS:
            return f"is left out: the documents have more than {MAX_FIELDS} fields"
        self._names.add(name)
        return ""

    def _refuse(self, name: Any, reason: str) -> None:
        label = shown(str(name))
        if label not in self._refused and len(self._refused) < MAX_FIELDS:
            self._refused.add(label)
            self._say(f"the field {label} {reason}")


def typed_value(text: str) -> FieldValue | None:
    """The value of a text in a table without types: a number if it is written as one, `true`, `false`, or text.

    Example:
        >>> [typed_value(each) for each in ("2020", "1.50", "007", "True", "", "5 mg")]
        [2020, 1.5, '007', True, None, '5 mg']
    """
    if not text.strip():
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not _NUMBER.fullmatch(text):
        return text
    number = float(text)
    return int(text) if text.lstrip("-").isdecimal() else number if math.isfinite(number) else text


def _plain(value: Any) -> Any:
    """A value without its library: numbers of numpy, dates as ISO text; None if there is none."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, date):
        return value.isoformat()
    return None if isinstance(value, float) and math.isnan(value) else value


def _unkept(value: Any) -> str:
    """What a value is that cannot be kept; empty for one that can."""
    if isinstance(value, str):
        return "" if _is_unicode(value) else "a text that is no valid Unicode"
    if isinstance(value, int):
        return "" if -(2**63) <= value < 2**63 else "a whole number of more than 64 bits"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "infinity"
    kind = "a list" if isinstance(value, list | tuple) else f"{type(value).__name__}"
    return f"{kind}: only texts, numbers, true and false are kept"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
