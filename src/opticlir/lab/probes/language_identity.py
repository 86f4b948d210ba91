"""Language identity: how well a linear probe finds the language of a sentence vector.

In a language-neutral space the probe is no better than chance. A high accuracy alone does not harm search, if the
directions of language are orthogonal to those of meaning. So compare it with the measures of `geometry`.

Reference: Alain and Bengio, Understanding intermediate layers using linear classifier probes, ICLR 2017 workshop.
Libovicky, Rosa and Fraser, On the language neutrality of pre-trained multilingual representations, Findings of
EMNLP 2020, section 3 (language identification).
"""

import warnings

import numpy as np
from jaxtyping import Float

_MOST_ITERATIONS = 50  # a probe that stops early is good enough
_SEED = 0


def language_identity(
    foreign: Float[np.ndarray, "sentences dim"],
    english: Float[np.ndarray, "translations dim"],
    *,
    n_folds: int = 5,
) -> float:
    """Accuracy of a logistic regression for the language of held-out sentences; .5 is chance.

    The folds divide the sentence pairs, from a fixed seed: a sentence and its translation are in the same fold.

    Args:
        foreign: (sentences, dim) vectors.
        english: (sentences, dim) vectors, the translations in the same order.
        n_folds: parts of the pairs, each held out once; at most the number of pairs.

    Returns:
        0 to 1; mean over all sentences of both languages.

    Raises:
        ValueError: the sides differ in shape, there are fewer than 2 sentences, or fewer than 2 folds.

    Example:
        >>> language_identity(np.array([[1.0, 0.0], [1.0, 0.1]]), np.array([[-1.0, 0.0], [-1.0, 0.1]]))
        1.0
    """
    # imported here: they take a second, and few commands need them
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.model_selection import PredefinedSplit, cross_val_predict  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    if foreign.shape != english.shape:
        raise ValueError(f"foreign is {foreign.shape} but english is {english.shape}: expected one shape")
    if len(foreign) < 2 or n_folds < 2:
        raise ValueError(f"{len(foreign)} sentences in {n_folds} folds: a probe needs 2 or more of each")
    fold_of = np.random.default_rng(_SEED).permutation(len(foreign)) % min(n_folds, len(foreign))
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=_MOST_ITERATIONS))
    is_foreign = np.repeat([True, False], len(foreign))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        predicted = cross_val_predict(
            probe, np.concatenate([foreign, english]), is_foreign, cv=PredefinedSplit(np.tile(fold_of, 2))
        )
    return float((predicted == is_foreign).mean())
