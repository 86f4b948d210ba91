"""Word links from the transport plan.

A plan moves the mass of the student's word pieces to the teacher's. Summed over the pieces of each word, it is a soft
word alignment, and a rule takes links from it. The rule without transport links pieces that are each other's nearest
by cosine.

Reference: Jalili Sabet et al., SimAlign, Findings of EMNLP 2020, section 2 (mutual argmax; words are linked
where any of their pieces are).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from sentence_transformers import MultiVectorEncoder

from opticlir import transport
from opticlir.encoder import EncodedWords, encode_words
from opticlir.lab.probes.gold_links import spaced_words
from opticlir.lab.probes.word_alignment import AlignmentScore, Links, mutual_argmax, score_links, shared_mass
from opticlir.progress import Progress, silent
from opticlir.records import GoldLinks, SentencePair

BATCH_SIZE = 64
"""Sentence pairs per batch."""


@dataclass(frozen=True, kw_only=True)
class WordLinks:
    """The links of one sentence pair by each rule."""

    intersection: Links
    """By the plan: each word gets most of the mass of the other."""
    threshold: Links
    """By the plan: each word gets at least a share of the mass of the other. A word may have several links."""
    nearest: Links
    """By cosine, without transport: words with pieces that are each other's nearest."""


def link_words(foreign: EncodedWords, english: EncodedWords, *, threshold: float) -> WordLinks:
    """Link the words of a sentence pair by each rule.

    The plan is that of training: cosine cost, each piece with the same mass, proximal.

    Args:
        foreign: the side of the student; a word without a vector gets no link.
        english: the side of the teacher, likewise.
        threshold: share of the mass of each word that makes a link, above 0, at most 1.

    Raises:
        ValueError: `threshold` is no such share, or a vector is not finite.
    """
    for name, side in (("foreign", foreign), ("English", english)):
        if not np.isfinite(side.tokens).all():
            raise ValueError(f"a vector of the {name} text {' '.join(side.words)!r} is not finite")
    if not len(foreign.tokens) or not len(english.tokens):
        return WordLinks(intersection=frozenset(), threshold=frozenset(), nearest=frozenset())
    cost = transport.cosine_cost(
        torch.from_numpy(foreign.tokens)[None], torch.from_numpy(english.tokens)[None]
    )
    source, target = (transport.uniform(torch.ones(1, length, dtype=torch.bool)) for length in cost.shape[1:])
    mass = transport.word_mass(
        transport.proximal_point(cost, source, target).plan[0].double(),
        torch.from_numpy(foreign.word_of),
        torch.from_numpy(english.word_of),
        n_source=len(foreign.words),
        n_target=len(english.words),
    ).numpy()
    nearest = mutual_argmax(-cost[0].double().numpy())
    return WordLinks(
        intersection=frozenset(link for link in mutual_argmax(mass) if mass[link] > 0),
        threshold=shared_mass(mass, threshold),
        nearest=frozenset(
            (int(foreign.word_of[row]), int(english.word_of[column])) for row, column in nearest
        ),
    )


@dataclass(frozen=True, kw_only=True)
class WordAlignment:
    """The word links of a model, scored against gold links."""

    scores: dict[str, AlignmentScore]
    """By rule: `intersection`, `threshold`, `nearest`."""
    n_without_vector: int
    """Words that no rule can link, because their texts are longer than the model reads."""


def score_word_alignment(
    model: MultiVectorEncoder,
    pairs: Sequence[SentencePair],
    gold: Sequence[GoldLinks],
    *,
    threshold: float = 0.3,
    progress: Progress = silent,
) -> WordAlignment:
    """Link the words of sentence pairs by each rule and score the links.

    Args:
        model: its query route encodes the foreign side, its document route the English side.
        pairs: sentences with spaces between the words.
        gold: the links of each pair.
        threshold: as in `link_words`.
        progress: called after each batch.

    Raises:
        ValueError: a vector is not finite, or no gold link is sure.
    """
    found: list[WordLinks] = []
    n_without = 0
    for start in range(0, len(pairs), BATCH_SIZE):
        progress("aligning", start, len(pairs))
        batch = pairs[start : start + BATCH_SIZE]
        foreign = encode_words(model, [pair.foreign for pair in batch], "query", places_of=spaced_words)
        english = encode_words(model, [pair.english for pair in batch], "document", places_of=spaced_words)
        n_without += sum(side.n_without_vector for side in (*foreign, *english))
        found += [link_words(*sides, threshold=threshold) for sides in zip(foreign, english, strict=True)]
    progress("aligning", len(pairs), len(pairs))
    scores = {
        rule.name: score_links(
            (getattr(each, rule.name), links) for each, links in zip(found, gold, strict=True)
        )
        for rule in fields(WordLinks)
    }
    return WordAlignment(scores=scores, n_without_vector=n_without)
