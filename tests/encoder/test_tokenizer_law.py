"""What holds for every tokenizer that a user brings, before and after it has learned words."""

import gzip
import sys
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import tiny_models
from opticlir.encoder import VocabularyConfig, extend_vocabulary, split_words, word_places
from opticlir.normal_form import normal_form
from opticlir.records import SentencePair
from opticlir.words import has_unspaced

TOKENIZERS = [
    tiny_models.wordpiece_tokenizer, tiny_models.cased_wordpiece_tokenizer, tiny_models.unigram_tokenizer,
    tiny_models.byte_level_tokenizer, tiny_models.gemma_tokenizer, tiny_models.llama_tokenizer,
]  # fmt: skip

SENTENCES = {
    "swa": ("Maji safi, ng'ombe wengi!", "Mtoto ana homa (kali).", '"Nawa mikono" alisema.'),
    "hau": ("ʼYan mata sun tafi.", "Ƙasa da ɓera, ɗaya ne.", "Ruwa mai tsabta."),
    "yor": ("Ẹ̀kọ́ náà dára púpọ̀.", "Omi tó mọ́."),
    "tur": ("Işık ılık, İstanbul'da.", "Temiz su içmek iyidir."),
    "ron": ("Apă curată și țară.",),
    "rus": ("Чистая вода, ёлка и йод.",),
    "ell": ("Καθαρό νερό της οδός.",),
    "hin": ("साफ़ पानी पीना अच्छा है।",),
    "ben": ("নিরাপদ পানি খান।",),
    "tam": ("சுத்தமான தண்ணீர் நல்லது.",),
    "amh": ("ንጹህ ውሃ ጠጡ።",),
    "ara": ("الماء النظيف، جيد.",),
    "fas": ("آب پاک می‌خواهم.",),
    "heb": ("מים נקיים, ג'ירפה.",),
    "kor": ("깨끗한 물을 마셔요.",),
    "tha": ("น้ำสะอาดดีต่อสุขภาพ", "ฉันรักภาษาไทย"),
    "khm": ("ខ្ញុំស្រលាញ់ភាសាខ្មែរ",),
    "lao": ("ຂ້ອຍຮັກພາສາລາວ",),
    "mya": ("ကျွန်တော်မြန်မာစာကိုချစ်တယ်",),
    "bod": ("བོད་ཀྱི་སྐད་ཡིག",),
    "zho": ("我喜欢干净的水。",),
    "jpn": ("きれいな水を飲みます。",),
}  # fmt: skip
DATA = Path(__file__).parents[3] / "shared" / "data" / "bitext"
LANGUAGES = (
    "amh", "ara", "cym", "deu", "eus", "fra", "hau", "hin", "ibo", "mar", "nep", "rus", "som", "spa", "swa", "tel",
    "tgl", "tha", "tur", "twi", "vie", "xho", "yor", "zho", "zul",
)  # fmt: skip


def real_sentences(code, most=60):
    found = []
    for path in sorted(DATA.glob(f"*.{code}.tsv*")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                found.append(normal_form(line.rstrip("\n").split("\t")[1].strip()))
                if len(found) == most:
                    return found
    return found


def extended(make, sentences, code):
    teacher = make()
    table = np.random.default_rng(0).standard_normal((teacher.get_vocab_size(), 8), dtype=np.float32)
    pairs = [SentencePair("the water is clean", text) for text in sentences]
    config = VocabularyConfig(n_pieces=300, min_piece_frequency=2, iterations=1)
    return extend_vocabulary(teacher, table, pairs, config, languages=[code]).tokenizer


def check_law(tokenizer, text, *, has_words):
    """The pieces join back to the text, no piece has parts of two words, and n words give at least n tokens."""
    encoding = tokenizer.encode(text, add_special_tokens=False)
    words = split_words(tokenizer, text)
    unknown = {tokenizer.token_to_id("[UNK]"), tokenizer.token_to_id("<unk>")}
    if not unknown & set(encoding.ids):
        assert "".join(tokenizer.decode(encoding.ids).split()) == "".join(words)
    # in scripts without blanks, a word that the bitext taught can be longer than one of the dictionary
    is_counted = has_words and not has_unspaced(text)
    assert len(encoding.ids) >= len(words if is_counted else text.split())
    covered = {place for start, end in encoding.offsets for place in range(start, end)}
    lost = [letter for place, letter in enumerate(text) if letter.isalnum() and place not in covered]
    assert not lost, text
    assert [start for start, _ in encoding.offsets] == sorted(start for start, _ in encoding.offsets)
    for start, end in encoding.offsets:  # blanks within scripts without blanks are passed over
        assert has_unspaced(text[start:end]) or len(text[start:end].split()) <= 1, (text, text[start:end])
    return words, [tokenizer.id_to_token(number) for number in encoding.ids]


@pytest.mark.parametrize("code", SENTENCES)
@pytest.mark.parametrize("make", TOKENIZERS)
def test_every_word_of_a_sentence_is_at_least_one_token(make, code):
    student = extended(make, SENTENCES[code], code)
    for text in SENTENCES[code]:
        check_law(make((*SENTENCES[code], *tiny_models.ENGLISH)), text, has_words=False)
        words, tokens = check_law(student, text, has_words=True)
        assert len(tokens) <= len(words) + 2, (tokens, words)  # each learned word is one token
        assert not {"[UNK]", "<unk>"} & set(tokens)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data is not on this machine")
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_word_of_real_sentences_is_at_least_one_token(code):
    texts = real_sentences(code)
    assert len(texts) == 60
    for make in TOKENIZERS:
        plain, student = make(texts), extended(make, texts[:30], code)
        for text in texts:
            check_law(plain, text, has_words=False)
            check_law(student, text, has_words=True)


@pytest.mark.parametrize("make", TOKENIZERS)
def test_words_and_their_places_are_the_same_words(make):
    for code, texts in SENTENCES.items():
        student = extended(make, texts, code)
        for text in texts:
            places = word_places(student, text)
            assert [word for word, _ in places] == [word.casefold() for word in split_words(student, text)]
            assert [place for _, place in places] == sorted(place for _, place in places)


@pytest.mark.parametrize("make", TOKENIZERS)
def test_no_token_for_the_blank_before_a_mark(make):
    student = extended(make, SENTENCES["swa"], "swa")
    tokens = student.encode("Maji safi, homa!", add_special_tokens=False).tokens
    assert not {"▁", "Ġ"} & set(tokens)
    assert len([token for token in tokens if "safi" in token.lower()]) == 1


TATWEEL = "\u0640"
"""It only stretches a word, and a student reads words without it."""


@cache
def assigned_letters():
    every = (chr(point) for point in range(1, sys.maxunicode + 1))
    return [each for each in every if unicodedata.category(each) not in ("Cs", "Cn", "Co")]


@pytest.mark.parametrize("code", ["swa", "tha"])
@pytest.mark.parametrize("make", TOKENIZERS)
def test_no_code_point_fails_and_no_letter_is_dropped(make, code, cases):
    """Promise 14: all that can be typed can be asked; with `--deep` every code point that Unicode assigns."""
    student = extended(make, SENTENCES[code], code)
    letters = assigned_letters()[:: cases(397, 1)]
    assert len(letters) >= 300
    texts = [normal_form(f"maji {letter}x") for letter in letters]
    for text, encoding in zip(texts, student.encode_batch(texts, add_special_tokens=False), strict=True):
        covered = {place for start, end in encoding.offsets for place in range(start, end)}
        lost = [
            each for place, each in enumerate(text)
            if each.isalnum() and each != TATWEEL and place not in covered
        ]  # fmt: skip
        assert not lost, [f"U+{ord(each):04X}" for each in lost]


@pytest.mark.parametrize("make", TOKENIZERS)
def test_marks_without_a_letter_and_floods_of_them_are_no_failure(make):
    student = extended(make, SENTENCES["swa"], "swa")
    for text in (
        "\u0301",
        "\u0e48",
        "e" + "\u0301" * 2000,
        "\u200d",
        "\u202e\u202c",
        "🏳️\u200d🌈",
        "🇰🇪",
        "\U000e0067",
    ):
        encoding = student.encode(normal_form(f"maji {text} safi"), add_special_tokens=False)
        assert len(encoding.ids) >= 2
