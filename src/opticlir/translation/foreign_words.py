"""The words of a foreign language, as a student of the same bitext reads them.

A translator that works word by word must see the words that its rival sees. So both share the rules of
`encoder.spelling`: vowel signs stay unless the language leaves them out, digits and apostrophes have one form, and
scripts without blanks are cut by dictionaries.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from tokenizers import Tokenizer, models, normalizers

from opticlir.encoder.spelling import with_one_spelling
from opticlir.normal_form import normal_form
from opticlir.words import split_words

Words: TypeAlias = Callable[[str], list[str]]
"""Splits a text into words and punctuation marks, in their normal form."""


def foreign_words(texts: Iterable[str], language: str | None = None) -> Words:
    """Return the splitter for a language: lower case, without the diacritics of Latin, Greek and Cyrillic letters.

    Args:
        texts: text of the language, such as the foreign side of the bitext. It decides which spelling is usual.
        language: its ISO 639-3 code; None if unknown.

    Example:
        >>> foreign_words(["பள்ளி"])("பள்ளி, Adé!")
        ['பள்ளி', ',', 'ade', '!']
    """
    tokenizer = Tokenizer(models.WordLevel())
    tokenizer.normalizer = normalizers.BertNormalizer()
    with_one_spelling(tokenizer, map(normal_form, texts), [language] if language else [])
    return lambda text: split_words(tokenizer, normal_form(text))
