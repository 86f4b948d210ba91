"""A dictionary out of transport plans: which English word the mass of each foreign word goes to."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir import transport
from opticlir.encoder import EncodedWords, encode_words
from opticlir.lab.training.guided import any_plan
from opticlir.records import SentencePair
from opticlir.training.batches import pad_tokens
from opticlir.training.objectives import TransportConfig

_MOST_PAIRS = 5_000  # thinned evenly; each is encoded by both encoders
_BATCH_SIZE = 64
_LEAST_SHARE = 0.3  # a word whose mass is spread more thinly has no one meaning


def dictionary_from_plan(
    student: MultiVectorEncoder,
    teacher: MultiVectorEncoder,
    pairs: Sequence[SentencePair],
    config: TransportConfig,
) -> list[tuple[str, str]]:
    """English and foreign words that the transport plan of the current student aligns.

    Of each sentence pair the tokens are aligned by a plan with all tokens alike; the mass that goes from the
    pieces of a foreign word to those of an English one is collected over the bitext. A foreign word has one entry,
    the English word that gets most of its mass, or none where that is less than .3 of it.

    Args:
        student: encodes the foreign side by its query route.
        teacher: encodes the English side likewise.
        pairs: bitext; of more than 5,000 pairs some are left out, evenly.
        config: the solver.

    Returns:
        Entries in the order of the foreign words, as both tokenizers write them, in small letters.
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
    """(foreign words, English words) of each pair: the share of each foreign word's mass that goes there."""
    if not sides:
        return []
    foreign, foreign_mask = pad_tokens([side.tokens for side, _ in sides])
    english, english_mask = pad_tokens([side.tokens for _, side in sides])
    plans = any_plan(
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
