"""Word tables read the words of every script, as a student of the same bitext does."""

import pytest

from opticlir.lab.rivals import StructuredQueries
from opticlir.records import Document, Query, SentencePair
from opticlir.translation import Dictionary, WordTable
from opticlir.translation.foreign_words import foreign_words
from opticlir.words import uncased_words

# words that differ only in vowel signs, by script
PAIRS_OF_WORDS = {
    "Tamil": ("tam", ("paste", "பல்"), ("tail", "பால்")),
    "Sinhala": ("sin", ("book", "පොත"), ("page", "පත")),
    "Gurmukhi": ("pan", ("water", "ਪਾਣੀ"), ("on", "ਪਣੇ")),
    "Bengali": ("ben", ("milk", "দুধ"), ("tooth", "দধি")),
    "Telugu": ("tel", ("milk", "పాలు"), ("fruit", "పలు")),
    "Malayalam": ("mal", ("tree", "മരം"), ("beard", "മീര")),
    "Khmer": ("khm", ("fish", "ត្រី"), ("ear", "ត្រា")),
    "Burmese": ("mya", ("milk", "နို့"), ("day", "နေ့")),
    "Lao": ("lao", ("fish", "ປາ"), ("year", "ປີ")),
    "Tibetan": ("bod", ("mouth", "ཁ"), ("dog", "ཁྱི")),
    "Divehi": ("div", ("water", "ފެން"), ("leaf", "ފަން")),
    "Japanese": ("jpn", ("key", "かぎ"), ("oyster", "かき")),
    "Yiddish": ("yid", ("day", "טאָג"), ("roof", "טאַג")),
}


@pytest.mark.parametrize("script", PAIRS_OF_WORDS)
def test_words_that_differ_in_vowel_signs_stay_apart(script):
    language, *entries = PAIRS_OF_WORDS[script]
    pairs = [SentencePair(english, foreign) for english, foreign in entries for _ in range(3)]
    table = WordTable.learn(pairs, language=language)
    assert [table.translate(foreign) for _, foreign in entries] == [english for english, _ in entries]
    dictionary = Dictionary(entries, language)
    assert [dictionary.translate(foreign) for _, foreign in entries] == [english for english, _ in entries]
    documents = [Document(english, english) for english, _ in entries]
    found = StructuredQueries(documents, table).rank(
        [Query(english, foreign, language) for english, foreign in entries]
    )
    assert {query: list(ranking) for query, ranking in found.items()} == {
        english: [english] for english, _ in entries
    }


def test_a_script_without_blanks_is_cut_into_words():
    pairs = [
        SentencePair("clean water", "น้ำสะอาด"),
        SentencePair("water", "น้ำ"),
        SentencePair("clean", "สะอาด"),
    ]
    assert WordTable.learn(pairs, language="tha").translate("สะอาดน้ำ") == "clean water"


def test_vowel_signs_that_are_optional_find_their_word():
    """An Arabic question lacks them, also where the bitext is a book with all of them."""
    table = WordTable.learn([SentencePair("book", "كِتَاب"), SentencePair("pen", "قَلَم")], language="ara")
    assert table.translate("كتاب قلم") == "book pen"


def test_the_rules_of_the_student_hold():
    words = foreign_words(["ƴan ʼyan ’yan", "1947 १९४७"], "hau")
    assert words("ƴan") == words("ʼyan") == words("’yan") == ["ʼyan"]
    hindi = foreign_words(["वर्ष १९४७"], "hin")
    assert hindi("१९४७") == hindi("1947")
    assert foreign_words(["ilé"], "yor")("ILÉ") == ["ile"], (
        "a mark of a Latin letter is dropped, as by the student"
    )


def test_english_words_keep_the_marks_of_other_scripts():
    assert uncased_words("The word नमस्ते, Ilé") == ["the", "word", "नमस्ते", ",", "ile"]
