"""Pieces are read as people write them, and each vector is the one that search uses."""

import numpy as np
import pytest

from opticlir.encoder import (
    Piece,
    encode_documents,
    encode_pieces,
    encode_queries,
    encode_words,
    load_model,
    spelled,
    token_places,
)
from tiny_models import byte_level_tokenizer, save_encoder, save_pylate, save_stanford, unigram_tokenizer

WORD, PART = False, True


def tell(model, text, task="query"):
    return [(piece.text, piece.is_continuation) for piece in encode_pieces(model, text, task).pieces]


@pytest.fixture(scope="module")
def wordpiece(tmp_path_factory):
    return load_model(save_encoder(tmp_path_factory.mktemp("wordpiece")))


@pytest.fixture(scope="module", params=[unigram_tokenizer, byte_level_tokenizer], ids=["unigram", "bytes"])
def marked_words(tmp_path_factory, request):
    """Tokenizers that mark where a word begins, not where it goes on."""
    return load_model(save_encoder(tmp_path_factory.mktemp("marked"), request.param()))


def test_wordpiece_marks_what_goes_on(wordpiece):
    assert tell(wordpiece, "The water.") == [("the", WORD), ("water", WORD), (".", WORD)]
    pieces = encode_pieces(wordpiece, "waterxq", "query").pieces
    assert pieces[0] == Piece("water", is_continuation=False)
    assert "".join(piece.text for piece in pieces) == "waterxq"
    assert all(piece.is_continuation for piece in pieces[1:])


def test_an_unknown_token_stays(wordpiece):
    assert tell(wordpiece, "water 疟") == [("water", WORD), ("[UNK]", WORD)]


def test_pieces_without_hash_marks(marked_words):
    found = tell(marked_words, "a water zebra")
    words = []
    for text, is_continuation in found:
        if is_continuation:
            words[-1] += text
        else:
            words.append(text)
    # a space can be a token of its own, and then leads its word
    assert [word.lstrip("▁Ġ") for word in words] == ["a", "water", "zebra"]
    assert any(is_continuation for _, is_continuation in found)


@pytest.mark.parametrize("task", ["query", "document"])
def test_vectors_are_those_of_search(wordpiece, task):
    text = "boil the water before you drink"
    encoded = encode_pieces(wordpiece, text, task)
    (expected,) = (
        encode_queries(wordpiece, [text]) if task == "query" else encode_documents(wordpiece, [text])
    )
    np.testing.assert_allclose(encoded.tokens, expected, atol=1e-6)
    assert len(encoded.pieces) == len(expected)


@pytest.mark.parametrize("save", [save_stanford, save_pylate])
def test_markers_and_expansion_of_colbert_are_left_out(tmp_path, save):
    model = load_model(save(tmp_path / "colbert"))
    encoded = encode_pieces(model, "the water", "query")
    assert [piece.text for piece in encoded.pieces] == ["the", "water"]
    assert encoded.tokens.shape == (2, 16)
    assert len(encode_queries(model, ["the water"])[0]) > 2, "the model itself scores markers and expansion"


def test_a_cut_text_says_so(wordpiece):
    assert not encode_pieces(wordpiece, " ".join(["water"] * 62), "query").is_cut
    cut = encode_pieces(wordpiece, " ".join(["water"] * 63), "query")
    assert cut.is_cut
    assert len(cut.pieces) == 62


def test_no_words_no_pieces(wordpiece):
    encoded = encode_pieces(wordpiece, " ", "query")
    assert encoded.pieces == ()
    assert encoded.tokens.shape == (0, 32)


def test_words_gather_the_vectors_of_their_pieces(wordpiece, marked_words):
    texts = ["The waterxq zebra, it!", "a"]
    for model in (wordpiece, marked_words):
        for text, found in zip(texts, encode_words(model, texts, "query"), strict=True):
            whole = encode_pieces(model, text, "query")
            np.testing.assert_allclose(found.tokens, whole.tokens, atol=1e-5)  # others pad in their batch
            assert len(found.word_of) == len(whole.pieces)
            assert "".join(found.words).lower() == text.replace(" ", "").lower()
            assert sorted(set(found.word_of.tolist())) == list(range(len(found.words)))
            begins = [number for number, piece in enumerate(whole.pieces) if not piece.is_continuation]
            if model is wordpiece:
                assert [found.word_of[number] for number in begins] == list(range(len(found.words)))


@pytest.mark.parametrize("kind", ["plain", "other", "stanford", "pylate", "native"])
def test_tokens_stand_where_the_encoder_is_given_them(checkpoints, kind):
    """Row by row its inputs; each letter of the text belongs to one token, markers and the prompt to none."""
    model = load_model(checkpoints[kind])
    texts = ["boil the water", "a zebra, twice"]
    inputs = model.preprocess(texts, prompt=model.prompts.get("query"), task="query")
    for row, (text, places) in enumerate(zip(texts, token_places(model, texts, "query"), strict=True)):
        n_tokens = len(places.ids)
        assert inputs["input_ids"][row, :n_tokens].tolist() == places.ids.tolist()
        of_text = places.last_letters[places.last_letters >= 0].tolist()
        assert of_text == sorted(set(of_text))
        assert of_text[-1] == len(text) - 1
        assert places.last_letters[0] < 0 > places.last_letters[-1]


def test_a_word_is_spelled_as_it_is_within_a_text(marked_words):
    tokenizer = marked_words[0].tokenizer
    within = tokenizer("a water zebra", add_special_tokens=False)["input_ids"]
    words = spelled(marked_words, ["water", "zebra"], "query")
    assert within[-len(words[0]) - len(words[1]) :] == words[0] + words[1]


def test_a_word_with_an_unknown_letter_has_no_spelling(wordpiece):
    (water, unknown) = spelled(wordpiece, ["Water", "疟"], "query")
    assert len(water) == 1
    assert unknown == []
    assert spelled(wordpiece, [], "query") == []
