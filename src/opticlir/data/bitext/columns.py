"""The columns of a table that hold the English side, the foreign side and a score."""

from dataclasses import dataclass, fields

from opticlir.errors import SettingsError
from opticlir.visible import shown


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns that a user names: by heading, or by number from 1. None leaves the choice to the reader."""

    english: str | None = None
    foreign: str | None = None
    score: str | None = None

    def __bool__(self) -> bool:
        """Whether any column is named."""
        return any(getattr(self, each.name) is not None for each in fields(self))


def parse_columns(argument: str) -> Columns:
    """Parse `english=2,foreign=4,score=5`; each part may be left out, and a heading may stand for a number.

    Raises:
        SettingsError: a part has another form, occurs twice, or two parts name the same column.

    Example:
        >>> parse_columns("english=2,foreign=sentence_sw")
        Columns(english='2', foreign='sentence_sw', score=None)
    """
    places: dict[str, str] = {}
    known = [each.name for each in fields(Columns)]
    for part in argument.split(","):
        name, sign, place = (text.strip() for text in part.partition("="))
        if name not in known or not sign or not place or name in places or place == "0":
            raise SettingsError(
                f"columns {argument}: expected english=2,foreign=4 with score=5 if there is one "
                f"(numbers from 1, or headings), found {shown(part)}"
            )
        places[name] = place
    if len(set(places.values())) < len(places):
        raise SettingsError(f"columns {argument}: one column is named twice")
    return Columns(**places)
