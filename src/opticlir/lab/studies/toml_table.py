"""One table of a TOML file, read strictly: what is missing, mistyped or unknown is refused by name."""

from typing import Any, TypeVar

from opticlir.errors import DataError
from opticlir.settings import did_you_mean

_T = TypeVar("_T", str, int, float, bool)
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}


class TomlTable:
    """Keys are taken one by one; `finish` refuses those that nobody asked for.

    Args:
        values: the table.
        where: file and table, for messages.

    Raises:
        DataError: `values` is no table.

    Example:
        >>> table = TomlTable({"steps": 5, "sed": 1}, "study.toml: [budget.small]")
        >>> table.find("steps", int), table.find("seeds", int)
        (5, None)
        >>> table.finish()
        Traceback (most recent call last):
        ...
        opticlir.errors.DataError: study.toml: [budget.small]: unknown key 'sed'; did you mean 'seeds'?
    """

    def __init__(self, values: Any, where: str) -> None:
        if not isinstance(values, dict):
            raise DataError(f"{where}: expected a table, found {values!r}")
        self.where = where
        self._values = values
        self._asked: dict[str, None] = {}

    def __contains__(self, name: str) -> bool:
        self._asked[name] = None
        return name in self._values

    def find(self, name: str, kind: type[_T]) -> _T | None:
        """The value of a key, or None where it is absent. Raises DataError for another type."""
        return self._checked(name, self._values[name], kind) if name in self else None

    def need(self, name: str, kind: type[_T]) -> _T:
        """The value of a key that has to be there."""
        if (found := self.find(name, kind)) is None:
            raise DataError(f"{self.where}: no key {name!r}, which is {_NAMES[kind]}")
        return found

    def list_of(self, name: str, kind: type[_T]) -> tuple[_T, ...] | None:
        """The values of a list, or None where it is absent; an empty list is refused."""
        if name not in self:
            return None
        values = self._values[name]
        if not isinstance(values, list) or not values:
            raise DataError(f"{self.where}: {name} is {values!r}: expected a list of {_NAMES[kind]}")
        return tuple(self._checked(name, value, kind) for value in values)

    def mapping(self, name: str) -> dict[str, Any]:
        """The table of a key as it stands, for others to check; an empty one where it is absent."""
        return self._checked(name, self._values[name], dict) if name in self else {}

    def table(self, name: str) -> "TomlTable":
        """The table of a key; an empty one where it is absent."""
        return TomlTable(self.mapping(name), self.below(name))

    def tables(self, name: str) -> dict[str, "TomlTable"]:
        """The tables below a key, by their names; nothing where it is absent."""
        return {
            each: TomlTable(values, self.below(f"{name}.{each}"))
            for each, values in self.mapping(name).items()
        }

    def array_of_tables(self, name: str) -> list["TomlTable"]:
        """The tables of `[[name]]`, numbered from 1; nothing where it is absent."""
        entries = self._values[name] if name in self else []
        if not isinstance(entries, list):
            raise DataError(f"{self.where}: {name} is {entries!r}: expected tables under [[{name}]]")
        return [
            TomlTable(entry, self.below(f"{name} {number}")) for number, entry in enumerate(entries, start=1)
        ]

    def holds_text(self, name: str) -> bool:
        """Whether the value of a key is text, of those that may be a table as well."""
        return name in self and isinstance(self._values[name], str)

    def below(self, name: str) -> str:
        """File and name of a table in this one."""
        path, divided, rest = self.where.partition(": [")
        return f"{path}: [{rest.removesuffix(']')}.{name}]" if divided else f"{path}: [{name}]"

    def finish(self) -> None:
        """Refuse keys that nobody asked for, with the nearest that somebody did."""
        for name in self._values:
            if name not in self._asked:
                raise DataError(f"{self.where}: unknown key {name!r}{did_you_mean(name, self._asked)}")

    def _checked(self, name: str, value: Any, kind: Any) -> Any:
        accepted = (int, float) if kind is float else kind
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise DataError(f"{self.where}: {name} is {value!r}: expected {_NAMES[kind]}")
        return float(value) if kind is float else value
