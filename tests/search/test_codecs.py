"""Small stores: what a codec keeps, and what an index with one answers."""

import numpy as np
import pytest

from opticlir.errors import ArtefactError, SettingsError
from opticlir.maxsim import maxsim_exact
from opticlir.records import Document
from opticlir.search.codecs import STORES, check_store, fit_codec
from opticlir.search.exact import ExactIndex
from opticlir.search.tokens import FEWEST

DIM = 48
SIZES = {"float32": 128, "float16": 64, "int8": 34, "4bit": 18, "2bit": 10}
"""Bytes of a vector of 32 numbers."""
ERRORS = {"float32": 1e-6, "float16": 1e-3, "int8": 0.01, "4bit": 0.12, "2bit": 0.37}
"""Largest error of a code, as a share of the vectors' length. A normal number has .097 at 4 bits, .343 at 2."""


def vectors(n_rows, seed=0):
    """Unit vectors, most of whose length is in a space of 32 dimensions, around a mean that is not 0."""
    generator = np.random.default_rng(seed)
    spread = np.array([1.0] * 32 + [0.05] * (DIM - 32))
    turned, _ = np.linalg.qr(np.random.default_rng(7).standard_normal((DIM, DIM)))
    rows = (generator.standard_normal((n_rows, DIM)) * spread + 0.3 * (spread == 1)) @ turned
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def entries(n_documents, n_tokens=50, first=0):
    for number in range(first, first + n_documents):
        yield Document(f"d{number:04d}", f"water number {number}"), vectors(n_tokens, seed=number)


def stored_tokens(index):
    """Of the first segment."""
    return index.segments[0].segment.tokens


def build(path, store, store_dim=32, n_documents=100):
    return ExactIndex.create(path, entries(n_documents), encoder="e", store=store, store_dim=store_dim)


def ranked(index, query):
    return [index.doc_ids[row] for row in np.argsort(-index.exact_scores(query, range(len(index))))]


@pytest.mark.parametrize("store", STORES)
def test_a_codec_keeps_a_vector_in_few_bytes_with_a_small_error(store):
    rows = vectors(5000)
    codec = fit_codec(store, rows, 32)
    codes = codec.encode(rows)
    assert codes.dtype == np.uint8
    assert codes.shape == (5000, SIZES[store])
    error = np.linalg.norm(codec.decode(codes) - codec.project(rows)) / np.linalg.norm(codec.project(rows))
    assert error < ERRORS[store]


def test_fewer_bits_have_a_larger_error():
    rows = vectors(5000)
    codecs = [fit_codec(store, rows, 32) for store in STORES]
    errors = [np.abs(each.decode(each.encode(rows)) - each.project(rows)).mean() for each in codecs]
    assert errors == sorted(errors)


def test_the_projection_keeps_similarities():
    rows = vectors(5000)
    codec = fit_codec("float32", rows, 32)
    kept, lost = codec.project(rows[:200]), rows[:200]
    assert np.abs(kept @ kept.T - lost @ lost.T).max() < 0.02


def test_a_codec_of_one_vector_and_of_zeros_gives_finite_vectors():
    for sample in (vectors(1), np.zeros((3, DIM), np.float32)):
        for store in STORES:
            codec = fit_codec(store, sample, 32)
            np.testing.assert_allclose(codec.decode(codec.encode(sample)), codec.project(sample), atol=0.01)


def test_a_width_that_does_not_fill_a_byte_is_rounded_down():
    rows = vectors(5000)[:, :30]
    for store, width in (("2bit", 28), ("4bit", 30), ("int8", 30)):
        codec = fit_codec(store, rows)
        assert codec.decode(codec.encode(rows)).shape == codec.project(rows).shape == (5000, width)


def test_a_vector_has_the_same_code_beside_any_others():
    rows = vectors(3000)
    codec = fit_codec("4bit", rows, 32)
    together = codec.encode(rows)
    for place in range(0, 3000, 97):
        np.testing.assert_array_equal(together[place : place + 1], codec.encode(rows[place : place + 1]))


@pytest.mark.parametrize("store", STORES)
def test_an_index_ranks_by_its_stored_vectors(tmp_path, store):
    index = build(tmp_path / "index", store)
    assert stored_tokens(index).shape == (5000, 32)
    assert stored_tokens(index).codes(slice(0, 5000)).shape == (5000, SIZES[store])
    query = vectors(8, seed=42)
    stored = [index.document_tokens(row).astype(np.float32) for row in range(len(index))]
    expected = maxsim_exact(index.project(query), stored)
    np.testing.assert_array_equal(index.exact_scores(query, range(len(index))), expected)
    assert np.abs(index.dense_scores([query])[0] - expected).max() <= index.resolution(query)
    full = ExactIndex.create(tmp_path / "full", entries(100), encoder="e", store="float32")
    for number in range(0, 100, 9):  # tokens of a document find it
        asked = vectors(50, seed=number)[:8]
        assert ranked(index, asked)[0] == ranked(full, asked)[0] == f"d{number:04d}"
    index.verify()


def test_adding_and_deleting_keep_the_codes_of_the_others(tmp_path):
    index = build(tmp_path / "index", "4bit")
    before = stored_tokens(index).codes(slice(0, 5000)).copy()
    larger = index.add(entries(2, first=100))
    np.testing.assert_array_equal(stored_tokens(larger).codes(slice(0, 5000)), before)
    np.testing.assert_array_equal(larger.codec.fitted, index.codec.fitted)
    smaller = larger.delete(["d0000", "d0101"])
    kept = [part.tokens for _, parts in smaller.segments[0].documents() for part in parts]
    np.testing.assert_array_equal(np.concatenate(kept), before[50:])
    assert ranked(smaller, vectors(50, seed=100)[:8])[0] == "d0100"
    smaller.verify()


def test_two_builds_have_the_same_bytes(tmp_path):
    first, second = (build(tmp_path / name, "2bit") for name in "ab")
    assert first.manifest.files == second.manifest.files


def test_a_small_collection_is_stored_in_float16(tmp_path):
    one = build(tmp_path / "one", "2bit", n_documents=1)
    assert (one.codec.store, stored_tokens(one).shape) == ("float16", (50, DIM))
    assert FEWEST > 50
    assert one.add(entries(2, first=1)).codec.store == "float16"


def test_a_changed_projection_is_found(tmp_path):
    index = build(tmp_path / "index", "int8")
    (file,) = (tmp_path / "index").rglob("codec.npy")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.chmod(0o644)
    file.write_bytes(content)
    with pytest.raises(ArtefactError, match=r"codec\.npy"):
        ExactIndex.open(index.path)


@pytest.mark.parametrize("store", STORES)
def test_no_vector_that_is_not_finite_is_stored(tmp_path, store):
    damaged = vectors(5000)
    damaged[4321, 3] = np.nan
    with pytest.raises(ArtefactError, match="NaN"):
        ExactIndex.create(
            tmp_path / "index", [(Document("d", "water"), damaged)], encoder="e", store=store, store_dim=32
        )


def test_an_unknown_store_or_width_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="expected one of float32, float16, int8, 4bit, 2bit"):
        check_store("int3", None)
    with pytest.raises(SettingsError, match="multiple of 4"):
        build(tmp_path / "index", "4bit", 30)
