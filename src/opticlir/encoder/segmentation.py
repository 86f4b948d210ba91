"""Splits texts before a tokenizer's model reads them, by rules that are saved with the tokenizer.

In scripts without blanks a stretch of letters is a sentence. It is cut into the words that the bitext taught, the
longest first. The rest becomes single letters with their marks.
"""

import json
from collections.abc import Iterable
from typing import Any

from tokenizers import Regex, Tokenizer, models, pre_tokenizers

from opticlir.words import UNSPACED, has_unspaced

LONGEST_WORD = 100
"""Letters. WordPiece takes a longer word for an unknown one, and its time grows with the square of the length."""

_LETTERS = "[\\p{L}\\p{M}\u200c\u200d]"
_WORDS_OF_BYTES = rf"'(?:s|t|re|ve|m|ll|d)| ?{_LETTERS}+| ?\p{{N}}+| ?[^\s\p{{N}}{_LETTERS}]+|\s+(?!\S)|\s+"
"""How byte-level tokenizers split, with marks as parts of words: they are vowels in Devanagari and Thai."""
_WORDS_OF_BLANKS = rf"▁?[\p{{N}}{_LETTERS}]+"

_Trie = dict[str, Any]


def split_into_words(tokenizer: Tokenizer, words: Iterable[str]) -> Tokenizer:
    """Return the tokenizer with rules that make each word of a text a piece of its own.

    A Unigram model needs none: it looks for the best pieces itself.

    Args:
        tokenizer: its model is WordPiece, BPE or Unigram; it is changed.
        words: known words, of which those in scripts without blanks are used.
    """
    kind = json.loads(tokenizer.to_str())["model"]["type"]
    if kind == "Unigram":
        return tokenizer
    known = sorted({word for word in words if has_unspaced(word)})
    rules: list[pre_tokenizers.PreTokenizer] = []
    if known:
        rules.append(pre_tokenizers.Split(Regex(_longest_first(known)), "isolated"))
    if kind == "WordPiece":
        rules += _no_longer_words(tokenizer)
    else:
        rules += _whole_words(tokenizer)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(rules)
    return tokenizer


def cut_long_words(tokenizer: Tokenizer) -> None:
    """Cut words that WordPiece would take for an unknown one, since they are too long; other models know no such.

    Args:
        tokenizer: it is changed.
    """
    if isinstance(tokenizer.model, models.WordPiece):
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(_no_longer_words(tokenizer))


def _no_longer_words(tokenizer: Tokenizer) -> list[pre_tokenizers.PreTokenizer]:
    """The rules of a WordPiece tokenizer, and one that cuts long words."""
    rules = [] if tokenizer.pre_tokenizer is None else [tokenizer.pre_tokenizer]
    longest = min(LONGEST_WORD, tokenizer.model.max_input_chars_per_word)
    return [*rules, pre_tokenizers.Split(Regex(f".{{{longest}}}"), "isolated")]


def _whole_words(tokenizer: Tokenizer) -> list[pre_tokenizers.PreTokenizer]:
    """The rules of a BPE tokenizer, changed so that no word is split at a mark."""
    state = json.loads(tokenizer.to_str())["pre_tokenizer"]
    rules = [] if state is None else state.get("pretokenizers", [state])
    is_byte_level = any(rule["type"] == "ByteLevel" for rule in rules)
    for rule in list(rules):
        if rule["type"] == "ByteLevel" and rule["use_regex"]:
            rule["use_regex"] = False
            rules.insert(rules.index(rule), _split(_WORDS_OF_BYTES))
        elif rule["type"] == "Split" and "Regex" in rule["pattern"]:
            rule["pattern"]["Regex"] = rule["pattern"]["Regex"].replace(r"\p{L}", _LETTERS)
    if not is_byte_level:
        rules.append(_split(_WORDS_OF_BLANKS))
    return [_rule(rule) for rule in rules]


def _split(pattern: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def _rule(state: dict[str, Any]) -> pre_tokenizers.PreTokenizer:
    made = Tokenizer.from_str(json.dumps({"version": "1.0", "model": _NO_MODEL, "pre_tokenizer": state}))
    return made.pre_tokenizer


_NO_MODEL = {"type": "WordLevel", "vocab": {}, "unk_token": ""}


def _longest_first(words: Iterable[str]) -> str:
    """A pattern that matches the longest of the words, or one letter with its marks."""
    trie: _Trie = {}
    for word in words:
        node = trie
        for letter in word:
            node = node.setdefault(letter, {})
        node[""] = {}
    letter = rf"[{UNSPACED}]\p{{M}}*"
    return rf"(?:{_pattern(trie)})(?!\p{{M}})|{letter}"


def _pattern(node: _Trie) -> str:
    branches = [_escaped(letter) + _pattern(inner) for letter, inner in node.items() if letter]
    if not branches:
        return ""
    alternatives = branches[0] if len(branches) == 1 and "" not in node else f"(?:{'|'.join(branches)})"
    return f"{alternatives}?" if "" in node else alternatives


def _escaped(letter: str) -> str:
    return letter if letter.isalnum() or ord(letter) > 127 else f"\\x{ord(letter):02x}"
