"""Code-switching: foreign sentences with some of their words in English, as a dictionary has them.

Litschko et al. 2023 (arXiv 2305.05295) put words of other languages into English training data, since that
is what they have; bitext has the foreign sentence, so here English words go into it. What the student is to
say of it stays the same: the teacher's tokens of the English side. Where an English word is not put in the
place of a foreign one but mixed with it, see opticlir.lab.training.mixup.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from tokenizers import Tokenizer

from opticlir.encoder import split_words, word_places
from opticlir.settings import POSITIVE, Range, check_ranges, setting

SOURCES = ("none", "plan", "embeddings", "dictionary")

_LONGEST = 4  # words of an entry
_DRAW = 2  # tells this draw from those of the batches
_RATE = Range("above 0, at most 1", lambda value: 0 < value <= 1)


@dataclass(frozen=True, kw_only=True)
class CodeSwitchingConfig:
    """How many words of the foreign side are put into English; see docs/training.md."""

    source: str = setting(
        "none",
        "Where English words come from: `none`, a `dictionary`, the transport `plan` between the initialised student "
        "and the teacher, collected over the bitext, or that student's own word `embeddings`.",
    )
    rate: float = setting(
        0.3, "Share of the words with an entry that are replaced, from above 0 to 1.", _RATE
    )
    mixup_alpha: float | None = setting(
        None,
        "Mix the embedding of a word with that of the English one, instead of replacing it: the share is drawn from "
        "Beta(alpha, alpha). 1 draws all shares alike, near 0 they are nearly 0 or 1.",
        POSITIVE,
    )
    dictionary: str | None = setting(
        None, "File of English and foreign entries, as `opticlir lab translate --dictionary` reads it."
    )

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ValueError(
                f"code_switching source is {self.source!r}: expected {' or '.join(map(repr, SOURCES))}"
            )
        check_ranges(self)
        if self.mixup_alpha is not None:
            self._check_mixup(self.mixup_alpha)
        if (self.source == "dictionary") != (self.dictionary is not None):
            raise ValueError(
                f"source is {self.source!r} and dictionary is {self.dictionary!r}: a file goes with "
                "source = 'dictionary', and with no other"
            )

    def _check_mixup(self, alpha: float) -> None:
        if self.source == "none":
            others = " or ".join(repr(source) for source in SOURCES if source != "none")
            raise ValueError(
                f"mixup_alpha is {alpha} and source is 'none': there is no English word to mix with, give source = "
                f"{others}"
            )


@dataclass(frozen=True, slots=True)
class Replacement:
    """An English entry for some words of a sentence."""

    start: int
    """Where the first word begins."""
    end: int
    """Where the last one ends."""
    english: str


class Lexicon:
    """English entries by foreign words, which are compared as the student's tokenizer sees them.

    Args:
        entries: English and foreign side of each.
        tokenizer: the student's: its normaliser decides about case and diacritics.

    Example:
        >>> from tokenizers import models
        >>> lexicon = Lexicon([("clean water", "maji safi")], Tokenizer(models.WordLevel()))
        >>> lexicon.switched("Chemsha maji safi.", 1.0, np.random.default_rng(0))
        'Chemsha clean water.'
    """

    def __init__(self, entries: Iterable[tuple[str, str]], tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._meanings: dict[tuple[str, ...], list[str]] = {}
        for english, foreign in entries:
            key = tuple(word.casefold() for word in split_words(tokenizer, foreign))
            if 0 < len(key) <= _LONGEST:
                self._meanings.setdefault(key, []).append(english)

    def __len__(self) -> int:
        return len(self._meanings)

    def english(self) -> list[str]:
        """Every English side, once, in alphabetical order."""
        return sorted({english for meanings in self._meanings.values() for english in meanings})

    def drawn(self, text: str, rate: float, random: np.random.Generator) -> Iterator[Replacement]:
        """Choose words that have an entry, the longest entry at each place, at random.

        Args:
            text: a foreign sentence.
            rate: probability of each.
            random: draws which, and one of several meanings, all alike.
        """
        words = word_places(self._tokenizer, text)
        at = 0
        while at < len(words):
            length = self._length_of_entry([word for word, _ in words[at : at + _LONGEST]])
            if length and random.random() < rate:
                meanings = self._meanings[tuple(word for word, _ in words[at : at + length])]
                start, end = words[at][1][0], words[at + length - 1][1][1]
                yield Replacement(start, end, meanings[random.integers(len(meanings))])
            at += max(1, length)

    def switched(self, text: str, rate: float, random: np.random.Generator) -> str:
        """The text with the English entries in place of the words that are drawn; the rest stays as it is written.

        Args:
            text: a foreign sentence.
            rate: probability of each.
            random: draws which.
        """
        parts, copied = [], 0
        for found in self.drawn(text, rate, random):
            parts += [text[copied : found.start], found.english]
            copied = found.end
        return "".join([*parts, text[copied:]])

    def knows_any(self, texts: Iterable[str]) -> bool:
        """Whether a word of the texts has an entry."""
        always = np.random.default_rng(0)
        return any(self.switched(text, 1.0, always) != text for text in texts)

    def _length_of_entry(self, words: Sequence[str]) -> int:
        lengths = range(len(words), 0, -1)
        return next((length for length in lengths if tuple(words[:length]) in self._meanings), 0)


class SwitchedTexts(Sequence[str]):
    """Foreign sentences with other words in English each epoch.

    What is drawn follows from seed, epoch and number of the sentence alone, so that a resumed run reads what it
    would have read.

    Args:
        texts: as they are written.
        lexicon: which words can be replaced.
        rate: probability of each.
        seed: of the run.
        epoch: the one being read.
    """

    def __init__(
        self, texts: Sequence[str], lexicon: Lexicon, *, rate: float, seed: int, epoch: Callable[[], int]
    ) -> None:
        self._texts, self._lexicon = texts, lexicon
        self._rate, self._seed, self._epoch = rate, seed, epoch

    def __len__(self) -> int:
        return len(self._texts)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        """A sentence, or several, as this epoch has them."""
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        random = generator_of(self._seed, self._epoch(), number)
        return self._lexicon.switched(self._texts[number], self._rate, random)


def generator_of(seed: int, epoch: int, number: int) -> np.random.Generator:
    """What draws for one sentence in one epoch: the same in every process, and in a run that is resumed."""
    return np.random.default_rng((seed, epoch, number, _DRAW))
