"""Assigns token vectors to the pieces and words of a text."""

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
from tokenizers import Encoding

from opticlir.encoder.pooled import refuse_pooled
from opticlir.encoder.routes import route_modules, transformer_of
from opticlir.words import WordPlace, word_places

_ANCHOR = "a"
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, a punctuation mark, or a part of a word."""

    text: str
    """Its letters, without the marks of the tokenizer (`##`, `▁`, `Ġ`)."""
    is_continuation: bool
    """Whether it continues the word of the piece before."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """The pieces of a text and their vectors."""

    pieces: tuple[Piece, ...]
    tokens: npt.NDArray[np.float32]
    """(pieces, dim), one unit row per piece."""
    is_cut: bool
    """Whether the text is longer than the limit of the encoder; the rest is left out."""


@dataclass(frozen=True, slots=True)
class EncodedWords:
    """The words of a text and their vectors."""

    words: tuple[str, ...]
    """All words of the text. Words beyond the limit of the encoder have no vector."""
    tokens: npt.NDArray[np.float32]
    """(pieces, dim), unit rows."""
    word_of: npt.NDArray[np.int64]
    """(pieces,), number of the word of each piece."""

    @property
    def n_without_vector(self) -> int:
        """Number of words beyond the limit of the encoder."""
        return len(self.words) - len(set(self.word_of.tolist()))


def encode_pieces(model: MultiVectorEncoder, text: str, task: Literal["query", "document"]) -> EncodedText:
    """Encode one text, and return the piece of each vector.

    The vectors are those of `encode_queries` and `encode_documents`, without the tokens that are not in the text:
    special tokens, expansion tokens and the prompt.

    Args:
        model: any encoder, with routes or without.
        text: the text to encode.
        task: the route and prompt to use.
    """
    (features,) = _features(model, [text], task)
    tokenizer = transformer_of(model, task).tokenizer
    kept, places = _tokens_of_text(model, text, features, task)
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
    """Encode texts, and return the word of each vector. The vectors are those of `encode_pieces`.

    Args:
        model: any encoder, with routes or without.
        texts: the texts to encode.
        task: the route and prompt to use.
        places_of: returns the words of a text with their places, in order; None is `word_places` with the
            tokenizer of the route.
    """
    tokenizer = transformer_of(model, task).tokenizer.backend_tokenizer
    places_of = places_of or partial(word_places, tokenizer)
    prompt = model.prompts.get(task) or ""
    found = []
    for text, features in zip(texts, _features(model, texts, task), strict=True):
        kept, places = _tokens_of_text(model, text, features, task)
        words = places_of(text)
        starts = [start for _, (start, _) in words]
        # by its last letter, since the first piece of a word can include the space before it
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
    refuse_pooled(model, "a vector per piece")
    encode = model.encode_query if task == "query" else model.encode_document
    features: list[dict[str, Any]] = encode(list(texts), output_value=None, show_progress_bar=False)
    return features


def _tokens_of_text(
    model: MultiVectorEncoder, text: str, features: dict[str, Any], task: Literal["query", "document"]
) -> tuple[torch.Tensor, list[tuple[int, int]]]:
    """(tokens,) bool that is True for pieces of the text; and the place of each token in prompt and text."""
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
    """Yield the ids of the tokens that take part in the score, without computing vectors.

    Args:
        model: any encoder, with routes or without.
        texts: the texts to tokenize.
        task: the route and prompt to use.

    Yields:
        One (tokens,) array per text. Its rows match those of `encode_queries` or `encode_documents`.
    """
    for ids, kept, _ in scored_positions(model, texts, task):
        yield ids[kept].numpy()


def scored_positions(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> Iterator[tuple[torch.Tensor, torch.Tensor, Encoding]]:
    """Token ids of texts, padding included, a (tokens,) bool: which take part in the score, and the encoding."""
    masks = [module for module in route_modules(model, task) if isinstance(module, MultiVectorMask)]
    for start in range(0, len(texts), _CHUNK):
        chunk = list(texts[start : start + _CHUNK])
        tokenized = model.preprocess(chunk, prompt=model.prompts.get(task), task=task)
        features = dict(tokenized)
        for mask in masks:
            features = mask(features, task=task)
        kept = features["attention_mask"].bool()
        yield from zip(features["input_ids"], kept, tokenized.encodings, strict=True)


@dataclass(frozen=True, slots=True)
class TokenPlaces:
    """The tokens of a whole text, and their places in it."""

    ids: npt.NDArray[np.int64]
    """(tokens,), including special tokens and the prompt."""
    last_letters: npt.NDArray[np.int64]
    """(tokens,), position of the last letter of each token; below 0 for special tokens and the prompt."""


def token_places(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> list[TokenPlaces]:
    """Return the places of the tokens in each text, without computing vectors.

    Args:
        model: any encoder, with routes or without.
        texts: the texts to tokenize.
        task: the route and prompt to use.
    """
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
    """Return the token ids of each word after a space; an empty list for a word with an unknown letter.

    Args:
        model: any encoder, with routes or without.
        words: the words to tokenize.
        task: the route to use.
    """
    tokenizer = transformer_of(model, task).tokenizer
    if not words:
        return []
    rows = tokenizer([f" {word}" for word in words], add_special_tokens=False, verbose=False)["input_ids"]
    return [[] if tokenizer.unk_token_id in row else list(row) for row in rows]


def knows_a_word(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> list[bool]:
    """Whether the tokenizer knows a part of a word in each text; True for a text without unknown letters.

    Args:
        model: any encoder, with routes or without.
        texts: the texts to tokenize.
        task: the route to use.
    """
    tokenizer = transformer_of(model, task).tokenizer
    is_known: dict[int, bool | None] = {}
    found = []
    for ids in tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"] if texts else []:
        for number in set(ids).difference(is_known):
            is_known[number] = _is_known(tokenizer, number)
        kinds = {is_known[number] for number in ids}
        found.append(True in kinds or False not in kinds)
    return found


def _is_known(tokenizer: Any, number: int) -> bool | None:
    """Whether a token is a part of a word, or unknown; None for a mark. Bytes of letters are unknown."""
    letters = tokenizer.decode([number])
    if number == tokenizer.unk_token_id or "\ufffd" in letters:
        return False
    return True if any(letter.isalnum() for letter in letters) else None


def word_beginnings(model: MultiVectorEncoder, task: Literal["query", "document"]) -> torch.Tensor:
    """Return (vocabulary,) bool: True for tokens that begin a word, False for those that continue one."""
    tokenizer = transformer_of(model, task).tokenizer
    begins = torch.ones(1 + max(tokenizer.get_vocab().values()), dtype=torch.bool)
    for token, number in tokenizer.get_vocab().items():
        begins[number] = not _piece(tokenizer, token, is_first=False).is_continuation
    return begins


def _piece(tokenizer: Any, token: str, *, is_first: bool) -> Piece:
    """Decode the token after a word: if the decoder adds no space, the token continues the word."""
    decoder = tokenizer.backend_tokenizer.decoder
    if decoder is None or token in tokenizer.added_tokens_encoder:
        return Piece(token, is_continuation=False)
    behind = decoder.decode([_ANCHOR, token]).removeprefix(_ANCHOR)
    letters = behind.strip()
    if not letters:  # only a space
        return Piece(token, is_continuation=False)
    # decoders put a full stop next to the word before, but it is not part of the word
    is_word = unicodedata.category(letters[0])[0] in "LMN"
    return Piece(letters, is_continuation=is_word and not is_first and not behind[0].isspace())
