from collections import Counter

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from opticlir.data.audit.tokenization import measure_tokenization


def wordpiece(normalizer=None):
    pieces = ["[UNK]", "water", "the", "ma", "##ji", "sa", "##fi", "m", "##a", "##j", "##i", "e", "o"]
    model = models.WordPiece({piece: at for at, piece in enumerate(pieces)}, unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if normalizer:
        tokenizer.normalizer = normalizer
    return tokenizer


def measure(tokenizer, *foreign, english=("the water",)):
    return measure_tokenization(tokenizer, foreign, english, Counter("".join(foreign)))


def test_by_hand():
    found = measure(wordpiece(), "maji safi", "maji ɗaya")  # ma ##ji sa ##fi ma ##ji [UNK]
    assert found.tokens_per_word == 7 / 4
    assert found.tokens_per_word_english == 1.0
    assert found.unknown_rate == 1 / 7
    assert found.unknown_words == [("ɗaya", 1)]
    assert (found.n_sentences, found.lost_rate, found.lost_characters) == (2, 0.0, [])


def test_limits_of_the_callers_tokenizer_do_not_count_and_stay():
    tokenizer = wordpiece()
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=50)
    assert measure(tokenizer, "maji safi").tokens_per_word == 2.0
    assert tokenizer.truncation["max_length"] == 2
    assert tokenizer.padding["length"] == 50


def test_lost_diacritics_are_named():
    found = measure(wordpiece(normalizers.BertNormalizer()), "ẹẹ Ọ ọ̀ maji")
    lost = {character.character: (character.becomes, character.count) for character in found.lost_characters}
    assert lost == {"ẹ": ("e", 2), "ọ": ("o", 1), "Ọ": ("o", 1), "\u0300": ("", 1)}
    assert found.lost_rate == 5 / 9
    assert str(found.lost_characters[0]) == "ẹ -> e"
    assert [str(character) for character in found.lost_characters if not character.becomes] == [
        "◌\u0300 -> nothing"
    ]
    assert found.lost_characters[0].name == "LATIN SMALL LETTER E WITH DOT BELOW"


@pytest.mark.parametrize(
    "normalizer",
    [
        normalizers.Lowercase(),
        normalizers.NFC(),
        normalizers.BertNormalizer(strip_accents=False),
        normalizers.Prepend("▁"),
    ],
)
def test_case_and_blanks_are_not_lost(normalizer):
    assert measure(wordpiece(normalizer), "Ẹ ọ 水 MAJI").lost_characters == []


def test_a_normaliser_that_decomposes_loses_nothing():
    assert measure(wordpiece(normalizers.NFD()), "ẹ ọ").lost_characters == []


def test_other_models():
    unigram = Tokenizer(
        models.Unigram([("<unk>", 0.0), ("maji", -1.0), ("a", -2.0)], unk_id=0, byte_fallback=False)
    )
    unigram.pre_tokenizer = pre_tokenizers.Whitespace()
    assert measure(unigram, "maji x").unknown_rate == 0.5
    bpe = Tokenizer(models.BPE({"a": 0, "b": 1}, []))
    assert measure(bpe, "ab").unknown_rate == 0.0


def test_no_words():
    found = measure_tokenization(wordpiece(), [""], [""], Counter())
    assert (found.tokens_per_word, found.unknown_rate, found.lost_rate) == (0.0, 0.0, 0.0)
