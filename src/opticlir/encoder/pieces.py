"""Which piece of a text each of its token vectors stands for."""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

from opticlir.encoder.routes import route_modules, transformer_of
from opticlir.words import WordPlace, word_places

_ANCHOR = "a"
_TEXTS_TOGETHER = 512


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, a mark, or a part of a word, as the tokenizer writes it."""

    text: str
    """Its letters, without the tokenizer's own marks (`##`, `▁`, `Ġ`)."""
    is_continuation: bool
    """Whether it goes on with the word of the piece before it."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as the encoder sees it."""

    pieces: tuple[Piece, ...]
    tokens: npt.NDArray[np.float32]
    """(pieces, dim), unit rows, one per piece."""
    is_cut: bool
    """Whether the text is longer than the encoder reads; what is behind its limit is left out."""


@dataclass(frozen=True, slots=True)
class EncodedWords:
    """The words of a text and the vectors that stand for them."""

    words: tuple[str, ...]
    """All of the text; one behind the encoder's limit has no vector."""
    tokens: npt.NDArray[np.float32]
    """(pieces, dim), unit rows."""
    word_of: npt.NDArray[np.int64]
    """(pieces,), number of the word that each belongs to."""

    @property
    def n_without_vector(self) -> int:
        """Words that the encoder did not read."""
        return len(self.words) - len(set(self.word_of.tolist()))


def encode_pieces(model: MultiVectorEncoder, text: str, task: Literal["query", "document"]) -> EncodedText:
    """Encode one text and name what each vector stands for.

    These are the vectors of `encode_queries` and `encode_documents`, less those of tokens that take part
    in the score but stand for nothing in the text: special tokens, expansion tokens, a prompt.

    Args:
        model: any encoder, with routes or without.
        text: what is encoded.
        task: which route and prompt encode it.
    """
    (features,) = _features(model, [text], task)
    tokenizer = transformer_of(model, task).tokenizer
    kept, places = _standing_for_text(model, text, features, task)
    ids = features["input_ids"]
    return EncodedText(
        pieces=tuple(
            _piece(tokenizer, token, is_first=number == 0)
            for number, token in enumerate(tokenizer.convert_ids_to_tokens(ids[kept].tolist()))
        ),
        tokens=features["token_embeddings"][kept].float().cpu().numpy(),
        is_cut=len(places) > len(ids),
    )


def encode_words(
    model: MultiVectorEncoder,
    texts: Sequence[str],
    task: Literal["query", "document"],
    *,
    places_of: Callable[[str], Sequence[WordPlace]] | None = None,
) -> list[EncodedWords]:
    """Encode texts and say which word each vector belongs to; the vectors are those of `encode_pieces`.

    Args:
        model: any encoder, with routes or without.
        texts: what is encoded.
        task: which route and prompt encode it.
        places_of: the words of a text and where each stands, in the order of the text; None takes the
            `word_places` of the tokenizer.
    """
    tokenizer = transformer_of(model, task).tokenizer.backend_tokenizer
    places_of = places_of or partial(word_places, tokenizer)
    prompt = model.prompts.get(task) or ""
    found = []
    for text, features in zip(texts, _features(model, texts, task), strict=True):
        kept, places = _standing_for_text(model, text, features, task)
        words = places_of(text)
        starts = [start for _, (start, _) in words]
        # by its last letter: the piece that begins a word may begin with the space before it
        last = [places[position][1] - 1 - len(prompt) for position in kept.nonzero()[:, 0].tolist()]
        found.append(EncodedWords(
            words=tuple(word for word, _ in words),
            tokens=features["token_embeddings"][kept].float().cpu().numpy(),
            word_of=np.array([max(0, bisect_right(starts, letter) - 1) for letter in last], dtype=np.int64),
        ))  # fmt: skip
    return found


def _features(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> list[dict[str, Any]]:
    encode = model.encode_query if task == "query" else model.encode_document
    features: list[dict[str, Any]] = encode(list(texts), output_value=None, show_progress_bar=False)
    return features


def _standing_for_text(
    model: MultiVectorEncoder, text: str, features: dict[str, Any], task: Literal["query", "document"]
) -> tuple[torch.Tensor, list[tuple[int, int]]]:
    """(tokens,) bool, whose vectors stand for a piece of the text; and where in prompt and text each token is."""
    tokenizer = transformer_of(model, task).tokenizer
    specials = sorted(set(tokenizer.all_special_ids) - {tokenizer.unk_token_id})
    ids = features["input_ids"]
    kept = features["attention_mask"].bool() & ~torch.isin(ids, torch.tensor(specials, device=ids.device))
    prompt = model.prompts.get(task) or ""
    places = tokenizer(f"{prompt}{text}", return_offsets_mapping=True, verbose=False)["offset_mapping"]
    for position, (start, _) in enumerate(places[: len(ids)]):
        kept[position] &= start >= len(prompt)
    return kept, places


def scored_ids(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> Iterator[npt.NDArray[np.int64]]:
    """Ids of the tokens whose vectors take part in the score, without computing the vectors.

    Yields:
        One (tokens,) array per text, row by row what `encode_queries` or `encode_documents` gives; a few texts are
        held at a time.
    """
    for ids, kept in scored_positions(model, texts, task):
        yield ids[kept].numpy()


def scored_positions(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Token ids of texts, padding included, and a (tokens,) bool: which take part in the score."""
    masks = [module for module in route_modules(model, task) if isinstance(module, MultiVectorMask)]
    for start in range(0, len(texts), _TEXTS_TOGETHER):
        chunk = list(texts[start : start + _TEXTS_TOGETHER])
        features = dict(model.preprocess(chunk, prompt=model.prompts.get(task), task=task))
        for mask in masks:
            features = mask(features, task=task)
        kept = features["attention_mask"].bool()
        yield from zip(features["input_ids"], kept, strict=True)


@dataclass(frozen=True, slots=True)
class TokenPlaces:
    """The tokens of a text before the encoder cuts it, and where in it they stand."""

    ids: npt.NDArray[np.int64]
    """(tokens,), markers and a prompt among them."""
    last_letters: npt.NDArray[np.int64]
    """(tokens,), number of the letter that each ends with; below 0 for markers and a prompt."""


def token_places(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> list[TokenPlaces]:
    """Where the tokens of texts stand, without computing their vectors."""
    tokenizer = transformer_of(model, task).tokenizer
    prompt = model.prompts.get(task) or ""
    found = tokenizer([f"{prompt}{text}" for text in texts], return_offsets_mapping=True, verbose=False)
    return [
        TokenPlaces(
            ids=np.array(ids, dtype=np.int64),
            last_letters=np.array([end - 1 - len(prompt) for _, end in places], dtype=np.int64),
        )
        for ids, places in zip(found["input_ids"], found["offset_mapping"], strict=True)
    ]


def spelled(
    model: MultiVectorEncoder, words: Sequence[str], task: Literal["query", "document"]
) -> list[list[int]]:
    """Ids of words as they stand within a text, behind a space; none of a word with a letter that is unknown."""
    tokenizer = transformer_of(model, task).tokenizer
    if not words:
        return []
    rows = tokenizer([f" {word}" for word in words], add_special_tokens=False, verbose=False)["input_ids"]
    return [[] if tokenizer.unk_token_id in row else list(row) for row in rows]


def word_beginnings(model: MultiVectorEncoder, task: Literal["query", "document"]) -> torch.Tensor:
    """(vocabulary,) bool: whether a token begins a word, or goes on with the one before it (`##`, no `▁`)."""
    tokenizer = transformer_of(model, task).tokenizer
    begins = torch.ones(1 + max(tokenizer.get_vocab().values()), dtype=torch.bool)
    for token, number in tokenizer.get_vocab().items():
        begins[number] = not _piece(tokenizer, token, is_first=False).is_continuation
    return begins


def _piece(tokenizer: Any, token: str, *, is_first: bool) -> Piece:
    """Let the tokenizer's own decoder put the token behind a word: what it adds no space to goes on with it."""
    decoder = tokenizer.backend_tokenizer.decoder
    if decoder is None or token in tokenizer.added_tokens_encoder:
        return Piece(token, is_continuation=False)
    behind = decoder.decode([_ANCHOR, token]).removeprefix(_ANCHOR)
    letters = behind.strip()
    if not letters:  # a space of its own
        return Piece(token, is_continuation=False)
    # decoders write a full stop close to the word before it, which makes it no part of that word
    is_word = unicodedata.category(letters[0])[0] in "LMN"
    return Piece(letters, is_continuation=is_word and not is_first and not behind[0].isspace())
