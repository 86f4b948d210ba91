"""Bilingual dictionaries: English words and their translations."""

from collections.abc import Iterator
from pathlib import Path

from opticlir.data.text_files import read_lines
from opticlir.data.visible import shown
from opticlir.errors import DataError


def read_dictionary(path: Path) -> Iterator[tuple[str, str]]:
    """Read `english<TAB>foreign` lines. In a line without a tab, as in MUSE, a space separates the two.

    A foreign side with several translations, separated by commas, gives one entry for each.

    Yields:
        English and foreign side of each entry, in file order.

    Raises:
        DataError: a line has only one side, or the file has no entry.
    """
    is_empty = True
    for number, line in read_lines(path):
        if not line.strip():
            continue
        english, divided, foreign = line.partition("\t") if "\t" in line else line.partition(" ")
        if not divided or not english.strip() or not foreign.strip():
            raise DataError(f"{path}:{number}: expected ENGLISH<TAB>FOREIGN, found {shown(line.strip())}")
        for alternative in foreign.split(","):
            if alternative.strip():
                is_empty = False
                yield english.strip(), alternative.strip()
    if is_empty:
        raise DataError(f"{path}: no dictionary entry in it")
