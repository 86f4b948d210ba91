"""Compares translations with human translations: BLEU and chrF."""

from collections.abc import Sequence


def agreement(translations: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Return BLEU and chrF of a set of translations, 0 to 100, without case. Empty if sacrebleu is not installed.

    Reference:
        Papineni et al. 2002; Popović 2015; computed by sacrebleu (Post 2018).
    """
    try:
        from sacrebleu import BLEU, CHRF  # noqa: PLC0415 - an optional extra
    except ImportError:
        return {}
    sides = list(translations), [list(references)]
    return {
        "BLEU": BLEU(lowercase=True).corpus_score(*sides).score,
        "chrF": CHRF(lowercase=True).corpus_score(*sides).score,
    }
