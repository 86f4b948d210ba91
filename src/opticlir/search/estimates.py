"""Estimates of MaxSim: one vector for each passage, whose product with one vector of a question is about the score.

A token x becomes features: its own numbers, and how near it is to each of some hundred landmark tokens,
`exp(SHARPNESS * (x . landmark - 1))`. The score of a passage is a sum over question tokens. So a vector that gives the
best similarity of single tokens gives the score, as its product with the summed features. The vector comes from a
ridge regression: on fixed training tokens, the best similarity of each with a token of the passage. The regression has
a closed form, and that of a passage needs only the passage. Features are reduced to their leading principal
components, at unit variance, so that eight bits a number are enough.

The regression shrinks to the mean token of the passage, which alone is a fair estimate, and free. So few training
tokens are enough. The index knows no question when it is built: the training tokens come from its documents. Any
model whose vectors fit the index can ask.

Cost: a passage takes 2 * training tokens * its tokens * dim operations once, 514 bytes on disk, and 512 operations per
question.

Reference: LEMUR, arXiv 2601.21853; its features are learned, ours are not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Float64, Integer

from opticlir.maxsim import TokenRows, as_float32
from opticlir.search.arrays import damaged, read_array, write_array
from opticlir.storage import Checksum

WIDTH = 512
"""Numbers of an estimating vector."""
TRAINING, BASIS = "training.npy", "basis.npy"
ESTIMATOR_FILES = (TRAINING, BASIS)
_TOKENS, _LANDMARKS = 2048, 512
_SHARPNESS, _PENALTY = 1.0, 2.0
_CHUNK = 4096
"""Document tokens that are compared with the training tokens at a time, 64 MB."""


@dataclass(frozen=True)
class Estimator:
    """What the estimates of an index share.

    Args:
        training: (n, dim) float32 tokens, at least one; the first 512 of them are the landmarks.
        basis: (n_features + 1, WIDTH) float32: the principal components of the features; the last row is what the mean
            features become. Unused columns are 0.
    """

    training: np.ndarray
    basis: np.ndarray

    def of_tokens(self, tokens: Float[np.ndarray, "n dim"]) -> Float32[np.ndarray, "n width"]:
        """The reduced features of tokens."""
        return _features(tokens, self.training[:_LANDMARKS]) @ self.basis[:-1] - self.basis[-1]

    def of_query(self, query: Float32[np.ndarray, "m dim"]) -> Float32[np.ndarray, "1 width"]:
        """The vector of a question, in the space of the stored vectors; 0 if it has no tokens."""
        return self.of_tokens(query).sum(axis=0, keepdims=True, dtype=np.float32)

    def in_parts(
        self, tokens: TokenRows, offsets: Integer[np.ndarray, " n_offsets"]
    ) -> Iterator[Float32[np.ndarray, "n width"]]:
        """Yield the vectors of passages, some of them at a time.

        Args:
            tokens: (total, dim), all passages end to end.
            offsets: (n_passages + 1,), rising; passage i has the rows offsets[i] to offsets[i + 1], at least one.
        """
        for first, last in _groups(offsets):
            best = np.full((last - first, len(self.training)), -np.inf, np.float32)
            sums = np.zeros((last - first, tokens.shape[1]), np.float32)
            starts = offsets[first:last] - offsets[first]
            for low in range(int(offsets[first]), int(offsets[last]), _CHUNK):  # several of a long passage
                rows = as_float32(tokens[low : min(low + _CHUNK, int(offsets[last]))])
                np.maximum(best, np.maximum.reduceat(rows @ self.training.T, starts, axis=0), out=best)
                sums += np.add.reduceat(rows, starts, axis=0)
            means = sums / np.diff(offsets[first : last + 1])[:, None].astype(np.float32)
            yield best @ self._of_best + means @ self._of_mean

    @cached_property
    def _of_best(self) -> Float32[np.ndarray, "n width"]:
        """Turns the best similarities of the training tokens into a passage's vector."""
        features = self.of_tokens(self.training).astype(np.float64)
        penalty = _PENALTY * self._variances[self._variances > 0].mean()
        return (features * (self._variances / (self._variances + penalty)) / len(features)).astype(np.float32)

    @cached_property
    def _of_mean(self) -> Float32[np.ndarray, "dim width"]:
        """Turns the mean token of a passage into what is added: the vector that the regression shrinks to."""
        prior = self.basis[: self.training.shape[1]] * self._variances
        similarity = prior @ self.of_tokens(self.training).T
        return (prior - similarity @ self._of_best).astype(np.float32)

    @property
    def _variances(self) -> Float64[np.ndarray, " width"]:
        """Of the principal components; 0 where a column is unused."""
        inverse = (self.basis[:-1].astype(np.float64) ** 2).sum(axis=0)
        return np.divide(1.0, inverse, out=np.zeros(WIDTH), where=inverse > 0)


def fit_estimator(sample: Float[np.ndarray, "n dim"], *, seed: int = 0) -> Estimator:
    """Fit an estimator to tokens of a collection.

    Args:
        sample: at least one; of each document about as many as it has in the collection.
        seed: of the choice among them.
    """
    order = np.random.default_rng(seed).permutation(len(sample))
    training = np.array(sample[order[:_TOKENS]], dtype=np.float32)
    features = _features(training, training[:_LANDMARKS]).astype(np.float64)
    mean = features.mean(axis=0)
    mean[-1] = 0  # the constant
    features -= mean
    variances, components = np.linalg.eigh(features.T @ features / len(features))
    variances, components = variances[::-1][:WIDTH], components[:, ::-1][:, :WIDTH]
    used = variances > 1e-9 * variances[0]
    components = components[:, used] / np.sqrt(variances[used])
    basis = np.zeros((features.shape[1] + 1, WIDTH), np.float32)
    basis[:-1, : components.shape[1]] = components
    basis[-1] = mean @ basis[:-1]
    return Estimator(training, basis)


def sample_of(stores: Sequence[TokenRows]) -> Float[np.ndarray, "n dim"]:
    """Some thousand tokens of stores, at equal distances."""
    step = max(1, sum(each.shape[0] for each in stores) // _TOKENS)
    rows = [store[row : row + 1] for store in stores for row in range(0, store.shape[0], step)]
    return np.concatenate(rows)


def _features(tokens: np.ndarray, landmarks: np.ndarray) -> Float32[np.ndarray, "n n_features"]:
    tokens = as_float32(tokens)
    near = np.exp(_SHARPNESS * (tokens @ landmarks.T - 1))
    return np.concatenate([tokens, near, np.ones((len(tokens), 1), np.float32)], axis=1)


def _groups(offsets: np.ndarray) -> Iterator[tuple[int, int]]:
    """Ranges of passages with at most so many tokens together; a longer one forms its own range."""
    first = 0
    while first < len(offsets) - 1:
        last = int(np.searchsorted(offsets, offsets[first] + _CHUNK, side="right")) - 1
        yield first, max(last, first + 1)
        first = max(last, first + 1)


def write_estimator(folder: Path, estimator: Estimator) -> dict[str, Checksum]:
    """Write both arrays, and return the checksums of their files."""
    return {
        TRAINING: write_array(folder / TRAINING, estimator.training),
        BASIS: write_array(folder / BASIS, estimator.basis),
    }


def read_estimator(folder: Path, dim: int) -> Estimator:
    """The estimator of a published version whose checksums are right.

    Args:
        folder: of the version.
        dim: numbers of a stored vector.

    Raises:
        ArtefactError: the files hold anything else.
    """
    training = read_array(folder / TRAINING, np.float32, width=dim)
    n_features = dim + min(len(training), _LANDMARKS) + 1
    basis = read_array(folder / BASIS, np.float32, n_features + 1, width=WIDTH)
    for name, values in ((TRAINING, training), (BASIS, basis)):
        if not len(training) or not np.isfinite(values).all():
            raise damaged(folder / name, "it is empty, or holds NaN or infinity")
    return Estimator(training, basis)
