"""How a tokenizer handles a language: tokens per word, unknown tokens and lost characters."""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from opticlir.words import rough_words

_N_EXAMPLES = 10
_LONGEST = 60  # letters of an example
_GENERAL_MARKS = re.compile("[\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class LostCharacter:
    """A letter or mark that the normaliser of the tokenizer changes, apart from case."""

    character: str
    name: str
    becomes: str
    """Empty if the character is dropped."""
    count: int

    @property
    def is_mended(self) -> bool:
        """Whether a student keeps it: training removes no marks but the general ones (U+0300 to U+036F)."""
        return not _GENERAL_MARKS.search(unicodedata.normalize("NFD", self.character))

    def __str__(self) -> str:
        """The change for people. A mark is shown on a dotted circle."""
        is_mark = unicodedata.category(self.character).startswith("M")
        return f"{'◌' if is_mark else ''}{self.character} -> {self.becomes or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Tokenization:
    """Figures of a tokenizer on a sample of sentences."""

    n_sentences: int
    """Sentences in the sample."""
    tokens_per_word: float
    """Fertility: tokens per word of the foreign side; per character in scripts without spaces."""
    tokens_per_word_english: float
    unknown_rate: float
    """Share of tokens that are the unknown token."""
    unknown_words: list[tuple[str, int]]
    """The most frequent texts that become the unknown token, with their counts in the sample; long ones are cut."""
    lost_rate: float
    """Share of the letters and marks, over all pairs, that the normaliser changes or drops."""
    lost_characters: list[LostCharacter]
    """The most frequent ones."""


def measure_tokenization(
    tokenizer: Tokenizer, foreign: Sequence[str], english: Sequence[str], characters: Mapping[str, int]
) -> Tokenization:
    """Measure a tokenizer on a language.

    Args:
        tokenizer: tokenizer of the student; it is not changed.
        foreign: sample of foreign sentences, not empty.
        english: sample of English sentences, for comparison.
        characters: how often each character occurs on the foreign side of all pairs.

    Returns:
        The figures; special tokens are not counted.
    """
    plain = Tokenizer.from_str(tokenizer.to_str())  # a copy, without limits of length
    plain.no_truncation()
    plain.no_padding()
    unknown_id = _unknown_id(plain)
    n_tokens, unknown_words = 0, Counter[str]()
    for text, encoding in zip(
        foreign, plain.encode_batch(list(foreign), add_special_tokens=False), strict=True
    ):
        n_tokens += len(encoding.ids)
        for token_id, (begin, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if token_id == unknown_id:
                unknown_words[_beginning(text[begin:end])] += 1
    n_english = sum(
        len(encoding.ids) for encoding in plain.encode_batch(list(english), add_special_tokens=False)
    )
    lost = _lost_characters(plain, characters)
    n_letters = sum(count for character, count in characters.items() if _is_letter_or_mark(character))
    return Tokenization(
        n_sentences=len(foreign),
        tokens_per_word=n_tokens / max(1, _n_words(foreign)),
        tokens_per_word_english=n_english / max(1, _n_words(english)),
        unknown_rate=unknown_words.total() / max(1, n_tokens),
        unknown_words=sorted(unknown_words.items(), key=lambda item: (-item[1], item[0]))[:_N_EXAMPLES],
        lost_rate=sum(character.count for character in lost) / max(1, n_letters),
        lost_characters=lost[:_N_EXAMPLES],
    )


def _beginning(word: str) -> str:
    return word if len(word) <= _LONGEST else f"{word[:_LONGEST]}…"


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    model = json.loads(tokenizer.to_str())["model"]
    if model.get("unk_id") is not None:  # Unigram
        return int(model["unk_id"])
    token = model.get("unk_token")
    return None if token is None else tokenizer.token_to_id(token)


def _lost_characters(tokenizer: Tokenizer, characters: Mapping[str, int]) -> list[LostCharacter]:
    """Letters and marks that the normaliser changes, most frequent first."""
    if tokenizer.normalizer is None:
        return []
    lost = []
    for character, count in sorted(characters.items(), key=lambda item: (-item[1], item[0])):
        if not _is_letter_or_mark(character):
            continue
        # some normalisers put spaces around Han characters, or a symbol for a space before the text
        becomes = unicodedata.normalize("NFC", tokenizer.normalizer.normalize_str(character)).strip(" ▁")
        if becomes not in {character, character.lower()}:
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            lost.append(LostCharacter(character, name, becomes, count))
    return lost


def _is_letter_or_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _n_words(texts: Sequence[str]) -> int:
    return sum(len(rough_words(text)) for text in texts)
