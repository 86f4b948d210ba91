"""Token alignment: the transport plan between a foreign and an English text."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from sentence_transformers import MultiVectorEncoder

from opticlir.data.normalisation import normalise_typed
from opticlir.encoder import EncodedText, Piece, encode_pieces
from opticlir.errors import ArtefactError, DataError
from opticlir.pictures.page import style_sheet
from opticlir.transport import cosine_cost, proximal_point, uniform
from opticlir.visible import shown, visible

CONTINUATION = "·"
"""Marks a piece that continues the word of the piece before."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenAlignment:
    """The alignment of a foreign text with an English one, token by token. Notebooks show it as a table."""

    foreign: tuple[str, ...]
    """Tokens of the student, shown safely. `·ni` continues the word of the token before."""
    english: tuple[str, ...]
    """Tokens of the teacher, likewise."""
    plan: Float[np.ndarray, "m n"]
    """Mass from each foreign to each English token. The plan sums to 1."""
    cost: float
    """Mean cosine distance of the plan: 0 for equal vectors, 1 for unrelated ones, at most 2."""
    is_cut: bool
    """Whether a text is longer than the limit of its encoder, so that its end is left out."""

    def __repr__(self) -> str:
        """The grid of the terminal, without colours."""
        from opticlir.pictures.alignment_terminal import alignment_lines  # noqa: PLC0415 - it imports this module

        return alignment_lines(self).plain

    def _repr_html_(self) -> str:
        """The table that a notebook shows."""
        from opticlir.pictures.alignment_html import alignment_html  # noqa: PLC0415 - it imports this module

        return f"<style>\n{style_sheet('alignment.css')}</style>\n{alignment_html(self)}"

    @property
    def shares(self) -> Float[np.ndarray, "m n"]:
        """Share of the mass of each foreign token that goes to each English token. Rows sum to 1."""
        return self.plan / self.plan.sum(axis=1, keepdims=True)

    @property
    def legend(self) -> str:
        """One line that explains a picture of the shares."""
        cut = " A text is longer than the model reads: its end is left out." if self.is_cut else ""
        return f"Each row: where a token goes, in %. Mean cosine distance {self.cost:.2f}.{cut}"

    def strongest(self, row: int, *, at_least: float) -> list[tuple[str, float]]:
        """Return the English tokens with a share of at least `at_least`, the largest share first."""
        shares = self.shares[row]
        order = np.argsort(-shares, kind="stable")
        return [
            (self.english[column], float(shares[column])) for column in order if shares[column] >= at_least
        ]


def align_texts(model: MultiVectorEncoder, foreign: str, english: str) -> TokenAlignment:
    """Align a foreign text with an English one as in training: cosine cost, uniform mass, proximal plan.

    The foreign text goes through the query route, which is the student. The English text goes through the document
    route, which is the teacher, as in a search. Training uses the query route of the teacher, which the saved
    model lacks. For encoders without prompts, such as the default teacher, both routes give the same vectors.
    Both texts are brought into their normal form first.

    Args:
        model: a trained cross-lingual model, or any encoder.
        foreign: a text in the language of the queries.
        english: a text in English, for example its translation.

    Raises:
        DataError: a text has no token, or contains NUL or half of a surrogate pair.
        ArtefactError: the model computes a vector that is not finite.
    """
    return align_encoded(_encoded(model, foreign, "query"), _encoded(model, english, "document"))


def align_encoded(student: EncodedText, teacher: EncodedText) -> TokenAlignment:
    """Align two encoded texts, piece by piece; see `align_texts`.

    Args:
        student: the foreign text, with at least one piece.
        teacher: the English text, likewise.
    """
    cost = cosine_cost(torch.from_numpy(student.tokens)[None], torch.from_numpy(teacher.tokens)[None])
    source, target = (uniform(torch.ones(1, length, dtype=torch.bool)) for length in cost.shape[1:])
    solution = proximal_point(cost, source, target, backend="torch")  # one plan: nothing to compile for
    return TokenAlignment(
        foreign=tuple(map(_shown, student.pieces)),
        english=tuple(map(_shown, teacher.pieces)),
        plan=solution.plan[0].double().numpy(),
        cost=float(solution.value[0]),
        is_cut=student.is_cut or teacher.is_cut,
    )


def align_words(student: EncodedText, teacher: EncodedText) -> TokenAlignment:
    """Align two encoded texts word by word: as `align_encoded`, with the mass of the pieces of a word summed.

    Args:
        student: the foreign text, with at least one piece.
        teacher: the English text, likewise.
    """
    pieces = align_encoded(student, teacher)
    rows, columns = _word_starts(student.pieces), _word_starts(teacher.pieces)
    return TokenAlignment(
        foreign=_words(student.pieces, rows),
        english=_words(teacher.pieces, columns),
        plan=np.add.reduceat(np.add.reduceat(pieces.plan, rows, axis=0), columns, axis=1),
        cost=pieces.cost,
        is_cut=pieces.is_cut,
    )


def _word_starts(pieces: Sequence[Piece]) -> list[int]:
    return [number for number, piece in enumerate(pieces) if number == 0 or not piece.is_continuation]


def _words(pieces: Sequence[Piece], starts: list[int]) -> tuple[str, ...]:
    return tuple(
        visible("".join(piece.text for piece in pieces[start:end]))
        for start, end in pairwise([*starts, len(pieces)])
    )


def _encoded(model: MultiVectorEncoder, text: str, task: Literal["query", "document"]) -> EncodedText:
    encoded = encode_pieces(model, normalise_typed(text), task)
    if not encoded.pieces:
        raise DataError(f"no token in {shown(text)}: give a text with words in it")
    if not np.isfinite(encoded.tokens).all():
        raise ArtefactError(
            f"the model computes a vector that is not finite for {shown(text)}: it is damaged; use another copy"
        )
    return encoded


def _shown(piece: Piece) -> str:
    return f"{CONTINUATION if piece.is_continuation else ''}{visible(piece.text)}"
