"""Several languages in one student: how often each is drawn."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from opticlir.data import PairTable
from opticlir.errors import DataError
from opticlir.records import SentencePair


def balanced(pairs: Mapping[str, Sequence[SentencePair]], exponent: float) -> PairTable:
    """Weigh the pairs of several languages: the share of each is its size to a power.

    Args:
        pairs: by language, at least one each. A pair of weight 3 counts as three pairs.
        exponent: 1 leaves the shares as they are, 0 makes them equal.

    Returns:
        All pairs with their language, one language after the other. The largest language keeps its weights; those
        of the others grow.

    Raises:
        DataError: a language has no pair.

    Example:
        >>> small, large = [SentencePair("a", "b")], [SentencePair("c", "d")] * 4
        >>> [pair.weight for pair in balanced({"hau": small, "yor": large}, exponent=0.5)]
        [2.0, 1.0, 1.0, 1.0, 1.0]

    Reference:
        Conneau and Lample 2019 (arXiv 1901.07291), section 3.1, exponent .5; Conneau et al. 2020, .3.
    """
    sizes = {language: math.fsum(pair.weight for pair in found) for language, found in pairs.items()}
    if empty := sorted(language for language, size in sizes.items() if not size):
        raise DataError(f"the bitext of {', '.join(empty)} holds no sentence pair")
    most = max(sizes.values(), default=1.0)
    return PairTable(
        replace(pair, weight=pair.weight * (sizes[language] / most) ** (exponent - 1), language=language)
        for language, found in pairs.items()
        for pair in found
    )
