"""Spellings of one word are the same tokens for a student."""

import numpy as np
import pytest

import tiny_models
from opticlir.encoder import VocabularyConfig, extend_vocabulary, split_words
from opticlir.records import SentencePair

TOKENIZERS = [
    tiny_models.wordpiece_tokenizer, tiny_models.cased_wordpiece_tokenizer, tiny_models.unigram_tokenizer,
    tiny_models.byte_level_tokenizer, tiny_models.gemma_tokenizer, tiny_models.llama_tokenizer,
]  # fmt: skip
APOSTROPHES = "'’‘ʼʻ`´＇"


def student(make, foreign, *languages):
    teacher = make()
    table = np.random.default_rng(0).standard_normal((teacher.get_vocab_size(), 8), dtype=np.float32)
    config = VocabularyConfig(n_pieces=300, min_piece_frequency=2, iterations=1)
    pairs = [SentencePair("clean water", text) for text in foreign]
    return extend_vocabulary(teacher, table, pairs, config, languages=languages).tokenizer


def tokens_of(tokenizer, text):
    return [tokenizer.id_to_token(each) for each in tokenizer.encode(text, add_special_tokens=False).ids]


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("swa", "ng{}ombe"), ("hau", "{}yan"), ("haw", "Hawai{}i"), ("haw", "{}okina"), ("smo", "fa{}afafine"),
        ("uzb", "o{}zbek"), ("uzb", "bog{}"), ("ukr", "п{}ять"), ("bel", "сям{}я"), ("bre", "c{}hoar"),
        ("grn", "mba{}e"), ("que", "p{}unchaw"), ("heb", "ג{}ירפה"),
    ],
)  # fmt: skip
def test_an_apostrophe_that_is_a_letter_is_one_letter_however_it_is_typed(make, language, word):
    forms = [word.format(apostrophe) for apostrophe in APOSTROPHES]
    tokenizer = student(make, [f"{form} {form}" for form in forms], language)
    assert len({tuple(tokens_of(tokenizer, f"a {form}")) for form in forms}) == 1
    for form in forms:
        assert len(split_words(tokenizer, form)) == 1
        assert len(tokens_of(tokenizer, form)) == 1
        assert tokenizer.token_to_id("[UNK]") not in tokenizer.encode(form).ids


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize("languages", [("fra",), (), ("hau", "fra")])
def test_elsewhere_it_is_one_mark_between_words(make, languages):
    forms = [f"l{apostrophe}eau" for apostrophe in APOSTROPHES]
    tokenizer = student(make, forms, *languages)
    assert {tuple(split_words(tokenizer, form)) for form in forms} == {("l", "'", "eau")}
    assert len({tuple(tokens_of(tokenizer, form)) for form in forms}) == 1


def test_a_quoted_word_is_the_word():
    tokenizer = student(tiny_models.wordpiece_tokenizer, ["maji ng'ombe"], "swa")
    assert tokens_of(tokenizer, "‘maji’") == ["'", "maji", "'"]
    assert tokens_of(tokenizer, "“maji”")[1] == "maji"


@pytest.mark.parametrize("make", TOKENIZERS)
def test_hausa_of_both_standards_is_one(make):
    tokenizer = student(make, ["ʼyan mata", "'yan mata"], "hau")
    assert tokens_of(tokenizer, "a ƴan") == tokens_of(tokenizer, "a 'yan") == tokens_of(tokenizer, "a ʼyan")


@pytest.mark.parametrize(
    ("usual", "typed"),
    [
        ("ışık ılık", "IŞIK ILIK"), ("istanbul izmir", "İSTANBUL İZMİR"), ("diyarbakır", "DİYARBAKIR"),
        ("οδός της", "ΟΔΟΣ ΤΗΣ"), ("straße weiß", "STRASSE WEISS"), ("weiß", "WEIẞ"), ("արև", "ԱՐԵՎ".replace("Վ", "Ւ")),
        ("школа", "ШКОЛА"), ("älykäs", "ÄLYKÄS"), ("ńdụ", "ŃDỤ"),
    ],
)  # fmt: skip
def test_capitals_are_the_same_tokens_for_a_tokenizer_without_case(usual, typed):
    tokenizer = student(tiny_models.wordpiece_tokenizer, [usual])
    assert tokens_of(tokenizer, typed) == tokens_of(tokenizer, usual)
    assert len(tokens_of(tokenizer, usual)) == len(usual.split())


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(
    ("bitext", "typed"),
    [
        ("کتاب می ایران", "كتاب مي ايران"), ("كتاب في", "کتاب فی"), ("apă și țară", "apă şi ţară"),
        ("كتاب جميل", "كتـــاب جميـل"), ("maji safi", "ma\u00adji sa\u2060fi"), ("سلام", "\u200fسلام\u200f"),
    ],
)  # fmt: skip
def test_another_keyboard_writes_the_same_word(make, bitext, typed):
    tokenizer = student(make, [bitext] * 3)
    assert tokens_of(tokenizer, typed) == tokens_of(tokenizer, bitext)


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(
    ("bitext", "typed"),
    [
        ("ɛyɛ nsuo pa ɔno", "εyε nsuo pa ᴐno"), ("ɔdɔ Ɔhene", "ͻdͻ Ͻhene"), ("ŋkɔ ɖe", "ƞkᴐ đe"), ("ɖo gbɔ", "ðo gbɔ"),
    ],
)  # fmt: skip
def test_letters_that_look_like_those_of_the_language_are_read_as_these(make, bitext, typed):
    tokenizer = student(make, [bitext] * 3 + [typed], "twi")
    assert tokens_of(tokenizer, typed) == tokens_of(tokenizer, bitext)


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(
    ("bitext", "typed"),
    [
        ("അവൻ വീട് അവൾ", "അവന്\u200d വീട് അവള്\u200d"), ("হঠাৎ উৎসব", "হঠাত্\u200d উত্\u200dসব"),
        ("سەرە ئەو", "سه\u200cره\u200c ئه\u200cو"),
    ],
)  # fmt: skip
def test_a_letter_that_was_once_typed_as_several_is_the_letter(make, bitext, typed):
    tokenizer = student(make, [bitext] * 3)
    assert tokens_of(tokenizer, typed) == tokens_of(tokenizer, bitext)


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(
    ("bitext", "one", "other"),
    [("φως ελλάδα", "ε", "ɛ"), ("šđ đak", "đ", "ɖ"), ("خانه\u200cها", "خانه\u200cها", "خانەها")],
)
def test_a_letter_that_the_language_has_is_no_look_alike(make, bitext, one, other):
    tokenizer = student(make, [bitext] * 3)
    write = tokenizer.normalizer.normalize_str
    assert write(one) != write(other)


@pytest.mark.parametrize("make", TOKENIZERS)
def test_letters_that_a_language_tells_apart_stay_apart(make):
    tokenizer = student(make, ["على مستشفى علي في", "إلى عربي"])
    assert tokens_of(tokenizer, "على") != tokens_of(tokenizer, "علي")
    tokenizer = student(make, ["naşa șase", "șapte"])
    assert tokens_of(tokenizer, "a b") == tokens_of(tokenizer, "a b")


UNSPACED = {
    "tha": ["น้ำสะอาดดีต่อสุขภาพ", "ฉันรักน้ำสะอาด"], "khm": ["ខ្ញុំស្រលាញ់ភាសាខ្មែរ"],
    "lao": ["ຂ້ອຍຮັກພາສາລາວ"], "mya": ["ကျွန်တော်မြန်မာစာကိုချစ်တယ်"], "zho": ["我喜欢干净的水"],
    "jpn": ["きれいな水を飲みます"], "jav": ["ꦲꦏ꧀ꦱꦫꦗꦮ"],
}  # fmt: skip


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize("language", UNSPACED)
def test_a_script_without_blanks_is_the_same_with_blanks(make, language):
    tokenizer = student(make, UNSPACED[language], language)
    for text in UNSPACED[language]:
        words = split_words(tokenizer, text)
        assert len(words) >= 3
        for gap in (" ", "\u200b", " \u200b "):
            assert tokens_of(tokenizer, gap.join(words)) == tokens_of(tokenizer, text)
            assert split_words(tokenizer, gap.join(words)) == words


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(("language", "text", "gap"), [("bod", "བོད་ཀྱི་སྐད་ཡིག", "་"), ("amh", "ንጹህ፡ውሃ፡ጠጡ", "፡")])
def test_marks_between_words_are_blanks(make, language, text, gap):
    tokenizer = student(make, [text], language)
    assert split_words(tokenizer, text) == text.split(gap)
    assert tokens_of(tokenizer, text) == tokens_of(tokenizer, text.replace(gap, " "))


SIGNS = {
    "ara": ("كتاب الماء", "كِتَابُ المَاءِ"),
    "arz": ("شربت الدواء", "شَرِبَتِ الدَّوَاءَ"),
    "heb": ("שלום ילדים", "שָׁלוֹם יְלָדִים"),
    "hbo": ("בראשית ברא", "בְּרֵאשִׁ֖ית בָּרָ֣א"),
}


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize("language", SIGNS)
@pytest.mark.parametrize("has_signs", [True, False])
def test_a_question_without_vowel_signs_meets_bitext_with_them_and_the_other_way_round(
    make, language, has_signs
):
    plain, vocalised = SIGNS[language]
    tokenizer = student(make, [vocalised if has_signs else plain] * 3, language)
    assert tokens_of(tokenizer, plain) == tokens_of(tokenizer, vocalised)


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(
    ("language", "word", "other"),
    [
        ("yid", "פֿאָטער", "פאטער"),
        ("kas", "كٔتاب كَتاب", "كتاب كتاب"),
        ("hau", "رُوَا", "روا"),
        ("yid", "אַלט", "אלט"),
    ],
)
def test_vowel_signs_stay_where_a_language_always_writes_them(make, language, word, other):
    tokenizer = student(make, [f"{word} {word}"] * 3, language)
    assert tokens_of(tokenizer, word) != tokens_of(tokenizer, other)


@pytest.mark.parametrize("language", ["urd", "fas", "pus"])
def test_rare_vowel_signs_of_another_language_are_optional(language):
    tokenizer = student(tiny_models.wordpiece_tokenizer, ["پانی صاف ہے پینے سے پہلے ابالیں"] * 20, language)
    assert tokens_of(tokenizer, "پَانِی صاف") == tokens_of(tokenizer, "پانی صاف")


def test_hamza_and_madda_are_letters():
    tokenizer = student(tiny_models.wordpiece_tokenizer, ["سأل سال آن ان"] * 3, "ara")
    assert tokens_of(tokenizer, "سأل") != tokens_of(tokenizer, "سال")
    assert tokens_of(tokenizer, "آن") != tokens_of(tokenizer, "ان")


@pytest.mark.parametrize("make", TOKENIZERS)
@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("hin", "साल", "१९१८"), ("ara", "عام", "١٩١٨"), ("fas", "سال", "۱۹۱۸"), ("ben", "সাল", "১৯১৮"),
        ("tha", "ปี", "๑๙๑๘"), ("mya", "နှစ်", "၁၉၁၈"), ("khm", "ឆ្នាំ", "១៩១៨"), ("nko", "ߛߊ߲߬", "߁߉߁߈"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_in_bitext", [True, False])
def test_digits_of_another_script_are_the_number(make, language, text, number, is_in_bitext):
    tokenizer = student(make, [f"{text} {number}" if is_in_bitext else text] * 3, language)
    assert tokens_of(tokenizer, number) == tokens_of(tokenizer, "1918")
