"""Loads a translator by its name."""

from collections.abc import Sequence
from pathlib import Path

from opticlir.records import SentencePair
from opticlir.translation.apertium import Apertium
from opticlir.translation.dictionary import Dictionary
from opticlir.translation.translator import Translator
from opticlir.translation.word_table import WordTable

NEEDS = {"word-table": "bitext", "dictionary": "dictionary", "seq2seq": "model", "apertium": "pair"}
"""The argument that each translator needs."""


def load_translator(
    by: str,
    *,
    language: str | None = None,
    pairs: Sequence[SentencePair] = (),
    dictionary: Sequence[Path] = (),
    model: Path | None = None,
    source: str | None = None,
    target: str | None = None,
    pair: str = "",
) -> Translator:
    """Learn or load a translator into English.

    Args:
        by: one of `NEEDS`.
        language: ISO 639-3 code to translate from, for `word-table` and `dictionary`; None if unknown.
        pairs: bitext for `word-table`.
        dictionary: files of a bilingual dictionary.
        model: model folder for `seq2seq`.
        source: code of the foreign language in that model.
        target: code of English in that model.
        pair: language pair for Apertium, such as `eus-eng`.

    Raises:
        ValueError: the name is unknown, or a needed argument is missing.
        DataError: an input file is missing or malformed.
        SetupError: a program or package is not installed.
    """
    given = {"word-table": pairs, "dictionary": dictionary, "seq2seq": model, "apertium": pair}
    if by not in given:
        raise ValueError(f"unknown translator {by!r}: expected {', '.join(given)}")
    if by != "word-table" and not given[by]:
        raise ValueError(f"{by} needs {NEEDS[by]}")
    if by == "word-table":
        return WordTable.learn(pairs, language=language)
    if by == "dictionary":
        return Dictionary.read(dictionary, language)
    if by == "apertium":
        return Apertium(pair)
    from opticlir.translation.neural import load_neural_translator  # noqa: PLC0415 - heavy

    return load_neural_translator(Path(model or ""), source=source, target=target)
