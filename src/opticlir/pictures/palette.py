"""Colours of figures, and marks for readers who cannot distinguish colours."""

COLOURS = (
    "#0b5cad", "#b3520f", "#1a7f37", "#8250df", "#9a6700", "#cf222e",
    "#0a7a86", "#a3307f", "#57606a", "#4d6b1f",
)  # fmt: skip
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


def colour_of(number: int) -> str:
    """Return the colour of the n-th item; after the last one they repeat."""
    return COLOURS[number % len(COLOURS)]


def mark_of(number: int) -> str:
    """Return the mark of the n-th item; after the last one they repeat."""
    return MARKS[number % len(MARKS)]
