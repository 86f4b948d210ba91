"""Languages are told apart by the words that a model was trained on."""

from collections import Counter

import pytest

from opticlir.data import read_beir, read_bitext, read_corpus
from opticlir.sample import bitext_path, sample_folder
from opticlir.search.detection import LanguageDetector
from opticlir.words import rough_words


@pytest.fixture(scope="module")
def words():
    texts = {
        code: [pair.foreign for pair in read_bitext(bitext_path(code), language=code)]
        for code in ("swa", "hau", "spa")
    } | {"eng": [each.content for each in read_corpus(sample_folder())]}
    return {
        code: by_frequency(word for text in each for word in rough_words(text))
        for code, each in texts.items()
    }


def by_frequency(words):
    return [word for word, _ in Counter(words).most_common()]


def test_questions_of_the_sample_are_in_their_language(words):
    detector = LanguageDetector(words)
    asked = [
        (code, query.text) for code in words for query in read_beir(sample_folder(), code, "test").queries
    ]
    wrong = [(code, text, found) for code, text in asked if (found := detector.detect(text)) != code]
    assert len(asked) == 240
    assert not wrong


def test_single_words_that_no_list_holds_are_told_by_their_spelling(words):
    """Words of the questions, kept back from the lists."""
    asked = {
        code: {
            word
            for query in read_beir(sample_folder(), code, "test").queries
            for word in rough_words(query.text)
        }
        for code in words
    }
    everywhere = set().union(*words.values())
    unseen = [(code, word) for code, each in asked.items() for word in each - everywhere if len(word) > 4]
    detector = LanguageDetector(words)
    right = sum(detector.detect(word) == code for code, word in unseen)
    assert len(unseen) > 20
    assert right / len(unseen) > 0.7


def test_a_text_without_words_has_no_language(words):
    detector = LanguageDetector(words)
    for text in ("", "?!", "123 456", "…"):
        assert detector.detect(text) is None
    assert LanguageDetector({"swa": []}).detect("maji") is None


def test_the_case_of_a_whole_question_does_not_matter(words):
    detector = LanguageDetector(words)
    for text, code in (("Maji safi ni yapi", "swa"), ("ruwa mai tsabta", "hau"), ("agua limpia", "spa")):
        assert detector.detect(text) == detector.detect(text.upper()) == detector.detect(text.lower()) == code


def test_english_names_do_not_make_a_question_english(words):
    detector = LanguageDetector(words)
    for text, code in (
        ("Je, The World Health Organization ni nini?", "swa"),
        ("Mene ne The Melinda Gates Foundation?", "hau"),
        ("Médecins Sans Frontières, what is it?", "eng"),
    ):
        assert detector.detect(text) == code, text


def test_diacritics_may_be_left_out(words):
    detector = LanguageDetector({"yor": ["ọjọ́", "omi", "ní"], "spa": words["spa"]})
    assert detector.detect("ojo omi") == detector.detect("ọjọ́ omi") == "yor"
    assert LanguageDetector({"yor": ["ojo", "omi"], "spa": words["spa"]}).detect("ọjọ́") == "yor"


def test_frequent_words_count_more_than_rare_ones():
    """`na` is common in the first language and rare in the second one."""
    rest = [f"wo{letter}d" for letter in "abcdefghijkl"]
    first, second = ["na", *rest], [*rest, "na"]
    assert LanguageDetector({"one": first, "two": second}).detect("na") == "one"
    assert LanguageDetector({"one": second, "two": first}).detect("na") == "two"
