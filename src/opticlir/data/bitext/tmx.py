"""Bitext as Translation Memory eXchange, in constant memory. No entity is fetched or expanded."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from opticlir.data.bitext.sides import MissingSideError, RawPair, choose_sides
from opticlir.data.skipping import SkipReport
from opticlir.data.text_files import read_chunks
from opticlir.errors import DataError

MAX_UNIT_CHARACTERS = 10_000_000

# inline elements that contain markup of the original document, not text
_CODE_ELEMENTS = frozenset({"bpt", "ept", "it", "ph", "ut"})


class _Handler:
    """Collects translation units from events of expat. The reader empties `units` after each chunk."""

    def __init__(self, path: Path, parser: expat.XMLParserType) -> None:
        self.units: list[tuple[int, dict[str, str]]] = []
        self._path = path
        self._parser = parser
        self._depth = 0
        self._line = 0
        self._texts: dict[str, str] = {}
        self._code = ""
        self._segment: list[str] | None = None
        self._n_characters = 0
        self._code_depth = 0
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._refuse_entity
        parser.SkippedEntityHandler = self._refuse_skipped

    def refuse(self, reason: str) -> NoReturn:
        """Raise DataError with the current line of the parser."""
        raise DataError(f"{self._path}:{self._parser.CurrentLineNumber}: {reason}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._depth and name != "tmx":
            self.refuse(f"expected <tmx> as the root of a TMX file, found <{name[:60]}>")
        self._depth += 1
        if name == "tu":
            self._line, self._texts, self._n_characters = self._parser.CurrentLineNumber, {}, 0
        elif name == "tuv":
            self._code = attributes.get("xml:lang") or attributes.get("lang") or ""
            if not self._code:
                self.refuse("expected <tuv xml:lang=...>, found a <tuv> without language")
        elif name == "seg":
            self._segment = []
        elif name in _CODE_ELEMENTS:
            self._code_depth += 1

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "tu":
            self.units.append((self._line, self._texts))
        elif name == "seg" and self._segment is not None:
            self._texts.setdefault(self._code, "".join(self._segment))
            self._segment = None
        elif name in _CODE_ELEMENTS:
            self._code_depth -= 1

    def _characters(self, text: str) -> None:
        if self._segment is None or self._code_depth:
            return
        self._n_characters += len(text)
        if self._n_characters > MAX_UNIT_CHARACTERS:
            self.refuse(f"a translation unit of more than {MAX_UNIT_CHARACTERS} characters")
        self._segment.append(text)

    def _refuse_entity(self, name: str, *_: object) -> None:
        self.refuse(
            f"the file declares the entity {name[:60]!r}: TMX needs no entities, and opticlir expands or fetches none"
        )

    def _refuse_skipped(self, name: str, *_: object) -> None:
        self.refuse(f"unknown entity &{name[:60]};: opticlir fetches nothing to resolve it")


def read_tmx(path: Path, language: str | None, report: SkipReport) -> Iterator[RawPair]:
    """Read the translation units with an English and a foreign variant.

    Language codes can have any form and case. Markup inside segments is left out, highlighted text is kept. A
    DOCTYPE is allowed; an entity declaration is refused.

    Args:
        path: the file, plain or gzipped; UTF-8 or UTF-16, as XML declares it.
        language: ISO 639-3 code of the foreign side; None if units have only one other language.
        report: counts the units without one of the two sides.

    Yields:
        Line number of the unit, English side, foreign side.

    Raises:
        DataError: the file is not well-formed TMX. No part of such a file can be skipped.
    """
    for line, texts in _units(path):
        try:
            english, foreign = choose_sides(texts, language)
        except MissingSideError as error:
            report.drop(str(error), f"{path}:{line}")
        else:
            yield line, english, foreign


def _units(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    parser = expat.ParserCreate()
    handler = _Handler(path, parser)
    n_fed = 0
    try:
        for chunk in read_chunks(path):
            parser.Parse(chunk, False)
            n_fed += len(chunk)
            if n_fed - max(parser.CurrentByteIndex, 0) > MAX_UNIT_CHARACTERS:
                handler.refuse(f"a tag or comment of more than {MAX_UNIT_CHARACTERS} bytes")
            yield from handler.units
            handler.units.clear()
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, str(error))
        raise DataError(
            f"{path}:{error.lineno}: not well-formed XML: {reason} (column {error.offset + 1})"
        ) from None
    yield from handler.units
