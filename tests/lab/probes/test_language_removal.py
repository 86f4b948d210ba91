import numpy as np
import pytest

import tiny_models
from opticlir.encoder import document_fingerprint, encode_documents, encode_queries, load_model, save_model
from opticlir.lab.probes.language_removal import remove_language

QUERIES, DOCUMENTS = (
    ["maji ni safi", "mtoto ana homa"],
    ["the water is clean", "the child has a fever, [CLS]"],
)


def tokens(model, side):
    """All vectors of one side of the bitext."""
    if side == "foreign":
        return np.concatenate(encode_queries(model, [pair.foreign for pair in tiny_models.PAIRS]))
    return np.concatenate(list(encode_documents(model, [pair.english for pair in tiny_models.PAIRS])))


def without(rows, component):
    """Each row less what it has of a unit vector, at unit length."""
    left = rows - np.outer(rows @ component, component)
    return left / np.linalg.norm(left, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def plain(checkpoints):
    return load_model(checkpoints["plain"])


@pytest.mark.parametrize("kind", ["plain", "stanford", "crosslingual"])
def test_lir_takes_its_first_component_out_of_each_side(checkpoints, kind):
    model = load_model(checkpoints[kind])
    rid = remove_language(model, tiny_models.PAIRS, how="lir", rank=1)
    for side in ("foreign", "english"):
        rows = tokens(model, side).astype(np.float64)
        _, _, right = np.linalg.svd(rows, full_matrices=False)
        np.testing.assert_allclose(tokens(rid, side), without(rows, right[0]), atol=2e-5)


def test_lsar_takes_the_difference_of_the_means_out_of_both(plain):
    rid = remove_language(plain, tiny_models.PAIRS, how="lsar", rank=1)
    foreign, english = (tokens(plain, side).astype(np.float64) for side in ("foreign", "english"))
    difference = foreign.mean(axis=0) - english.mean(axis=0)
    direction = difference / np.linalg.norm(difference)
    np.testing.assert_allclose(tokens(rid, "foreign"), without(foreign, direction), atol=2e-5)
    np.testing.assert_allclose(tokens(rid, "english"), without(english, direction), atol=2e-5)


def test_the_model_is_stock_and_the_one_it_was_made_of_is_as_it_was(plain, tmp_path):
    before = [*encode_queries(plain, QUERIES), *encode_documents(plain, DOCUMENTS)]
    rid = remove_language(plain, tiny_models.PAIRS, how="lir", rank=2)
    after = [*encode_queries(plain, QUERIES), *encode_documents(plain, DOCUMENTS)]
    save_model(rid, tmp_path / "rid")
    opened = load_model(tmp_path / "rid")
    for found, expected in zip(after, before, strict=True):
        np.testing.assert_array_equal(found, expected)
    for texts, encode in ((QUERIES, encode_queries), (DOCUMENTS, encode_documents)):
        for found, expected in zip(encode(opened, texts), encode(rid, texts), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)


def test_its_documents_have_an_index_of_their_own(plain):
    names = {
        document_fingerprint(remove_language(plain, tiny_models.PAIRS, how=how, rank=rank))
        for how, rank in (("lir", 1), ("lir", 2), ("lsar", 1))
    }
    assert len(names | {document_fingerprint(plain)}) == 4


def test_it_tells_how_far_it_is(plain):
    told = []
    remove_language(plain, tiny_models.PAIRS, how="lsar", rank=1, progress=lambda _, *at: told.append(at))
    assert told == [(0, 40), (20, 40), (40, 40)]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"how": "centred", "rank": 1}, "how is 'centred': expected lir or lsar"),
        ({"how": "lir", "rank": 0}, "rank is 0: expected 1 to 31 in a space of 32 dimensions"),
        ({"how": "lsar", "rank": 2}, "rank is 2: expected 1 to 1 with 2 languages"),
    ],
)
def test_what_cannot_be_removed_is_refused(plain, asked, message):
    with pytest.raises(ValueError, match=message):
        remove_language(plain, tiny_models.PAIRS, **asked)


def test_without_a_pair_nothing_is_learned(plain):
    with pytest.raises(ValueError, match="there is no vector to learn the language from"):
        remove_language(plain, [], how="lir", rank=1)
