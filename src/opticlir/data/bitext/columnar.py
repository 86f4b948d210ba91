"""Bitext as Parquet and Arrow tables, as the datasets library writes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opticlir.data.bitext.json_records import pairs_of_records
from opticlir.data.bitext.sides import RawPair, Selection
from opticlir.errors import DataError

_ROWS = 1_000


def read_columnar(path: Path, selection: Selection) -> Iterator[RawPair]:
    """Read a table with a column for each side, or with a column `translation` that holds both.

    Args:
        path: a Parquet file, an Arrow file or stream (also Feather).
        selection: what to take.

    Yields:
        Each pair with the number of its row.

    Raises:
        DataError: the file is missing or damaged, or its columns do not say which texts to read.
    """
    return pairs_of_records(_rows(path), path, selection)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow as pa  # noqa: PLC0415

    number = 0
    try:
        for batch in _batches(path):
            for start in range(0, batch.num_rows, _ROWS):
                for row in batch.slice(start, _ROWS).to_pylist():
                    number += 1
                    yield number, row
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet or Arrow table ({error})") from None


def _batches(path: Path) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    with path.open("rb") as raw:
        is_parquet = raw.read(4) == b"PAR1"
    if is_parquet:
        with parquet.ParquetFile(path) as table:
            yield from table.iter_batches(batch_size=_ROWS)
        return
    with pa.memory_map(str(path)) as source:
        try:
            reader = pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            yield from pa.ipc.open_stream(source)
        else:
            yield from (reader.get_batch(at) for at in range(reader.num_record_batches))
