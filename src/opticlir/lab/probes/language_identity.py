"""How much of its language a sentence vector tells: the accuracy of a linear probe.

A space in which search across languages is even-handed gives no language away: then a classifier does no better
than by chance. A high accuracy does not by itself harm search, as long as what tells the language lies across
what tells the meaning; hence it is read beside the measures of `geometry`.

Reference: Alain and Bengio, Understanding intermediate layers using linear classifier probes, ICLR 2017 workshop.
Libovicky, Rosa and Fraser, On the language neutrality of pre-trained multilingual representations, Findings of
EMNLP 2020, section 3 (language identification).
"""

import warnings

import numpy as np
import numpy.typing as npt
from jaxtyping import Float

Told = npt.NDArray[np.bool_]
"""Whether a sentence is taken for one of the foreign language."""

_MOST_ITERATIONS = 50  # a probe that is stopped early is a probe all the same
_SEED = 0


def language_identity(
    foreign: Float[np.ndarray, "sentences dim"],
    english: Float[np.ndarray, "translations dim"],
    *,
    n_folds: int = 5,
) -> float:
    """Share of held-out sentences whose language a logistic regression tells; .5 is chance.

    The folds divide the sentence pairs, from a fixed seed: no sentence is told by its own translation.

    Args:
        foreign: (sentences, dim) vectors.
        english: (sentences, dim) vectors, the translations in the same order.
        n_folds: parts of the pairs, each held out once; as many as pairs where there are fewer.

    Returns:
        0 to 1; mean over all sentences of both languages.

    Raises:
        ValueError: the sides differ in shape, there are fewer than 2 sentences, or fewer than 2 folds.

    Example:
        >>> language_identity(np.array([[1.0, 0.0], [1.0, 0.1]]), np.array([[-1.0, 0.0], [-1.0, 0.1]]))
        1.0
    """
    if foreign.shape != english.shape:
        raise ValueError(f"foreign is {foreign.shape} but english is {english.shape}: expected one shape")
    if len(foreign) < 2 or n_folds < 2:
        raise ValueError(f"{len(foreign)} sentences in {n_folds} folds: a probe needs 2 or more of each")
    fold_of = np.random.default_rng(_SEED).permutation(len(foreign)) % min(n_folds, len(foreign))
    n_right = 0
    for fold in range(int(fold_of.max()) + 1):
        held_out = fold_of == fold
        told = _probe(
            foreign[~held_out], english[~held_out], np.concatenate([foreign[held_out], english[held_out]])
        )
        n_right += int((told == _labels(int(held_out.sum()))).sum())
    return n_right / (2 * len(foreign))


def _probe(
    foreign: Float[np.ndarray, "known dim"],
    english: Float[np.ndarray, "known dim"],
    asked: Float[np.ndarray, "asked dim"],
) -> Told:
    """(asked,), what a probe that knows some pairs says of other sentences."""
    # imported here: they take a second, and most commands ask no probe
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_MOST_ITERATIONS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        probe.fit(np.concatenate([foreign, english]), _labels(len(foreign)))
    told: Told = probe.predict(asked)
    return told


def _labels(n: int) -> Told:
    return np.repeat([True, False], n)
