"""Adds words to the vocabulary of a tokenizer's model, so that each is one token and no text is split around it.

| model | a word is one token because |
|---|---|
| WordPiece | it takes the longest match |
| BPE | it looks a word up before it merges letters (`ignore_merges`) |
| Unigram | the word scores a little better than its pieces |
"""

import json
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from tokenizers import Tokenizer

from opticlir.words import has_unspaced

_BLANK = "▁"
_BETTER = 1e-3
"""What a word scores above its pieces for each letter: enough to win, too little to change how other words are cut."""
_UNKNOWN_PENALTY = 10.0
"""Of Unigram, below its lowest score."""
_BEFORE = ("x ", "(", "x")
"""What comes before a word or a mark: a blank, which many tokenizers write as a part of it, a mark, or a letter."""


def n_ids(tokenizer: Tokenizer) -> int:
    """Number of embedding rows that a tokenizer needs. A table can have more, which are spare."""
    return 1 + max(tokenizer.get_vocab().values())


def with_tokens(tokenizer: Tokenizer, tokens: Iterable[str]) -> Tokenizer:
    """Return a tokenizer with more tokens; ids that it has stay.

    Args:
        tokenizer: its model is WordPiece or BPE.
        tokens: as the model writes them; known ones are passed over.
    """
    state = json.loads(tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    # markers that a checkpoint added after its vocabulary move into it, else they would be renumbered
    vocabulary.update({added["content"]: added["id"] for added in state["added_tokens"]})
    following = count(n_ids(tokenizer))
    for token in tokens:
        if token not in vocabulary:
            vocabulary[token] = next(following)
    if state["model"]["type"] == "BPE":
        state["model"]["ignore_merges"] = True
    return Tokenizer.from_str(json.dumps(state))


def with_words(tokenizer: Tokenizer, words: Sequence[str]) -> tuple[Tokenizer, dict[int, int]]:
    """Return a tokenizer in which each word is one token, and the number of the word of each such token.

    Some tokenizers write the blank before a word as a part of it. They get two tokens for the word: with a blank, and
    without.

    Args:
        tokenizer: its model is WordPiece, BPE or Unigram; its rules must leave words whole (see `split_into_words`).
        words: as its normaliser leaves them.

    Returns:
        The tokenizer, and the position in `words` by token id.
    """
    state = json.loads(tokenizer.to_str())
    kind = state["model"]["type"]
    if kind == "WordPiece":
        written = [[word] for word in words]
    elif kind == "Unigram":
        written = [[word] if has_unspaced(word) else [f"{_BLANK}{word}", word] for word in words]
    else:
        written = [_written(tokenizer, word) for word in words]
    tokens = [token for each in written for token in each]
    extended = _scored(tokenizer, state, tokens) if kind == "Unigram" else with_tokens(tokenizer, tokens)
    ids = extended.get_vocab()
    numbers = {ids[token]: number for number, each in enumerate(written) for token in each}
    return extended, numbers


def _written(tokenizer: Tokenizer, word: str) -> list[str]:
    """The word as the model of a BPE tokenizer sees it, with a blank and without."""
    found: dict[str, None] = {}
    for before in _BEFORE:
        text = f"{before}{word}"
        if tokenizer.normalizer:
            text = tokenizer.normalizer.normalize_str(text)
        piece, (start, _) = tokenizer.pre_tokenizer.pre_tokenize_str(text)[-1]
        if text[start:].lstrip(f" {_BLANK}") == word:
            found[piece] = None
    return list(found)


def _scored(tokenizer: Tokenizer, state: dict[str, Any], tokens: Sequence[str]) -> Tokenizer:
    vocabulary = state["model"]["vocab"]
    scores = dict(vocabulary)
    unknown = min(scores.values()) - _UNKNOWN_PENALTY
    markers = {added["id"]: added["content"] for added in state["added_tokens"]}
    vocabulary += [
        [markers.get(number, f"<unused{number}>"), unknown]
        for number in range(len(vocabulary), n_ids(tokenizer))
    ]
    known = {token for token, _ in vocabulary}
    for token in dict.fromkeys(tokens):
        if token not in known:
            pieces = [piece.value for piece in tokenizer.model.tokenize(token)]
            found = sum(scores.get(piece, unknown * len(piece)) for piece in pieces)
            vocabulary.append([token, found + _BETTER * len(token)])
    return Tokenizer.from_str(json.dumps(state))
