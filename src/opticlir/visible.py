"""Shows text from outside safely: it cannot move the cursor, hide text, or reverse the line."""

import unicodedata

_FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and signs that show nothing."""
_UNSEEN = {"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Mc", "Me"}
_DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def visible(text: str) -> str:
    r"""Write control and direction characters as code points, and any white space as a space.

    Zero-width joiners stay: the spelling of Persian, Marathi and other languages needs them.

    Example:
        >>> visible("dawa\u202e ya\tmalaria\x1b[31m")
        'dawa<U+202E> ya malaria<U+001B>[31m'
    """
    return "".join(
        " " if char.isspace() else f"<U+{ord(char):04X}>" if is_unsafe(char) else char for char in text
    )


def is_unsafe(char: str) -> bool:
    """Whether a character controls the terminal or the direction of the text."""
    return char in _DIRECTION_MARKS or unicodedata.category(char) in ("Cc", "Cs")


def is_blank(text: str) -> bool:
    r"""Whether a text shows nothing: spaces, joiners, marks without a letter, and characters like these.

    Example:
        >>> is_blank("\u200b \ufe0f"), is_blank("?")
        (True, False)
    """
    return all(char in _FILLERS or unicodedata.category(char) in _UNSEEN for char in text)


def shown(text: str, limit: int = 60) -> str:
    r"""Quote text in an error message: shortened, with everything that does not print escaped as in Python.

    Example:
        >>> shown("abc\u202edef", 5)
        "'abc\\u202ed'..."
    """
    return repr(text) if len(text) <= limit else f"{text[:limit]!r}..."
