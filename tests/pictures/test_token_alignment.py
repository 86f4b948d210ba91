import numpy as np
import pytest
import torch

from opticlir.encoder import EncodedText, Piece, encode_documents, encode_pieces, encode_queries
from opticlir.errors import ArtefactError, DataError
from opticlir.pictures import TokenAlignment, align_texts, align_words
from opticlir.transport import cosine_cost, proximal_point, uniform

FOREIGN, ENGLISH = "mtoto ana homa", "the child has a fever"


def test_tokens_are_named_on_their_own_side(tiny_cross_lingual):
    alignment = align_texts(tiny_cross_lingual, FOREIGN, ENGLISH)
    assert alignment.foreign == ("mtoto", "ana", "homa")
    assert alignment.english == ("the", "child", "has", "a", "fever")


def test_the_plan_is_that_of_training(tiny_cross_lingual):
    """Query route against document route, cosine cost, uniform mass, proximal plan."""
    (student,) = encode_queries(tiny_cross_lingual, [FOREIGN])
    (teacher,) = encode_documents(tiny_cross_lingual, [ENGLISH])
    cost = cosine_cost(torch.from_numpy(student)[None], torch.from_numpy(teacher)[None])
    masses = [uniform(torch.ones(1, length, dtype=torch.bool)) for length in (3, 5)]
    expected = proximal_point(cost, *masses)
    alignment = align_texts(tiny_cross_lingual, FOREIGN, ENGLISH)
    np.testing.assert_allclose(alignment.plan, expected.plan[0].numpy(), atol=1e-6)
    assert alignment.cost == pytest.approx(expected.value.item(), abs=1e-6)


def test_mass_is_kept(tiny_cross_lingual):
    alignment = align_texts(
        tiny_cross_lingual, "chemsha maji kabla ya kunywa", "boil the water before you drink"
    )
    assert alignment.plan.sum() == pytest.approx(1, abs=1e-2)
    np.testing.assert_allclose(alignment.plan.sum(axis=1), 1 / 5, atol=1e-2)
    np.testing.assert_allclose(alignment.shares.sum(axis=1), 1)


def test_a_text_goes_to_itself(tiny_teacher):
    """Same vectors, other places: at zero cost each token has its own."""
    alignment = align_texts(tiny_teacher, ENGLISH, ENGLISH)
    assert alignment.cost < 0.02
    assert (alignment.shares.argmax(axis=1) == np.arange(5)).all()
    assert alignment.strongest(1, at_least=0.5)[0][0] == "child"


def test_shares_and_strongest_by_hand():
    plan = np.array([[0.1, 0.3, 0.1], [0.5, 0.0, 0.0]])
    alignment = TokenAlignment(foreign=("f", "g"), english=("a", "b", "c"), plan=plan, cost=0.5, is_cut=False)
    np.testing.assert_allclose(alignment.shares, [[0.2, 0.6, 0.2], [1, 0, 0]])
    found = alignment.strongest(0, at_least=0.2 - 1e-9)
    assert [token for token, _ in found] == ["b", "a", "c"], "equal shares keep the order of the text"


def test_parts_of_words_and_dangerous_marks_are_shown(tiny_cross_lingual):
    alignment = align_texts(tiny_cross_lingual, "maji <b>", "waterxq")
    assert alignment.foreign == ("maji", "<", "b", ">")
    assert alignment.english[0] == "water"
    assert all(token.startswith("·") for token in alignment.english[1:])


def test_what_is_cut_is_said(tiny_cross_lingual):
    alignment = align_texts(tiny_cross_lingual, "maji " * 80, ENGLISH)
    assert alignment.is_cut
    assert len(alignment.foreign) == 62
    assert "left out" in alignment.legend
    assert "left out" not in align_texts(tiny_cross_lingual, FOREIGN, ENGLISH).legend


@pytest.mark.parametrize(("foreign", "english"), [(" ", "water"), ("maji", "\n\t")])
def test_no_token_is_refused(tiny_cross_lingual, foreign, english):
    with pytest.raises(DataError, match=r"no token in .*: give a text with words in it"):
        align_texts(tiny_cross_lingual, foreign, english)


def test_half_a_character_is_refused(tiny_cross_lingual):
    with pytest.raises(DataError, match=r"U\+D800 is not text"):
        align_texts(tiny_cross_lingual, "maji \ud800", "water")


def test_a_damaged_model_is_refused(tiny_teacher, monkeypatch):
    embeddings = next(tiny_teacher.parameters())
    whole = embeddings.detach().clone()
    with torch.no_grad():
        embeddings.fill_(float("nan"))
    try:
        with pytest.raises(ArtefactError, match="not finite for 'water'"):
            align_texts(tiny_teacher, "water", "water")
    finally:
        with torch.no_grad():
            embeddings.copy_(whole)


def test_pieces_of_a_word_are_put_together(tiny_cross_lingual):
    foreign = encode_pieces(tiny_cross_lingual, FOREIGN, "query")
    english = encode_pieces(tiny_cross_lingual, "waterxq is clean", "document")
    pieces, words = (
        align_texts(tiny_cross_lingual, FOREIGN, "waterxq is clean"), align_words(foreign, english)
    )  # fmt: skip
    n_of_the_first = len(english.pieces) - 2
    assert n_of_the_first > 1
    assert words.english == ("waterxq", "is", "clean")
    assert words.foreign == ("mtoto", "ana", "homa")
    np.testing.assert_allclose(words.plan[:, 0], pieces.plan[:, :n_of_the_first].sum(axis=1))
    np.testing.assert_allclose(words.plan[:, 1:], pieces.plan[:, n_of_the_first:])
    assert words.cost == pieces.cost


def test_words_by_hand():
    """Three pieces, two words, each piece on its own vector: the word of two has two thirds of the mass."""
    pieces = (Piece("ma", False), Piece("ji\u202e", True), Piece("safi", False))
    text = EncodedText(pieces, np.eye(3, dtype=np.float32), is_cut=False)
    words = align_words(text, text)
    assert words.foreign == words.english == ("maji<U+202E>", "safi")
    np.testing.assert_allclose(words.plan, [[2 / 3, 0], [0, 1 / 3]], atol=1e-3)
