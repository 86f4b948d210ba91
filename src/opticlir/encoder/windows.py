"""Cuts a text that is longer than an encoder reads into windows of its tokens."""

from bisect import bisect_left
from collections.abc import Iterator
from sys import maxsize
from typing import NamedTuple

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder.lengths import tokens_read
from opticlir.encoder.routes import transformer_of
from opticlir.errors import SettingsError

_BLOCK = 2**17
"""Letters that are tokenised at a time, so that memory does not grow with a text."""
_LONGEST_WORD = 64
"""Letters to look back for the beginning of a word."""
_LEAST_SPACE = 8
"""Tokens of text that a window must hold at least."""


class Window(NamedTuple):
    """Letters of a text that are encoded together: those before `head`, and those from `start` up to `end`."""

    head: int
    start: int
    end: int

    def of(self, text: str) -> str:
        """The letters."""
        return text[: self.head] + text[self.start : self.end]

    def place(self, letter: int) -> int:
        """The place in the text of a letter of the window."""
        return letter if letter < self.head else letter - self.head + self.start


WHOLE = Window(0, 0, maxsize)
"""All of a text, however long it is."""


class Windows:
    """Cuts texts into windows for the document route of a model.

    A window has at most `size` tokens and begins at a word. All but the first repeat the head of the text, such as a
    title, unless it takes more than half of a window.

    Args:
        model: any encoder, with routes or without.
        size: tokens of a window, with prompt and special tokens; None takes what the model reads.
        stride: tokens from the start of a window to the start of the next; None takes half of the size. 0 makes one
            window of a text, and leaves the rest out.

    Raises:
        SettingsError: the model reads less than `size`, a window has no space for a text, or the stride is
            longer than a window.
    """

    def __init__(self, model: MultiVectorEncoder, size: int | None = None, stride: int | None = None) -> None:
        self._tokenizer = transformer_of(model, "document").tokenizer
        self._prompt = model.prompts.get("document") or ""
        longest = tokens_read(model, "document")
        self.size = longest if size is None else size
        self._space = self.size - self._count("")
        self.stride = self.size // 2 if stride is None else stride
        if self.size > longest:
            raise SettingsError(
                f"the window is {self.size} tokens, but the model reads {longest} of a document: "
                f"give {longest} or less"
            )
        if self._space < _LEAST_SPACE:
            least = self._count("") + _LEAST_SPACE
            raise SettingsError(f"the window is {self.size} tokens: give {least} or more")
        if not 0 <= self.stride <= self.size:
            raise SettingsError(
                f"the stride is {self.stride} tokens and the window {self.size}: a stride longer than the window "
                f"would lose text; give {self.size} or less, or 0 for the first window only"
            )

    def cut(self, text: str, head: int = 0) -> Iterator[Window]:
        """Yield the windows of a text: `WHOLE` where it fits.

        Args:
            text: any length; it is tokenised block by block.
            head: letters at the beginning that later windows repeat.
        """
        if len(text) <= _BLOCK and self._count(text) <= self.size:
            yield WHOLE
        elif self.stride == 0:
            yield next(self._windows(text, 0))
        else:
            yield from self._windows(text, head if self._count(text[:head]) <= self.size // 2 else 0)

    def _windows(self, text: str, head: int) -> Iterator[Window]:
        begin = 0
        repeated = self._count(text[:head]) - self._count("")
        while begin < len(text):
            block_end = min(begin + _BLOCK, len(text))
            spans = self._spans(text[begin:block_end], begin)
            starts = [start for start, _ in spans]
            first = begin
            while True:
                number = bisect_left(starts, begin)
                space = self._space - (repeated if begin else 0)
                if len(spans) - number <= space:
                    break
                end = _gap(text, spans[number + space - 1][1], begin)
                yield from self._fitting(text, Window(head if begin else 0, begin, end))
                following = spans[min(number + self.stride, len(spans) - 1)][0]
                begin = max(begin + 1, min(end, _gap(text, following, begin)))
            if block_end == len(text) or begin == first:  # the last window, or a block of little but blanks
                yield from self._fitting(text, Window(head if begin else 0, begin, block_end))
                begin = block_end

    def _fitting(self, text: str, window: Window) -> Iterator[Window]:
        """Yield the window, in two parts if it has more tokens alone than it had in the text."""
        if self._count(window.of(text)) <= self.size or window.end - window.start < 2:
            yield window
            return
        middle = _gap(text, (window.start + window.end) // 2, window.start)
        yield from self._fitting(text, window._replace(end=middle))
        yield from self._fitting(text, window._replace(start=middle))

    def _count(self, text: str) -> int:
        """Tokens, with prompt and special tokens."""
        return len(self._tokenizer(f"{self._prompt}{text}", verbose=False)["input_ids"])

    def _spans(self, text: str, begin: int) -> list[tuple[int, int]]:
        """Where the tokens of a part of the text begin and end in all of it."""
        found = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        return [(begin + start, begin + end) for start, end in found["offset_mapping"] if end > start]


def _gap(text: str, letter: int, lowest: int) -> int:
    """The nearest gap between words before a letter, above `lowest`; the letter itself where there is none."""
    for place in range(letter, max(lowest, letter - _LONGEST_WORD), -1):
        if place == len(text) or text[place - 1 : place + 1] != text[place - 1 : place + 1].strip():
            return place
    return letter
