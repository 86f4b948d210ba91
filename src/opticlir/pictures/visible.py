"""Foreign text shown safely: nothing in it moves the cursor, hides, or turns the line around."""

import unicodedata

_DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def visible(text: str) -> str:
    r"""Write control and direction characters as their code points, and any white space as a space.

    Zero-width joiners stay as they are: they belong to the spelling of Persian, Marathi and others.

    Example:
        >>> visible("dawa\u202e ya\tmalaria\x1b[31m")
        'dawa<U+202E> ya malaria<U+001B>[31m'
    """
    return "".join(
        " " if char.isspace() else f"<U+{ord(char):04X}>" if _is_unsafe(char) else char for char in text
    )


def _is_unsafe(char: str) -> bool:
    return char in _DIRECTION_MARKS or unicodedata.category(char) in ("Cc", "Cs")
