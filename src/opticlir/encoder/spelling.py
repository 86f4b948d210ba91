"""Spellings of one word that a student reads as the same: its tokenizer writes all of them in one way.

The rules are steps of the tokenizer's normaliser, so they are saved with the model.

| spellings | become |
|---|---|
| apostrophes, right and left quotes, okina, next to a letter | the letter U+02BC where the language has it, else `'` |
| Arabic and Persian yeh and kaf, Romanian comma and cedilla | the more frequent one |
| Greek and phonetic letters that look like `ɛ`, `ɔ`, `ŋ`, `ɖ` | these, if they are more frequent |
| Sorani and Uyghur `ه` with a non-joiner, Malayalam and Bengali dead consonants with a joiner | the one letter |
| Hausa `ƴ` | `ʼy` |
| `ı`, `İ`, `ß`, `ς`, `և`, for tokenizers without case | what their capitals become |
| digits of the script of the bitext | 0 to 9 |
| vowel signs of Arabic, Hebrew and Syriac, where they are optional | nothing |
| tatweel, soft hyphens, marks of direction | nothing |
| zero width spaces, tsheg, Ethiopic word separators | a blank |
| blanks within scripts without blanks | nothing |
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from tokenizers import Regex, Tokenizer, normalizers

from opticlir.normal_form import APOSTROPHES
from opticlir.words import UNSPACED, has_unspaced

LETTER = "ʼ"
"""U+02BC, the apostrophe that is a letter: no tokenizer splits a word at it."""

_ANY = f"[{APOSTROPHES}]"
_BETWEEN_LETTERS = rf"(?<=[\p{{L}}\p{{M}}]){_ANY}(?=\p{{L}})"
_BEFORE_VOWEL = rf"{_ANY}(?=[aeiouAEIOUāēīōūĀĒĪŌŪ])"
_HEBREW = rf"(?<=\p{{Hebrew}})[\u05f3']|(?<=\p{{Hebrew}}){_ANY}(?=\p{{Hebrew}})"
_LETTER_IN: dict[str, str] = {
    **dict.fromkeys(
        (
            "aar", "aym", "bel", "bre", "cak", "cha", "ewe", "gaz", "grn", "hbo", "kek", "kik", "lug", "luo", "mam",
            "nav", "nyn", "orm", "que", "quc", "quz", "som", "sid", "ssw", "swa", "teo", "tet", "tsn", "tso", "ukr",
            "ven", "xog", "yua",
        ),
        _BETWEEN_LETTERS,
    ),
    **dict.fromkeys(
        ("haw", "smo", "ton", "tah", "rar", "wls", "fud", "tkl", "niu"), f"{_BETWEEN_LETTERS}|{_BEFORE_VOWEL}"
    ),
    **dict.fromkeys(("uzb", "kaa"), f"{_BETWEEN_LETTERS}|(?<=[oOgG]){_ANY}"),
    **dict.fromkeys(("heb", "yid"), _HEBREW),
    "hau": rf"{_BETWEEN_LETTERS}|{_ANY}(?=[yY])",
}  # fmt: skip
"""By language, where an apostrophe is a letter. A quotation mark at the edge of a word is none."""

_NEXT_TO_LETTER = rf"(?<=[\p{{L}}\p{{M}}]){_ANY}|{_ANY}(?=\p{{L}})"
_GERSHAYIM = (Regex('(?<=\\p{Hebrew})["\u05f4\u201d](?=\\p{Hebrew})'), "\u02ee")
_LETTERS_OF: dict[str, tuple[tuple[str, str], ...]] = {"hau": (("ƴ", f"{LETTER}y"), ("Ƴ", f"{LETTER}Y"))}

_STANDARDS = ("\u064a\u06cc\u0649", "\u0643\u06a9", "\u0647\u06c1", "șş", "țţ", "ȘŞ", "ȚŢ")
"""Letters that differ by keyboard or standard."""
_LOOK_ALIKE = {
    "ɛ": "ε", "Ɛ": "Ƹ", "ɔ": "ᴐͻↄ", "Ɔ": "ϽↃ", "ŋ": "ƞη", "ɖ": "đð", "Ɖ": "ĐÐ",
}  # fmt: skip
"""Letters of languages of Africa, and what people type in their place."""
_SEQUENCES = {
    "ە": "ه\u200c", "ൺ": "ണ്\u200d", "ൻ": "ന്\u200d", "ർ": "ര്\u200d", "ൽ": "ല്\u200d", "ൾ": "ള്\u200d", "ൿ": "ക്\u200d",
    "ৎ": "ত্\u200d",
}  # fmt: skip
"""Letters that were typed as two or three characters before they had a code point."""
_BLOCK = 256
"""Code points; the digits of an alphabet are in the same block as its letters."""
_RARE = 0.02
"""Share. A letter that is rarer than this, compared with its variant, is a spelling of it. Else both are letters."""

_VOWELS = {
    "ara": "\u064b-\u0652\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed",
    "heb": "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7",
    "syc": "\u0730-\u074a",
}
"""Signs above and below letters, by script. Hamza and madda are no vowel signs: they are parts of letters."""
_OPTIONAL_IN = {
    **dict.fromkeys(
        (
            "aeb",
            "acm",
            "acq",
            "aec",
            "afb",
            "ajp",
            "apc",
            "apd",
            "ara",
            "arb",
            "arq",
            "ars",
            "ary",
            "arz",
            "ayl",
        ),
        "ara",
    ),
    "heb": "heb",
    "hbo": "heb",
}
"""Languages that write vowel signs in holy books, poems and schoolbooks, and leave them out elsewhere."""

_CAPITALS = (("ẞ", "ss"), ("ß", "ss"), ("ς", "σ"), ("İ", "i"), ("ı", "i"), ("և", "եւ"))
"""Letters whose capitals no rule of single letters leads back to them."""

_GAPS = Regex("[\u200b\u0f0b\u0f0c\u1361]")
_UNSEEN = Regex("[\u00ad\u0640\u061c\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BLANKS_WITHIN = Regex(rf"(?<=[{UNSPACED}])\s+(?=[{UNSPACED}])")
_LATIN_MARKS = Regex("[\u0300-\u036f]")


def with_one_spelling(tokenizer: Tokenizer, texts: Iterable[str], languages: Iterable[str]) -> Tokenizer:
    """Return the tokenizer with a normaliser for a foreign language.

    If it removes diacritics, it now removes them only from Latin script: in Devanagari or Thai these are vowels.

    Args:
        tokenizer: of the teacher; it is changed.
        texts: the foreign side of the bitext. It decides which of two letters is usual.
        languages: ISO 639-3 codes of the foreign side; empty if unknown. With several, an apostrophe is a letter if
            it is one in each.
    """
    letters = Counter(letter for text in texts for letter in text)
    steps = list(_steps(letters, tuple(languages)))
    original = tokenizer.normalizer
    lowercases = isinstance(original, normalizers.BertNormalizer) and original.lowercase
    if lowercases or isinstance(original, normalizers.Lowercase):
        steps += [normalizers.Replace(letter, plain) for letter, plain in _CAPITALS]
    if lowercases and original.strip_accents is not False:
        steps += [normalizers.NFD(), normalizers.Replace(_LATIN_MARKS, ""), normalizers.NFC()]
    if isinstance(original, normalizers.BertNormalizer):
        original = normalizers.BertNormalizer(
            clean_text=original.clean_text, strip_accents=False, lowercase=original.lowercase,
            handle_chinese_chars=original.handle_chinese_chars and not has_unspaced(letters),
        )  # fmt: skip
    tokenizer.normalizer = normalizers.Sequence([*steps, *([original] if original else [])])
    return tokenizer


def _steps(letters: Counter[str], languages: tuple[str, ...]) -> Iterator[normalizers.Normalizer]:
    yield normalizers.Replace(_GAPS, " ")
    yield normalizers.Replace(_UNSEEN, "")
    yield from (
        normalizers.Replace(Regex(f"[{signs}]"), "") for signs in _optional_vowels(letters, languages)
    )
    yield from (normalizers.Replace(digit, str(value)) for digit, value in _digits(letters))
    if has_unspaced(letters):
        yield normalizers.Replace(_BLANKS_WITHIN, "")
    quotes = _NEXT_TO_LETTER
    if languages and all(language in _LETTER_IN for language in languages):
        for language in languages:
            yield normalizers.Replace(Regex(_LETTER_IN[language]), LETTER)
            for variant, usual in _LETTERS_OF.get(language, ()):
                yield normalizers.Replace(variant, usual)
            if _LETTER_IN[language] == _HEBREW:
                yield normalizers.Replace(*_GERSHAYIM)
        quotes = quotes.replace(LETTER, "")
    yield normalizers.Replace(Regex(quotes), "'")
    for letter, others in _LOOK_ALIKE.items():
        yield from (
            normalizers.Replace(other, letter) for other in others if letters[other] < letters[letter]
        )
    yield from (
        normalizers.Replace(typed, letter)
        for letter, typed in _SEQUENCES.items()
        if letters[letter] or letter != "ە"  # in Persian it is another letter
    )
    for variants in _STANDARDS:
        usual = max(variants, key=lambda letter: letters[letter])
        for variant in variants:
            if variant != usual and letters[variant] < _RARE * letters[usual]:
                yield normalizers.Replace(variant, usual)


def _optional_vowels(letters: Counter[str], languages: tuple[str, ...]) -> Iterator[str]:
    """The vowel signs of a script, if a question may lack them: by language, else where the bitext has few.

    Yiddish, Kashmiri and Hausa in Arabic letters write them always: there they are letters.
    """
    for script, signs in _VOWELS.items():
        is_sign = re.compile(f"[{signs}]").match
        n_signs = sum(count for letter, count in letters.items() if is_sign(letter))
        n_others = sum(count for letter, count in letters.items() if _is_of(letter, script)) - n_signs
        known = [_OPTIONAL_IN.get(language) == script for language in languages]
        if (known and all(known)) or n_signs < _RARE * n_others:
            yield signs


def _is_of(letter: str, script: str) -> bool:
    """Whether a letter or sign is of the Arabic, Hebrew or Syriac script."""
    return unicodedata.name(letter, "").startswith(
        {"ara": "ARABIC", "heb": "HEBREW", "syc": "SYRIAC"}[script]
    )


def _digits(letters: Counter[str]) -> Iterator[tuple[str, int]]:
    """The digits of the alphabets of the bitext, whether it has them or not, and their values."""
    blocks = {ord(letter) // _BLOCK for letter in letters if letter > "\x7f" and letter.isalpha()}
    for block in sorted(blocks):
        for code in range(block * _BLOCK, (block + 1) * _BLOCK):
            if chr(code).isdecimal() and code > 0x7F:
                yield chr(code), unicodedata.decimal(chr(code))
