"""Colours of our figures, and marks for those who cannot tell them apart."""

COLOURS = (
    "#0b5cad", "#b3520f", "#1a7f37", "#8250df", "#9a6700", "#cf222e",
    "#0a7a86", "#a3307f", "#57606a", "#4d6b1f",
)  # fmt: skip
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")


def colour_of(number: int) -> str:
    """Colour of the n-th thing; they come again after the last."""
    return COLOURS[number % len(COLOURS)]


def mark_of(number: int) -> str:
    """Mark of the n-th thing, likewise."""
    return MARKS[number % len(MARKS)]
