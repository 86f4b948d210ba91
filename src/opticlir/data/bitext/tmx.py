"""Bitext as Translation Memory eXchange, in constant memory."""

from collections.abc import Iterator
from pathlib import Path

from opticlir.data.bitext import xml_events
from opticlir.data.bitext.sides import AmbiguousSideError, MissingSideError, RawPair, Selection, choose_sides
from opticlir.data.bitext.xml_events import Document, Handler, Segment

_VARIANT_CHARACTERS = 100  # what a variant without text takes in memory, as characters

# inline elements with markup of the original document, and whether each stands between words
_CODES = {"bpt": False, "ept": False, "it": True, "ph": True, "ut": True}

_Unit = tuple[int, list[tuple[str, str]]]


class _Handler(Handler[_Unit]):
    """Collects translation units: the line of each, and code and text of its variants."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._line = 0
        self._texts: list[tuple[str, str]] = []
        self._code = ""
        self._segment: Segment | None = None
        self._n_characters = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "tu":
            self._line, self._texts, self._n_characters = self.document.line, [], 0
        elif name == "tuv":
            self._code = attributes.get("xml:lang") or attributes.get("lang") or ""
            if not self._code:
                self.document.refuse("expected <tuv xml:lang=...>, found a <tuv> without language")
            self._grow(_VARIANT_CHARACTERS + len(self._code))
        elif name == "seg":
            self._segment = Segment()
        elif self._segment and name in _CODES:
            self._segment.open_code(separates=_CODES[name])
        elif self._segment and name == "sub":
            self._segment.open_sub()

    def end(self, name: str) -> None:
        if name == "tu":
            self.units.append((self._line, self._texts))
        elif name == "seg" and self._segment is not None:
            self._texts.append((self._code, str(self._segment)))
            self._segment = None
        elif self._segment and name in _CODES:
            self._segment.close_code()
        elif self._segment and name == "sub":
            self._segment.close_sub()

    def text(self, text: str) -> None:
        if self._segment is None:
            return
        self._segment.add(text)
        self._grow(len(text))

    def _grow(self, n_characters: int) -> None:
        self._n_characters += n_characters
        if self._n_characters > xml_events.MAX_UNIT_CHARACTERS:
            self.document.refuse(
                f"a translation unit of more than {xml_events.MAX_UNIT_CHARACTERS} characters"
            )


def read_tmx(path: Path, selection: Selection) -> Iterator[RawPair]:
    """Read the translation units with an English and a foreign variant.

    Language codes can have any form and case. Markup inside segments is left out, highlighted text is kept. A
    DOCTYPE is allowed; an entity declaration is refused.

    Args:
        path: the file, plain or compressed; UTF-8 or UTF-16, as XML declares it.
        selection: what to take. Its report counts the units without one of the two sides, and further
            translations of one language in a unit. A lenient one reads on after a control character.

    Yields:
        Each pair with the line of its unit.

    Raises:
        DataError: the file is not well-formed TMX.
    """
    report = selection.report
    document = Document(path, report)
    for line, variants in document.units(_Handler(document), "tmx"):
        texts: dict[str, str] = {}
        for code, text in variants:
            if code in texts:
                report.drop("with a second text of one language, not read", f"{path}:{line}")
            texts.setdefault(code, text)
        try:
            english, foreign = choose_sides(list(texts), selection.language, report)
        except MissingSideError as error:
            report.drop(str(error), f"{path}:{line}")
        except AmbiguousSideError:
            report.drop("with two codes for one language", f"{path}:{line}")
        else:
            yield RawPair(line, texts[english], texts[foreign])
