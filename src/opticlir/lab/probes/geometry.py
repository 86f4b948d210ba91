"""The geometry of a cross-lingual space: are translations close, and are other sentences spread out?

Each sentence is one unit vector, the normalised mean of its tokens. Row i of the foreign side translates row i of the
English side. If a space collapses, all sentences are close to each other, and translations are too. So read each
measure of closeness together with a measure of spread.

Reference: Wang and Isola, Understanding contrastive representation learning through alignment and
uniformity on the hypersphere, ICML 2020. Gao, Yao and Chen, SimCSE, EMNLP 2021, section 3. Conneau et al.,
Word translation without parallel data, ICLR 2018, section 2.3 (CSLS).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from sentence_transformers import MultiVectorEncoder

from opticlir import encoder
from opticlir.lab.probes.csls import blocks, mean_of_nearest
from opticlir.lab.probes.language_identity import language_identity
from opticlir.records import SentencePair

Vectors: TypeAlias = Float[np.ndarray, "sentences dim"]


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """All measures of this module, for one bitext."""

    alignment: float
    """Mean squared distance of translations, 0 to 4; lower is closer."""
    uniformity_english: float
    """Within English, -8 to 0; lower is more spread out."""
    uniformity_foreign: float
    """Within the foreign language."""
    uniformity_cross: float
    """Between a foreign sentence and the English side of the other pairs."""
    cosine_pairs: float
    """Mean cosine of translations."""
    cosine_random: float
    """Mean cosine of a foreign sentence and the English side of another pair."""
    csls_to_english: float
    """Share of foreign sentences whose translation is their nearest by CSLS."""
    csls_from_english: float
    """Share of English sentences, likewise."""
    language_identity: float | None = None
    """Share of sentences whose language a linear probe finds; None without a probe."""

    @property
    def cosine_margin(self) -> float:
        """Cosine of translations minus cosine of random pairs. It is small if all vectors are in a narrow cone."""
        return self.cosine_pairs - self.cosine_random


def measure_geometry(
    foreign: Vectors, english: Float[np.ndarray, "translations dim"], *, k: int = 10, is_probed: bool = False
) -> Geometry:
    """Measure the space of two parallel sides.

    Args:
        foreign: (sentences, dim) unit rows.
        english: (sentences, dim) unit rows, the translations in the same order.
        k: neighbours for CSLS; all if there are fewer sentences.
        is_probed: whether to train a probe that distinguishes the languages.

    Raises:
        ValueError: the sides differ in shape, there are fewer than 2 sentences, or a row is not of unit length.
    """
    _check(foreign, english)
    return Geometry(
        alignment=alignment(foreign, english),
        uniformity_english=uniformity(english),
        uniformity_foreign=uniformity(foreign),
        uniformity_cross=cross_uniformity(foreign, english),
        cosine_pairs=float(np.einsum("ij,ij->i", foreign, english).mean()),
        cosine_random=_mean_cosine_of_others(foreign, english),
        csls_to_english=csls_accuracy(foreign, english, k=k),
        csls_from_english=csls_accuracy(english, foreign, k=k),
        language_identity=language_identity(foreign, english) if is_probed else None,
    )


def sentence_vectors(matrices: Iterable[Float[np.ndarray, "_ dim"]]) -> Vectors:
    """Return one unit vector per sentence: the normalised mean of its tokens, in float64.

    Raises:
        ValueError: a sentence has no token, or the mean of its tokens is 0.

    Example:
        >>> sentence_vectors([np.array([[1.0, 0.0], [0.0, 1.0]])]).round(3).tolist()
        [[0.707, 0.707]]
    """
    means = []
    for number, tokens in enumerate(matrices):
        mean = tokens.astype(np.float64).mean(axis=0) if len(tokens) else np.zeros(1)
        if not (length := float(np.linalg.norm(mean))) > 0:
            raise ValueError(f"sentence {number} has no direction: it has no token, or their mean is 0")
        means.append(mean / length)
    return np.array(means)


def alignment(foreign: Vectors, english: Vectors) -> float:
    """Mean squared distance of translations: E ||f(x) - f(y)||^2 (Wang and Isola, section 4.1, alpha 2).

    Example:
        >>> alignment(np.eye(2), np.eye(2)[::-1])
        2.0
    """
    return float(np.square(foreign - english).sum(axis=1).mean())


def uniformity(vectors: Vectors) -> float:
    """Spread within a language: log E exp(-2 ||f(x) - f(y)||^2) over pairs (Wang and Isola, section 4.1).

    Pairs of a sentence with itself do not count: their distance is always 0.

    Example:
        >>> round(uniformity(np.array([[1.0, 0.0], [-1.0, 0.0]])), 6)  # opposite: as far apart as can be
        -8.0
    """
    return _log_mean_potential(vectors, vectors)


def cross_uniformity(foreign: Vectors, english: Vectors) -> float:
    """The same between the languages: log E exp(-2 ||f(x_i) - f(y_j)||^2) over i other than j."""
    return _log_mean_potential(foreign, english)


def csls_accuracy(queries: Vectors, candidates: Vectors, *, k: int = 10) -> float:
    """Share of queries whose translation is the nearest candidate by CSLS.

    CSLS corrects for hubs (`opticlir.lab.probes.csls`). A translation that is as near as another candidate does not
    count.

    Args:
        queries: (sentences, dim) unit rows.
        candidates: (sentences, dim) unit rows, the translations in the same order.
        k: neighbours; all if there are fewer.

    Raises:
        ValueError: `k` is below 1.

    Example:
        >>> csls_accuracy(np.eye(3), np.eye(3), k=2)
        1.0
    """
    hubness = mean_of_nearest(candidates, queries, k=k)
    n_right = 0
    for first, rows in blocks(queries):
        # r(x) is the same for every candidate of a query, so it does not change which is nearest
        scores = 2.0 * rows @ candidates.T - hubness
        at = np.arange(len(rows))
        right = scores[at, first + at].copy()
        scores[at, first + at] = -np.inf
        n_right += int((right > scores.max(axis=1)).sum())
    return n_right / len(queries)


def _log_mean_potential(left: Vectors, right: Vectors) -> float:
    total = 0.0
    for first, rows in blocks(left):
        potential = np.exp(4.0 * (rows @ right.T) - 4.0)  # ||x - y||^2 is 2 - 2 cos of unit vectors
        at = np.arange(len(rows))
        potential[at, first + at] = 0.0  # a sentence and its own translation do not count
        total += float(potential.sum())
    return float(np.log(total / (len(left) * (len(left) - 1))))


def _mean_cosine_of_others(foreign: Vectors, english: Vectors) -> float:
    """Return the mean cosine of all pairs that are not translations. The sum of all cosines is one product."""
    every = float(foreign.sum(axis=0) @ english.sum(axis=0))
    pairs = float(np.einsum("ij,ij->", foreign, english))
    return (every - pairs) / (len(foreign) * (len(foreign) - 1))


def _check(foreign: Vectors, english: Float[np.ndarray, "translations dim"]) -> None:
    if foreign.shape != english.shape:
        raise ValueError(f"foreign is {foreign.shape} but english is {english.shape}: expected one shape")
    if len(foreign) < 2:
        raise ValueError(f"geometry needs 2 sentences or more, found {len(foreign)}")
    for name, vectors in (("foreign", foreign), ("english", english)):
        lengths = np.linalg.norm(vectors, axis=1)
        if not np.allclose(lengths, 1.0, atol=1e-4):  # also NaN
            row = int(np.flatnonzero(~np.isclose(lengths, 1.0, atol=1e-4))[0])
            raise ValueError(f"row {row} of {name} has length {lengths[row]}: expected 1")


@dataclass(frozen=True, kw_only=True)
class ModelGeometry:
    """The vector space of a model, and those of its layers."""

    whole: Geometry
    layers: tuple[Geometry, ...] = ()
    """The word embeddings first; empty if the layers were not measured."""


def model_geometry(
    model: MultiVectorEncoder, pairs: Sequence[SentencePair], *, layers: bool = False
) -> ModelGeometry:
    """Measure the space of a model on sentence pairs that it was not trained on.

    Args:
        model: its query route encodes the foreign side, its document route the English side.
        pairs: 2 or more.
        layers: also compare every layer of the query encoder with the same layer of the document encoder.

    Raises:
        ValueError: a sentence has no direction, or the two encoders differ in the number or width of their layers.
    """
    foreign, english = [pair.foreign for pair in pairs], [pair.english for pair in pairs]
    sides = encoder.encode_queries(model, foreign), encoder.encode_documents(model, english)
    whole = measure_geometry(*map(sentence_vectors, sides), is_probed=True)
    if not layers:
        return ModelGeometry(whole=whole)
    students = encoder.layer_vectors(model, foreign, "query")
    teachers = encoder.layer_vectors(model, english, "document")
    if students.shape != teachers.shape:
        sizes = " and ".join(f"{len(each)} layers of {each.shape[2]}" for each in (students, teachers))
        raise ValueError(
            f"the query and the document encoder have {sizes} dimensions: only encoders of the same shape can be "
            "compared layer by layer; leave the layers out"
        )
    each = tuple(measure_geometry(*both) for both in zip(students, teachers, strict=True))
    return ModelGeometry(whole=whole, layers=each)


def drawn_pairs(pairs: Iterable[SentencePair], n_pairs: int, seed: int = 0) -> list[SentencePair]:
    """Draw different sentence pairs without replacement, and keep their order.

    Args:
        pairs: equal ones count once.
        n_pairs: how many; all if there are fewer.
        seed: of the draw.
    """
    found = list(dict.fromkeys(pairs))
    if len(found) <= n_pairs:
        return found
    chosen = np.random.default_rng(seed).choice(len(found), size=n_pairs, replace=False)
    return [found[number] for number in sorted(chosen.tolist())]
