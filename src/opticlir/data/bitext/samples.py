"""What the first records of a table show about its columns: which hold text, and which of two is English."""

from collections.abc import Iterable, Mapping
from typing import Any

from opticlir.data.skipping import MalformedRecordError
from opticlir.visible import shown

N_SAMPLED = 200
_FEWEST, _REPEATED = 20, 10
"""A column of this many values is no text if it has this many times fewer different ones: it is a label."""


class ColumnSamples:
    """The values of each column in the first records.

    Args:
        records: the first records.

    Example:
        >>> samples = ColumnSamples([{"id": "d12", "sw": "Maji safi"}])
        >>> samples.has_text("id"), samples.has_text("sw")
        (False, True)
    """

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._values: dict[str, list[Any]] = {}
        for record in records:
            for name, value in record.items():
                if value not in (None, ""):
                    self._values.setdefault(name, []).append(value)

    def has_text(self, name: str) -> bool:
        """Whether a column holds text: not numbers, identifiers, addresses or labels alone. True if it is unknown."""
        values = self._values.get(name)
        return not values or (any(map(_is_text, values)) and not _are_labels(values))

    def has_numbers(self, name: str) -> bool:
        """Whether every value of a column is a number."""
        values = self._values.get(name, [])
        return bool(values) and all(map(is_number, values))

    def texts(self, name: str) -> list[str]:
        """Return the texts of a column."""
        return [value for value in self._values.get(name, ()) if isinstance(value, str)]


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, or a text that stands for one."""
    if isinstance(value, bool):
        return False
    try:
        return abs(float(value)) < float("inf")
    except (TypeError, ValueError):
        return False


def parse_score(value: Any, name: str) -> float:
    """Return a score as a number.

    Raises:
        MalformedRecordError: it is none.
    """
    if not is_number(value):
        raise MalformedRecordError(f"expected a number as score under {name!r}, found {shown(str(value))}")
    return float(value)


def _are_labels(values: list[Any]) -> bool:
    """Whether a few words come again and again, such as `train` and `dev`."""
    return len(values) >= _FEWEST and len(set(map(str, values))) * _REPEATED <= len(values)


def _is_text(value: Any) -> bool:
    if isinstance(value, dict | list):
        return True  # the reader refuses it, and says where
    if not isinstance(value, str) or not any(map(str.isalpha, value)):
        return False
    is_one_word = not any(map(str.isspace, value.strip()))
    return not (is_one_word and ("://" in value or any(map(str.isdecimal, value))))
