"""The words that a student's own embeddings propose: on a vocabulary placed by hand, and on a learned one."""

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import VocabularyConfig, load_model, new_student, transformer_of, vocabulary_for
from opticlir.lab.training.embedding_dictionary import dictionary_from_embeddings
from opticlir.records import SentencePair

ANGLES = {
    "water": 0, "child": 50, "fever": 100, "net": 150,
    "maji": 5, "mtoto": 44, "homa": 60, "dawa": 240,
}  # fmt: skip
"""Where each word is placed on the unit circle, in degrees, when the vocabulary is placed by hand."""

PAIRS = [
    SentencePair("Water, water, child!", "Maji, maji, mtoto!"),
    SentencePair("fever net", "homa dawa 12 net"),
]


@pytest.fixture(scope="module")
def vocabulary(teacher):
    return vocabulary_for(teacher, tiny_models.PAIRS, VocabularyConfig(n_pieces=200, min_piece_frequency=2))


@pytest.fixture
def placed(teacher, vocabulary):
    """A student whose words lie on a circle; tokens without an angle have no direction."""
    student = new_student(teacher, vocabulary)
    transformer = transformer_of(student, "query")
    table = transformer.model.get_input_embeddings().weight
    with torch.no_grad():
        table.zero_()
        for word, angle in ANGLES.items():
            row = table[transformer.tokenizer.convert_tokens_to_ids(word)]
            row[0], row[1] = 3 * np.cos(np.radians(angle)), 3 * np.sin(np.radians(angle))
    return student


def test_words_that_are_each_others_nearest_are_entries(placed):
    """maji-water and mtoto-child lie together. homa is nearest to child, which has a nearer one; dawa is far
    from all; net is a word of both sides, and 12 is no word."""
    assert dictionary_from_embeddings(placed, PAIRS) == [("water", "maji"), ("child", "mtoto")]


def test_a_neighbour_without_likeness_is_none(placed):
    """The only words of each side are each other's nearest, whatever they are."""
    assert dictionary_from_embeddings(placed, [SentencePair("net", "dawa")]) == []  # 90 degrees
    assert dictionary_from_embeddings(placed, [SentencePair("fever", "homa")]) == [("fever", "homa")]  # 40


def test_a_word_is_the_mean_of_its_pieces(placed):
    """`zq` is read as `z ##q`, each far from water, their mean on it."""
    transformer = transformer_of(placed, "query")
    first, second = transformer.tokenizer("zq", add_special_tokens=False)["input_ids"]
    table = transformer.model.get_input_embeddings().weight
    with torch.no_grad():
        table[first, :2] = torch.tensor([1.0, 5.0])
        table[second, :2] = torch.tensor([1.0, -5.0])
    assert dictionary_from_embeddings(placed, [SentencePair("water", "zq")]) == [("water", "zq")]
    with torch.no_grad():
        table[second, :2] = torch.tensor([1.0, 5.0])  # 79 degrees from water now: cosine .2
    assert dictionary_from_embeddings(placed, [SentencePair("water", "zq")]) == []


@pytest.mark.parametrize(
    "pairs",
    [[], [SentencePair("12 , .", "maji")], [SentencePair("water", "疟")]],
    ids=["no pair", "no English word", "no piece known"],
)
def test_without_words_there_is_no_entry(placed, pairs):
    assert dictionary_from_embeddings(placed, pairs) == []


def test_capital_letters_make_no_other_word(tmp_path):
    tokenizer = tiny_models.unigram_tokenizer([*tiny_models.ENGLISH, "The Water"])
    student = load_model(tiny_models.save_encoder(tmp_path / "cased", tokenizer))
    pairs = [SentencePair("water Water Water", "maji Maji maji")]
    found = dictionary_from_embeddings(student, pairs)
    assert found in ([("Water", "maji")], [])  # one of each at most, as it is written most often


def test_what_an_initialised_student_proposes_is_of_the_bitext(teacher, vocabulary):
    found = dictionary_from_embeddings(new_student(teacher, vocabulary), tiny_models.PAIRS)
    assert {word for _, word in found} <= {word for text in tiny_models.SWAHILI for word in text.split()}
    assert {word for word, _ in found} <= {word for text in tiny_models.ENGLISH for word in text.split()}
    assert len(found) == len({word for _, word in found}) == len({word for word, _ in found}) > 0
    assert found == sorted(found, key=lambda entry: entry[1])
