import copy
import logging

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.encoder import encode_queries, transformer_of
from opticlir.errors import ArtefactError
from opticlir.training import default_cache_folder, teacher_cache
from opticlir.training.teacher_cache import TeacherCache

TEXTS = list(tiny_models.ENGLISH)


@pytest.fixture
def encoded(monkeypatch):
    """Every text that was encoded, in order; three texts to a shard."""
    texts = []

    def counting(model, batch):
        texts.extend(batch)
        return encode_queries(model, batch)

    monkeypatch.setattr(teacher_cache, "encode_queries", counting)
    monkeypatch.setattr(teacher_cache, "_SHARD_TEXTS", 3)
    return texts


@pytest.fixture
def own_teacher(teacher):
    """A teacher that a test may change."""
    return copy.deepcopy(teacher)


def shards(folder):
    return sorted((folder / "teacher").glob("*/shard-*"))


def test_the_vectors_are_the_teachers_in_half_precision_in_the_order_of_the_texts(teacher, tmp_path):
    tokens = TeacherCache(tmp_path, teacher).encode(TEXTS)
    assert len(tokens) == len(TEXTS)
    for number, expected in enumerate(encode_queries(teacher, TEXTS)):
        assert tokens[number].dtype == np.float16
        np.testing.assert_allclose(tokens[number], expected, atol=2e-3)


def test_what_was_encoded_once_is_never_encoded_again(teacher, tmp_path, encoded):
    first = TeacherCache(tmp_path, teacher).encode(TEXTS)
    assert sorted(encoded) == sorted(TEXTS)
    encoded.clear()
    again = TeacherCache(tmp_path, teacher).encode(TEXTS[::-1])
    assert encoded == []
    for number in range(len(TEXTS)):
        np.testing.assert_array_equal(again[number], first[len(TEXTS) - 1 - number])


def test_new_texts_are_added_to_the_old(teacher, tmp_path, encoded):
    TeacherCache(tmp_path, teacher).encode(TEXTS[:5])
    encoded.clear()
    tokens = TeacherCache(tmp_path, teacher).encode(TEXTS[3:8])
    assert sorted(encoded) == sorted(TEXTS[5:8])
    for number, expected in enumerate(encode_queries(teacher, TEXTS[3:8])):
        np.testing.assert_allclose(tokens[number], expected, atol=2e-3)


def test_equal_texts_are_encoded_once(teacher, tmp_path, encoded):
    tokens = TeacherCache(tmp_path, teacher).encode(["the net", "soap", "the net", "the net"])
    assert sorted(encoded) == ["soap", "the net"]
    np.testing.assert_array_equal(tokens[0], tokens[3])


def test_no_text_at_all(teacher, tmp_path, encoded):
    assert len(TeacherCache(tmp_path, teacher).encode([])) == 0
    assert encoded == []


def test_a_text_without_tokens_has_an_empty_matrix(teacher, tmp_path):
    tokens = TeacherCache(tmp_path, teacher).encode(["", "soap"])
    assert tokens[0].shape == (0, 32)
    assert tokens[1].shape == (1, 32)


def test_progress_is_told_from_nothing_to_all(teacher, tmp_path, encoded):
    told = []
    TeacherCache(tmp_path, teacher).encode(TEXTS[:7], lambda *done: told.append(done))
    assert told == [(0, 7), (3, 7), (6, 7), (7, 7)]


# what decides the vectors is in the key


def _weight(teacher):
    next(teacher.parameters()).data[5, 5] += 1e-3


def _tokenizer(teacher):
    transformer_of(teacher, "query").tokenizer.add_tokens(["clean water"])


def _length(teacher):
    transformer_of(teacher, "query").query_length = 5


def _prompt(teacher):
    teacher.prompts["query"] = "search: "


@pytest.mark.parametrize("change", [_weight, _tokenizer, _length, _prompt])
def test_another_teacher_misses(own_teacher, tmp_path, encoded, change):
    TeacherCache(tmp_path, own_teacher).encode(TEXTS[:2])
    encoded.clear()
    change(own_teacher)
    TeacherCache(tmp_path, own_teacher).encode(TEXTS[:2])
    assert sorted(encoded) == sorted(TEXTS[:2])


def test_another_precision_misses(teacher, tmp_path, encoded):
    TeacherCache(tmp_path, teacher).encode(TEXTS[:1])
    TeacherCache(tmp_path, teacher, bfloat16=True).encode(TEXTS[:1])
    assert encoded == [TEXTS[0]] * 2


@pytest.mark.parametrize("position", range(len("wash your hands")))
def test_one_changed_byte_of_a_text_misses(teacher, tmp_path, encoded, position):
    text = "wash your hands"
    TeacherCache(tmp_path, teacher).encode([text])
    changed = text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]
    TeacherCache(tmp_path, teacher).encode([text, changed])
    assert encoded == [text, changed]


# damage


def _truncate(path):
    path.write_bytes(path.read_bytes()[:-2])  # of a manifest, the last byte is the end of its last line


def _empty(path):
    path.write_bytes(b"")


def _flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _extend(path):
    path.write_bytes(path.read_bytes() + b"\0")


def _remove(path):
    path.unlink()


@pytest.mark.parametrize("damage", [_truncate, _empty, _flip, _extend, _remove])
@pytest.mark.parametrize("name", ["manifest.json", "texts.npy", "starts.npy", "vectors.npy"])
def test_a_damaged_shard_is_encoded_again_and_the_others_are_kept(
    teacher, tmp_path, encoded, caplog, damage, name
):
    if (damage, name) in ((_flip, "manifest.json"), (_extend, "manifest.json")):
        pytest.skip("a manifest has no checksum of its own; what it says of the files still has to fit")
    expected = TeacherCache(tmp_path, teacher).encode(TEXTS[:6])
    matrices = [np.array(expected[number]) for number in range(6)]
    encoded.clear()
    damage(shards(tmp_path)[0] / name)
    with caplog.at_level(logging.WARNING, logger="opticlir"):
        tokens = TeacherCache(tmp_path, teacher).encode(TEXTS[:6])
    assert len(encoded) == 3
    assert "is damaged and left out of the cache" in caplog.text
    for number in range(6):
        np.testing.assert_array_equal(tokens[number], matrices[number])


def test_files_of_another_kind_in_the_cache_are_left_out(teacher, tmp_path, encoded, caplog):
    TeacherCache(tmp_path, teacher).encode(TEXTS[:3])
    folder = shards(tmp_path)[0].parent
    (folder / "shard-empty").mkdir()
    (folder / "shard-file").write_text("no folder")
    encoded.clear()
    TeacherCache(tmp_path, teacher).encode(TEXTS[:3])
    assert encoded == []
    assert caplog.text.count("is damaged and left out") == 2


class PowerCut(BaseException):
    pass


def test_killed_between_shards_the_earlier_ones_are_kept(teacher, tmp_path, encoded, monkeypatch):
    counting = teacher_cache.encode_queries

    def dying(model, batch):
        if len(encoded) == 6:
            raise PowerCut
        return counting(model, batch)

    with monkeypatch.context() as patch:
        patch.setattr(teacher_cache, "encode_queries", dying)
        with pytest.raises(PowerCut):
            TeacherCache(tmp_path, teacher).encode(TEXTS[:10])
    assert len(shards(tmp_path)) == 2
    done = set(encoded)
    encoded.clear()
    TeacherCache(tmp_path, teacher).encode(TEXTS[:10])
    assert len(done) == 6
    assert set(encoded) == set(TEXTS[:10]) - done


def test_a_shard_that_was_not_published_does_not_count(teacher, tmp_path, encoded, monkeypatch):
    def dying(*_):
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(teacher_cache, "write_manifest", dying)
        with pytest.raises(PowerCut):
            TeacherCache(tmp_path, teacher).encode(TEXTS[:3])
    assert shards(tmp_path) == []
    TeacherCache(tmp_path, teacher).encode(TEXTS[:3])
    assert len(encoded) == 6


# no NaN is ever stored


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_refused_with_its_text(teacher, tmp_path, monkeypatch, value):
    def poisoned(model, batch):
        matrices = encode_queries(model, batch)
        matrices[batch.index("smoke hurts the eyes")][1, 7] = value
        return matrices

    monkeypatch.setattr(teacher_cache, "encode_queries", poisoned)
    with pytest.raises(ArtefactError, match="vector that is not finite for 'smoke hurts the eyes'"):
        TeacherCache(tmp_path, teacher).encode(TEXTS)
    assert shards(tmp_path) == []


def test_a_teacher_with_a_weight_that_is_no_number_is_refused(own_teacher, tmp_path):
    with torch.no_grad():
        list(own_teacher.parameters())[6][0] = torch.nan
    with pytest.raises(ArtefactError, match="not finite"):
        TeacherCache(tmp_path, own_teacher).encode(TEXTS)


# where it lives


def test_the_cache_lives_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path / "own"))
    assert default_cache_folder() == tmp_path / "own"
    monkeypatch.delenv("OPTICLIR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache_folder() == tmp_path / "xdg" / "opticlir"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / ".cache" / "opticlir"
