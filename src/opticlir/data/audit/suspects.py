"""Finds pairs that should not be learned from, each with the reason."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from opticlir.data.audit.damage import MOJIBAKE, damage_of
from opticlir.data.audit.lengths import LengthRatios, is_outlier
from opticlir.data.audit.misalignment import Block, check_alignment, unmatched_pairs
from opticlir.data.bitext import PairTable
from opticlir.records import SentencePair

_BLOCK_PAIRS = 20_000


def without_suspects(pairs: PairTable) -> tuple[PairTable, Counter[str]]:
    """Leave out the pairs that are hardly translations.

    These are pairs without matching words, and pairs in stretches that are shifted by a line. Pairs of unusual
    length ratio, with equal sides, or with mojibake are others. Each is judged with the 20,000 pairs around it.

    Args:
        pairs: the pairs of one language, in the order of their files.

    Returns:
        The pairs that remain, and the number of the others by reason.
    """
    kept: list[int] = []
    counts: Counter[str] = Counter()
    usual = _usual_lengths(pairs)
    for start in range(0, len(pairs), _BLOCK_PAIRS):
        block = [pairs[at] for at in range(start, min(start + _BLOCK_PAIRS, len(pairs)))]
        for at, reason in enumerate(suspect_reasons(block, usual)):
            if reason is None:
                kept.append(start + at)
            else:
                counts[reason] += 1
    return pairs.take(np.asarray(kept, dtype=np.int64)), counts


def suspect_reasons(pairs: Sequence[SentencePair], usual: tuple[int, int] | None = None) -> list[str | None]:
    """Return why each pair is suspect; None if it is not.

    Args:
        pairs: consecutive pairs of one language.
        usual: the normal length ratios, as `LengthRatios.usual` gives them; None learns them from `pairs`.
    """
    usual = usual or _usual_lengths(pairs)
    reasons: list[str | None] = [None] * len(pairs)
    block = Block("", 1, tuple(pairs))
    for at in unmatched_pairs([block]):
        reasons[at] = "in which no words match"
    if alignment := check_alignment([block]):
        for stretch in alignment.stretches:
            for number in range(stretch.first_pair, stretch.last_pair + 1):
                reasons[number - 1] = "in a shifted stretch"
    for at, pair in enumerate(pairs):
        if is_outlier(pair, usual):
            reasons[at] = "of unusual length ratio"
        elif pair.english.casefold() == pair.foreign.casefold():
            reasons[at] = "with equal sides"
        elif MOJIBAKE in (damage_of(pair.english), damage_of(pair.foreign)):
            reasons[at] = "with mojibake"
    return reasons


def _usual_lengths(pairs: Sequence[SentencePair]) -> tuple[int, int]:
    ratios = LengthRatios()
    for pair in pairs:
        ratios.add(pair)
    return ratios.usual()
