"""Reads XML as a stream: no entity is fetched or expanded, and depth and size have limits."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, NoReturn, TypeVar
from xml.parsers import expat

from opticlir.data.skipping import SkipReport
from opticlir.data.text_files import utf8_chunks
from opticlir.errors import DataError

MAX_UNIT_CHARACTERS = 10_000_000
MAX_DEPTH = 200

_REFERENCE = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));|([\x00-\x08\x0b\x0c\x0e-\x1f])")
_LONGEST_REFERENCE = 11

Unit = TypeVar("Unit")


class Handler(ABC, Generic[Unit]):
    """Takes the events of a document and collects its units.

    Args:
        document: the file that is read, for messages.
    """

    def __init__(self, document: "Document") -> None:
        self.units: list[Unit] = []
        self.document = document

    @abstractmethod
    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""

    @abstractmethod
    def end(self, name: str) -> None:
        """Take the end of an element."""

    @abstractmethod
    def text(self, text: str) -> None:
        """Take text."""


class Document:
    """An XML file that is being read.

    Args:
        path: the file, plain or compressed; UTF-8 or UTF-16, or as XML declares it.
        report: a lenient one leaves out control characters, which XML forbids, and counts them.
    """

    def __init__(self, path: Path, report: SkipReport) -> None:
        self._path, self._report = path, report
        self._mark, self._chunks = utf8_chunks(path)
        self._parser = expat.ParserCreate("utf-8" if self._mark else None)
        self._depth = 0

    @property
    def line(self) -> int:
        """The line that is being read."""
        return self._parser.CurrentLineNumber

    def refuse(self, reason: str) -> NoReturn:
        """Raise DataError with the current line."""
        raise DataError(f"{self._path}:{self.line}: {reason}")

    def units(self, handler: Handler[Unit], root: str) -> Iterator[Unit]:
        """Yield the units that a handler collects.

        Args:
            handler: gets the events; its `units` are emptied as they are yielded.
            root: the name that the root element must have.

        Raises:
            DataError: the file is not well-formed, has another root or entities, or goes beyond a limit.
        """
        parser = self._parser
        parser.buffer_text = True
        parser.StartElementHandler = self._starter(handler.start, root)
        parser.EndElementHandler = self._ender(handler.end)
        parser.CharacterDataHandler = handler.text
        parser.EntityDeclHandler = self._refuse_entity
        parser.SkippedEntityHandler = self._refuse_skipped
        n_fed = 0
        try:
            for chunk in self._legal_chunks():
                parser.Parse(chunk, False)
                n_fed += len(chunk)
                if n_fed - max(parser.CurrentByteIndex, 0) > MAX_UNIT_CHARACTERS:
                    self.refuse(f"a tag or comment of more than {MAX_UNIT_CHARACTERS} bytes")
                yield from handler.units
                handler.units.clear()
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, str(error))
            is_control = "invalid character number" in reason or "invalid token" in reason
            hint = "; --lenient reads the file without control characters" if is_control else ""
            raise DataError(
                f"{self._path}:{error.lineno}: not well-formed XML: {reason} (column {error.offset + 1}){hint}"
            ) from None
        yield from handler.units

    def _starter(
        self, start: Callable[[str, dict[str, str]], None], root: str
    ) -> Callable[[str, dict[str, str]], None]:
        def take(name: str, attributes: dict[str, str]) -> None:
            name = _local(name)
            if not self._depth and name != root:
                self.refuse(f"expected <{root}> as the root of a {root.upper()} file, found <{name[:60]}>")
            self._depth += 1
            if self._depth > MAX_DEPTH:
                self.refuse(f"elements are nested more than {MAX_DEPTH} deep")
            start(name, attributes)

        return take

    def _ender(self, end: Callable[[str], None]) -> Callable[[str], None]:
        def take(name: str) -> None:
            self._depth -= 1
            end(_local(name))

        return take

    def _legal_chunks(self) -> Iterator[bytes]:
        """The chunks, without control characters if the report is lenient."""
        if not self._report.lenient:
            yield from self._chunks
            return
        line, held = 1, b""
        for chunk in self._chunks:
            data = held + chunk
            cut = data.rfind(b"&", max(0, len(data) - _LONGEST_REFERENCE))
            held = data[cut:] if cut >= 0 and b";" not in data[cut:] else b""
            data = data[: len(data) - len(held)]
            if b"\0" in data[:64] and not self._mark:  # UTF-16 without a mark
                yield data
                continue
            yield _REFERENCE.sub(self._left_out(line, data), data)
            line += data.count(b"\n")
        yield held

    def _left_out(self, first_line: int, data: bytes) -> Callable[[re.Match[bytes]], bytes]:
        def replace(found: re.Match[bytes]) -> bytes:
            hexadecimal, decimal, _ = found.groups()
            code = int(hexadecimal, 16) if hexadecimal else int(decimal) if decimal else found[0][0]
            if code in (9, 10, 13) or (code >= 32 and not 0xD800 <= code <= 0xDFFF and code < 0xFFFE):
                return found[0]
            if 0x10000 <= code <= 0x10FFFF:
                return found[0]
            line = first_line + data.count(b"\n", 0, found.start())
            self._report.malformed(self._path, line, f"the control character U+{code:04X} was left out")
            return b" "

        return replace

    def _refuse_entity(self, name: str, *_: object) -> None:
        self.refuse(
            f"the file declares the entity {name[:60]!r}: "
            "translations need no entities, and opticlir expands or fetches none"
        )

    def _refuse_skipped(self, name: str, *_: object) -> None:
        self.refuse(f"unknown entity &{name[:60]};: opticlir fetches nothing to resolve it")


class Segment:
    """The text of a segment with markup inside.

    Codes of the original document are no text, except for text inside them (`<sub>`). A line break or a placeholder
    between two words separates them. The begin or end of bold does not.
    """

    _BLOCK = re.compile(r"<\s*/?\s*(?:br|p|div|li|td|th|tr|h[1-6])\b", re.IGNORECASE)

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._codes: list[tuple[bool, list[str]]] = []  # open codes: whether they separate, and their content
        self._n_sub = 0
        self.n_characters = 0

    def open_code(self, *, separates: bool) -> None:
        """Begin a code."""
        self._codes.append((separates, []))

    def close_code(self) -> None:
        """End a code."""
        separates, content = self._codes.pop()
        if separates or self._BLOCK.search("".join(content)):
            self._parts.append(_GAP)

    def open_sub(self) -> None:
        """Begin text inside a code."""
        self._n_sub += 1
        self._parts.append(_GAP)

    def close_sub(self) -> None:
        """End text inside a code."""
        self._n_sub -= 1
        self._parts.append(_GAP)

    def add(self, text: str) -> None:
        """Take text, or the content of a code."""
        self.n_characters += len(text)
        if len(self._codes) > self._n_sub:
            self._codes[-1][1].append(text)
        else:
            self._parts.append(text)

    def __str__(self) -> str:
        """The text."""
        return _GAP_BETWEEN_WORDS.sub(" ", "".join(self._parts)).replace(_GAP, "")


_GAP = "\ufdd0"  # a code point that is reserved for such marks, and never text
_GAP_BETWEEN_WORDS = re.compile(rf"(?<=[^\s{_GAP}]){_GAP}+(?=[\w(«“\"'])")


def _local(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]
