"""Which words of a sentence pair the transport plan brings together.

A plan moves the mass of the student's pieces to the teacher's. Summed over the pieces of each word it is a
soft alignment of words, of which links are taken by a rule. Beside it stands what needs no transport: pieces
that are each other's nearest by cosine.

Reference: Jalili Sabet et al., SimAlign, Findings of EMNLP 2020, section 2 (mutual argmax; words are linked
where any of their pieces are).
"""

from dataclasses import dataclass

import numpy as np
import torch

from opticlir import transport
from opticlir.encoder import EncodedWords
from opticlir.lab.probes.word_alignment import Links, mutual_argmax, shared_mass


@dataclass(frozen=True, kw_only=True)
class WordLinks:
    """The links of one sentence pair by each rule."""

    intersection: Links
    """Of the plan: of all words, each gets most of the other's mass."""
    threshold: Links
    """Of the plan: each gets at least a share of the other's mass; a word may have several links."""
    nearest: Links
    """Of the cosines, without transport: words that hold pieces that are each other's nearest."""


def link_words(foreign: EncodedWords, english: EncodedWords, *, threshold: float) -> WordLinks:
    """Link the words of a sentence pair by each rule.

    The plan is that of training: cosine cost, each piece with the same mass, proximal.

    Args:
        foreign: the student's side; a word without a vector gets no link.
        english: the teacher's side, likewise.
        threshold: share of the mass of either word, above 0 to 1, that makes a link.

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
