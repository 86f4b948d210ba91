"""Metadata fields of the indexed documents on disk: one Arrow table, a row per document, a column per field."""

import json
import logging
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opticlir.records import FieldValue
from opticlir.search.arrays import damaged
from opticlir.storage import Checksum, MappedFile, write_file
from opticlir.visible import shown

if TYPE_CHECKING:  # it is heavy, and an index without fields does without it
    import pyarrow as pa

logger = logging.getLogger(__name__)

FIELDS = "fields.arrow"
"""The file. An index whose documents have no fields has none."""
_KINDS = {
    "bool": "true or false",
    "int64": "whole number",
    "double": "number",
    "large_string": "text",
}
"""What a field holds, by its type in Arrow."""
_BATCH = 4096
"""Documents whose fields are packed together."""


class FieldWriter:
    """Collects the fields of new documents, packed; `finish` writes them."""

    def __init__(self) -> None:
        self._rows: list[Mapping[str, FieldValue]] = []
        self._packed: list[tuple[pa.Table, int]] = []
        self._types: dict[str, set[type]] = {}

    def append(self, fields: Mapping[str, FieldValue]) -> None:
        """Append the fields of the next document."""
        self._rows.append(fields)
        for name, value in fields.items():
            self._types.setdefault(name, set()).add(type(value))
        if len(self._rows) == _BATCH:
            self._pack()

    def _pack(self) -> None:
        import pyarrow as pa  # noqa: PLC0415

        names = dict.fromkeys(name for row in self._rows for name in row)
        columns = {name: _array([row.get(name) for row in self._rows]) for name in names}
        self._packed.append((pa.table(columns), len(self._rows)))
        self._rows = []

    def finish(self, folder: Path) -> dict[str, Checksum]:
        """Write the file and return its checksum; no document with a field means no file.

        Args:
            folder: an unpublished folder.
        """
        import pyarrow as pa  # noqa: PLC0415

        if not self._types:
            return {}
        self._pack()
        for name, types in self._types.items():
            if len(types) > 1 and not types <= {int, float}:
                _warn_of_several_kinds(name)
        table, buffer = joined(self._packed), BytesIO()
        with pa.ipc.new_file(buffer, table.schema) as writer:
            writer.write_table(table, max_chunksize=_BATCH)
        return {FIELDS: write_file(folder / FIELDS, buffer.getbuffer())}


class StoredFields:
    """The fields of the documents, by row.

    Args:
        path: the file, whose checksum is right; None if no document has any field.
        n_documents: number of documents.

    Raises:
        ArtefactError: the file holds anything else than the fields of so many documents.
    """

    def __init__(self, path: Path | None, n_documents: int) -> None:
        self._file = None if path is None else MappedFile(path)
        self._table = None if path is None or self._file is None else _read(path, self._file, n_documents)

    @property
    def table(self) -> "pa.Table":
        """A row per document, a column per field; without columns if no document has any.

        Raises:
            ArtefactError: the file has changed since it was opened.
        """
        if self._file is None:
            import pyarrow as pa  # noqa: PLC0415

            return pa.table({})
        self._file.check()
        return self._table

    @property
    def kinds(self) -> dict[str, str]:
        """What each field holds: `text`, `whole number`, `number`, or `true or false`."""
        return {} if self._table is None else kinds_of(self._table)

    def __getitem__(self, row: int) -> dict[str, FieldValue]:
        """The fields of a document; those that it lacks are left out."""
        if self._table is None:
            return {}
        (record,) = self.table.slice(row, 1).to_pylist()
        return {name: value for name, value in record.items() if value is not None}


def warn_of_other_kinds(known: Mapping[str, str], new: Mapping[str, str]) -> None:
    """Warn of fields that hold one kind of value in the documents of an index, and another in new ones."""
    for name in sorted(known.keys() & new.keys()):
        if known[name] != new[name] and not {known[name], new[name]} <= {"whole number", "number"}:
            _warn_of_several_kinds(name)


def _warn_of_several_kinds(name: str) -> None:
    logger.warning("the field %s holds values of several kinds: all are kept as text", shown(name))


def kinds_of(table: "pa.Table") -> dict[str, str]:
    """What each column of a table of fields holds, in words."""
    return {field.name: _KINDS[str(field.type)] for field in table.schema}


def joined(parts: "Sequence[tuple[pa.Table, int]]") -> "pa.Table":
    """Join tables of fields, one below the other.

    A field that is a whole number in one table and a number in another becomes a number. Other pairs become text.

    Args:
        parts: each a table and its number of documents, since one without columns does not know it.
    """
    import pyarrow as pa  # noqa: PLC0415

    names = dict.fromkeys(name for table, _ in parts for name in table.column_names)
    columns = {}
    for name in names:
        found = {str(table.schema.field(name).type) for table, _ in parts if name in table.column_names}
        kind = _type_of(found)
        chunks = [
            _as(table.column(name), kind) if name in table.column_names else pa.nulls(length, kind)
            for table, length in parts
        ]
        columns[name] = pa.concat_arrays(
            [piece for chunk in chunks for piece in getattr(chunk, "chunks", [chunk])]
        )
    return pa.table(columns)


def _type_of(found: set[str]) -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415

    if found == {"bool"}:
        return pa.bool_()
    if found == {"int64"}:
        return pa.int64()
    return pa.float64() if found <= {"int64", "double"} else pa.large_string()


def _array(values: Sequence[FieldValue | None]) -> "pa.Array":
    import pyarrow as pa  # noqa: PLC0415

    names = {bool: "bool", int: "int64", float: "double", str: "large_string"}
    kind = _type_of({names[type(value)] for value in values if value is not None})
    written = pa.types.is_large_string(kind)
    return pa.array([_text(value) if written else value for value in values], kind)


def _as(column: "pa.ChunkedArray", kind: "pa.DataType") -> Any:
    import pyarrow as pa  # noqa: PLC0415

    if column.type == kind or not pa.types.is_large_string(kind):
        return column.cast(kind, safe=False)
    return pa.chunked_array([pa.array([_text(value) for value in column.to_pylist()], kind)])


def _text(value: FieldValue | None) -> str | None:
    """A value as text: numbers as in JSON, whole ones without a point."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def _read(path: Path, file: MappedFile, n_documents: int) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    try:
        opened = pa.ipc.open_file(pa.py_buffer(file.content))
        names, types = opened.schema.names, {str(each) for each in opened.schema.types}
        if len(set(names)) < len(names) or not names or not types <= _KINDS.keys():
            raise damaged(path, "its columns are no metadata fields")
        table = opened.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise damaged(path, "it is no table of metadata fields") from error
    if table.num_rows != n_documents:
        raise damaged(path, f"it holds the fields of {table.num_rows} documents, not {n_documents}")
    for name in names:
        if str(table.column(name).type) == "double" and not pc.all(pc.is_finite(table.column(name))).as_py():
            raise damaged(path, f"the field {shown(name)} holds NaN or infinity")
    return table
