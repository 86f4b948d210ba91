"""Sizes and durations as people write them."""

import re

import typer

_BYTES = {"": 1.0, "B": 1.0, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
          "KIB": 2.0**10, "MIB": 2.0**20, "GIB": 2.0**30, "TIB": 2.0**40}  # fmt: skip
_SECONDS = {"S": 1.0, "M": 60.0, "H": 3600.0, "D": 86_400.0, "W": 7 * 86_400.0}
_FORM = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*)\s*", re.ASCII)


def n_bytes(text: str) -> float:
    """Bytes of a size. Raises `typer.BadParameter`.

    Example:
        >>> n_bytes("2GB"), n_bytes("1.5 MiB")
        (2000000000.0, 1572864.0)
    """
    return _quantity(text, _BYTES, "a size such as 500MB or 2GB")


def seconds(text: str) -> float:
    """Seconds of a duration. Raises `typer.BadParameter`.

    Example:
        >>> seconds("30d"), seconds("12h")
        (2592000.0, 43200.0)
    """
    return _quantity(text, _SECONDS, "a duration such as 12h, 30d or 8w")


def _quantity(text: str, units: dict[str, float], expected: str) -> float:
    found = _FORM.fullmatch(text)
    unit = found and units.get(found[2].upper())
    if not found or unit is None:
        raise typer.BadParameter(f"{text!r}: expected {expected}")
    return float(found[1]) * unit
