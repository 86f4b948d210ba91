"""Bitext as XLIFF 1.2 and 2: segments with source and target, in constant memory."""

from collections.abc import Iterator
from pathlib import Path

from opticlir.data.bitext import xml_events
from opticlir.data.bitext.sides import MissingSideError, RawPair, Selection, choose_sides
from opticlir.data.bitext.xml_events import Document, Handler, Segment
from opticlir.errors import DataError

# inline elements with markup of the original document, and whether each stands between words
_CODES = {
    "bpt": False, "ept": False, "it": True, "ph": True, "x": True, "bx": False, "ex": False,
    "sc": False, "ec": False, "cp": True,
}  # fmt: skip
_SUGGESTIONS = {"alt-trans", "match"}
_UNTRANSLATED = {"new", "needs-translation", "initial"}

_Unit = tuple[int, str, str, str | None, str, str]
"""Line, source language, target language, why it is left out, source text, target text."""


class _Handler(Handler[_Unit]):
    """Collects segments that have a source and a target."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)
        self._languages = {"source": "", "target": ""}
        self._texts: dict[str, str] = {}
        self._segment: Segment | None = None
        self._line = 0
        self._n_suggestions = 0
        self._reason: str | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in _SUGGESTIONS:
            self._n_suggestions += 1
        elif name == "xliff":
            self._languages = {
                "source": attributes.get("srcLang", ""), "target": attributes.get("trgLang", "")
            }  # fmt: skip
        elif name == "file":
            for side, attribute in (("source", "source-language"), ("target", "target-language")):
                self._languages[side] = attributes.get(attribute) or self._languages[side]
        elif name in ("trans-unit", "segment"):
            self._line, self._texts, self._reason = self.document.line, {}, None
            self._note(attributes)
        elif name in ("source", "target") and not self._n_suggestions:
            self._segment = Segment()
            self._note(attributes)
        elif self._segment and name in _CODES:
            self._segment.open_code(separates=_CODES[name])
        elif self._segment and name == "sub":
            self._segment.open_sub()

    def end(self, name: str) -> None:
        if name in _SUGGESTIONS:
            self._n_suggestions -= 1
        elif name in ("source", "target") and self._segment and not self._n_suggestions:
            self._texts[name] = str(self._segment)
            self._segment = None
        elif name in ("trans-unit", "segment") and "source" in self._texts:
            self.units.append(
                (
                    self._line,
                    self._languages["source"],
                    self._languages["target"],
                    self._reason,
                    self._texts["source"],
                    self._texts.get("target", ""),
                )
            )
            self._texts = {}
        elif self._segment and name in _CODES:
            self._segment.close_code()
        elif self._segment and name == "sub":
            self._segment.close_sub()

    def text(self, text: str) -> None:
        if self._segment is None:
            return
        self._segment.add(text)
        if self._segment.n_characters > xml_events.MAX_UNIT_CHARACTERS:
            self.document.refuse(f"a segment of more than {xml_events.MAX_UNIT_CHARACTERS} characters")

    def _note(self, attributes: dict[str, str]) -> None:
        if attributes.get("translate") == "no":
            self._reason = "marked as not to translate"
        elif attributes.get("state") in _UNTRANSLATED:
            self._reason = "marked as not translated yet"


def read_xliff(path: Path, selection: Selection) -> Iterator[RawPair]:
    """Read the segments with a source and a target; one of the two languages is English.

    Suggestions (`alt-trans`, `match`) are not read. Segments that are marked as not translated yet, or as not to
    translate, are dropped and counted.

    Args:
        path: the file, plain or compressed.
        selection: what to take.

    Yields:
        Each pair with the line of its segment; a side is empty where there is no target.

    Raises:
        DataError: the file is not well-formed XLIFF, or does not state its source language.
    """
    report = selection.report
    document = Document(path, report)
    for line, source, target, reason, source_text, target_text in document.units(_Handler(document), "xliff"):
        if reason:
            report.drop(reason, f"{path}:{line}")
            continue
        if not source:
            raise DataError(f"{path}:{line}: the file does not state its source language")
        texts = {source: source_text, target or selection.language or "und": target_text}
        try:
            english, foreign = choose_sides(list(texts), selection.language, report)
        except MissingSideError as error:
            report.drop(str(error), f"{path}:{line}")
        else:
            yield RawPair(line, texts[english], texts[foreign])
