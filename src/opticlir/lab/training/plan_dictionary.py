"""Makes a dictionary from transport plans: the English word that gets most of the mass of a foreign word."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir import transport
from opticlir.encoder import EncodedWords, encode_words
from opticlir.records import SentencePair
from opticlir.training.batches import pad_tokens
from opticlir.training.objectives import TransportConfig, transport_plan

_MOST_PAIRS = 5_000  # both encoders encode each pair
_BATCH_SIZE = 64
_LEAST_SHARE = 0.3  # a word whose mass is spread more widely has no single meaning


def dictionary_from_plan(
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    pairs: Sequence[SentencePair],
    config: TransportConfig,
) -> list[tuple[str, str]]:
    """Return English and foreign words that the transport plan of the current student aligns.

    A plan with equal mass for all tokens aligns each sentence pair. The mass from the pieces of a foreign word to the
    pieces of an English word is added up over the bitext. The entry of a foreign word is the English word that gets
    most of its mass. A word has no entry if that is less than .3 of the mass.

    Args:
        student: its query route encodes the foreign side.
        teacher: its query route encodes the English side.
        pairs: bitext; 5,000 pairs at even distances if there are more.
        config: the solver.

    Returns:
        Entries in the order of the foreign words, in lower case, as both tokenizers write them.
    """
    if len(pairs) > _MOST_PAIRS:
        chosen = np.linspace(0, len(pairs) - 1, _MOST_PAIRS).astype(int).tolist()
        pairs = [pairs[number] for number in chosen]
    mass: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for start in range(0, len(pairs), _BATCH_SIZE):
        chunk = pairs[start : start + _BATCH_SIZE]
        sides = zip(
            encode_words(student, [pair.foreign for pair in chunk], "query"),
            encode_words(teacher, [pair.english for pair in chunk], "query"),
            strict=True,
        )
        whole = [
            (foreign, english) for foreign, english in sides if len(foreign.tokens) and len(english.tokens)
        ]
        for (foreign, english), moved in zip(whole, _moved(whole, config), strict=True):
            for row, column in np.argwhere(moved > 0).tolist():
                mass[foreign.words[row]][english.words[column]] += float(moved[row, column])
    return [
        (best, word)
        for word, shares in sorted(mass.items())
        if _has_letter(word)
        and _has_letter(best := max(sorted(shares), key=shares.__getitem__))
        and shares[best] >= _LEAST_SHARE * sum(shares.values())
    ]


def _moved(
    sides: Sequence[tuple[EncodedWords, EncodedWords]], config: TransportConfig
) -> list[npt.NDArray[np.float64]]:
    """Return for each pair (foreign words, English words): the share of the mass of a foreign word."""
    if not sides:
        return []
    foreign, foreign_mask = pad_tokens([side.tokens for side, _ in sides])
    english, english_mask = pad_tokens([side.tokens for _, side in sides])
    plans = transport_plan(
        transport.cosine_cost(foreign, english),
        transport.uniform(foreign_mask),
        transport.uniform(english_mask),
        config,
    ).double()
    found = []
    for (own, other), plan in zip(sides, plans, strict=True):
        words = transport.word_mass(
            plan[: len(own.word_of), : len(other.word_of)],
            torch.from_numpy(own.word_of),
            torch.from_numpy(other.word_of),
            n_source=len(own.words),
            n_target=len(other.words),
        ).numpy()
        found.append(words / np.maximum(words.sum(axis=1, keepdims=True), 1e-12))
    return found


def _has_letter(word: str) -> bool:
    return any(character.isalpha() for character in word)
