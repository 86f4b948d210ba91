"""Code-switching: replaces some words of the foreign sentences by English words of a dictionary.

The target stays the same: the teacher's tokens of the English side. Litschko et al. 2023 (arXiv 2305.05295) put words
of other languages into English training data. Bitext has the foreign sentence, so here English words go into it.
`opticlir.lab.training.mixup` mixes the embeddings of both words instead of replacing one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from tokenizers import Tokenizer

from opticlir.data.dictionaries import LONGEST_ENTRY, longest_entry
from opticlir.encoder import split_words, word_places
from opticlir.settings import POSITIVE, Range, check_ranges, setting

SOURCES = ("none", "plan", "embeddings", "dictionary")

_DRAW = 2  # part of the seed, so that this draw differs from those of the batches
_RATE = Range("above 0, at most 1", lambda value: 0 < value <= 1)


@dataclass(frozen=True, kw_only=True)
class CodeSwitchingConfig:
    """How many words of the foreign side become English; see docs/lab-training.md."""

    source: str = setting(
        "none",
        "Source of the English words: `none`, a `dictionary`, the transport `plan` between the initialised student and "
        "the teacher, collected over the bitext, or the word `embeddings` of that student.",
    )
    rate: float = setting(
        0.3, "Share of the words with an entry that are replaced, above 0, at most 1.", _RATE
    )
    mixup_alpha: float | None = setting(
        None,
        "Mix the embedding of a word with that of the English word, instead of replacing it. The share is drawn from "
        "Beta(alpha, alpha): with 1 all shares are equally probable, near 0 they are nearly 0 or 1.",
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
                f"source is {self.source!r} and dictionary is {self.dictionary!r}: give a file with "
                "source = 'dictionary', and only then"
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
    """Position where the first word begins."""
    end: int
    """Position where the last word ends."""
    english: str


class Lexicon:
    """English entries by foreign words.

    Args:
        entries: English and foreign side of each entry.
        tokenizer: tokenizer of the student; its normaliser decides about case and diacritics.

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
            if 0 < len(key) <= LONGEST_ENTRY:
                self._meanings.setdefault(key, []).append(english)

    def __len__(self) -> int:
        return len(self._meanings)

    def english(self) -> list[str]:
        """Return every English side once, in alphabetical order."""
        return sorted({english for meanings in self._meanings.values() for english in meanings})

    def drawn(self, text: str, rate: float, random: np.random.Generator) -> Iterator[Replacement]:
        """Draw words that have an entry. At each position, the longest entry counts.

        Args:
            text: a foreign sentence.
            rate: probability of each entry.
            random: draws the entries, and one of several meanings with equal probability.
        """
        words = word_places(self._tokenizer, text)
        at = 0
        while at < len(words):
            length = longest_entry([word for word, _ in words[at : at + LONGEST_ENTRY]], self._meanings)
            if length and random.random() < rate:
                meanings = self._meanings[tuple(word for word, _ in words[at : at + length])]
                start, end = words[at][1][0], words[at + length - 1][1][1]
                yield Replacement(start, end, meanings[random.integers(len(meanings))])
            at += max(1, length)

    def switched(self, text: str, rate: float, random: np.random.Generator) -> str:
        """Replace the words that are drawn by English entries. The rest of the text stays unchanged.

        Arguments as in `drawn`.
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


class SwitchedTexts(Sequence[str]):
    """Foreign sentences in which other words are English in each epoch.

    The draw depends only on seed, epoch and the number of the sentence, so a resumed run reads the same.

    Args:
        texts: the original sentences.
        lexicon: English words by foreign words.
        rate: probability of each entry.
        seed: seed of the run.
        epoch: returns the current epoch.
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
        """Return a sentence, or several, as in this epoch."""
        if isinstance(number, slice):
            return [self[each] for each in range(len(self))[number]]
        random = generator_of(self._seed, self._epoch(), number)
        return self._lexicon.switched(self._texts[number], self._rate, random)


def generator_of(seed: int, epoch: int, number: int) -> np.random.Generator:
    """Return the generator for one sentence in one epoch: equal in every process and in a resumed run."""
    return np.random.default_rng((seed, epoch, number, _DRAW))
