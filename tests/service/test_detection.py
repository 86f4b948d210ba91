"""Languages are told apart by the words that a model was trained on."""

import pytest

from opticlir.data import read_beir, read_bitext, read_corpus
from opticlir.sample import bitext_path, sample_folder
from opticlir.service.detection import LanguageDetector
from opticlir.words import rough_words


@pytest.fixture(scope="module")
def words():
    found = {
        code: {
            word
            for pair in read_bitext(bitext_path(code), language=code)
            for word in rough_words(pair.foreign)
        }
        for code in ("swa", "hau", "spa")
    }
    found["eng"] = {word for each in read_corpus(sample_folder()) for word in rough_words(each.content)}
    return found


def test_questions_of_the_sample_are_in_their_language(words):
    detector = LanguageDetector(words)
    asked = [
        (code, query.text) for code in words for query in read_beir(sample_folder(), code, "test").queries
    ]
    wrong = [(code, text, found) for code, text in asked if (found := detector.detect(text)) != code]
    assert len(asked) == 240
    assert len(wrong) <= 2, wrong


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


def test_it_does_not_depend_on_the_order_of_words_or_on_case(words):
    first = LanguageDetector(words)
    second = LanguageDetector({code: sorted(each, reverse=True) for code, each in words.items()})
    for text in ("Maji safi", "MAJI SAFI", "ruwa mai tsabta", "agua limpia"):
        assert first.detect(text) == second.detect(text) == first.detect(text.lower())
