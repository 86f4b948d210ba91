import copy
import json
import logging
import shutil

import numpy as np
import pytest
import torch

import tiny_models
from opticlir import manifest
from opticlir.encoder import encode_queries, load_model, transformer_of
from opticlir.errors import ArtefactError, SetupError
from opticlir.training import teacher_cache
from opticlir.training.teacher_cache import TeacherCache
from opticlir.training.teacher_shards import DIGEST, Shard, write_shard

TEXTS = list(tiny_models.ENGLISH)


@pytest.fixture
def encoded(monkeypatch):
    """Every text that was encoded, in order; three texts to a shard."""
    texts = []

    def counting(model, batch, **options):
        texts.extend(batch)
        return encode_queries(model, batch, **options)

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


def _flip_weight(folder, random):
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    start = 8 + int.from_bytes(data[:8], "little")
    # the last byte of a float32 is sign and exponent: a flip of it may give a number that is none
    data[start + 4 * random.integers((len(data) - start) // 4) + random.integers(3)] ^= 1 << random.integers(
        8
    )
    path.write_bytes(data)


def _flip_tokenizer(folder, random):
    """One letter of one entry of the vocabulary becomes another."""
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    vocabulary = content["model"]["vocab"]
    entries = [entry for entry in vocabulary if entry.isalpha() and len(entry) > 2]
    entry = entries[random.integers(len(entries))]
    place = random.integers(len(entry))
    changed = entry[:place] + chr(ord(entry[place]) ^ 0x20) + entry[place + 1 :]
    content["model"]["vocab"] = {
        changed if name == entry else name: number for name, number in vocabulary.items()
    }
    path.write_text(json.dumps(content))


def _flip_option(folder, random):
    path = folder / "config.json"
    content = json.loads(path.read_text())
    name, value = [("num_attention_heads", 4), ("layer_norm_eps", 1e-11), ("hidden_act", "relu")][
        random.integers(3)
    ]
    path.write_text(json.dumps(content | {name: value}))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("flip", [_flip_weight, _flip_tokenizer, _flip_option])
def test_one_changed_byte_of_a_checkpoint_misses(checkpoints, teacher, tmp_path, flip, seed):
    folder = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "teacher")
    assert TeacherCache(tmp_path, load_model(folder)).folder == TeacherCache(tmp_path, teacher).folder
    flip(folder, np.random.default_rng(seed))
    assert TeacherCache(tmp_path, load_model(folder)).folder != TeacherCache(tmp_path, teacher).folder


def test_the_name_of_a_teacher_decides_nothing(teacher, tmp_path):
    cache = TeacherCache(tmp_path, teacher)
    assert TeacherCache(tmp_path, teacher, name="another path to it").folder == cache.folder


# int8


def test_int8_is_within_half_a_step_of_the_vectors_and_takes_half_the_space(teacher, tmp_path):
    whole = TeacherCache(tmp_path / "float16", teacher)
    half = TeacherCache(tmp_path / "int8", teacher, vectors="int8")
    exact, tokens = whole.encode(TEXTS), half.encode(TEXTS)
    for number, expected in enumerate(encode_queries(teacher, TEXTS)):
        found = tokens[number]
        assert found.dtype == np.float16
        step = np.abs(expected).max(axis=1, keepdims=True) / 127
        assert (np.abs(found - expected) <= step / 2 + 1e-3).all()  # a float16 below 1 is off by 5e-4 at most
        assert len(exact[number]) == len(found)
    sizes = [
        sum((shard / "vectors.npy").stat().st_size for shard in shards(folder))
        for folder in (tmp_path / "float16", tmp_path / "int8")
    ]
    assert sizes[1] - 128 == (sizes[0] - 128) / 2  # 128 bytes are the header of an array file


def test_int8_by_hand(tmp_path):
    """A scale per token: the largest number is 127 steps, and a vector of zeros stays one."""
    matrix = np.array([[1.27, -0.02, 0.0], [0.0, 0.0, 0.0]], np.float32)
    path = write_shard(tmp_path, np.array([b"a"], DIGEST), [matrix], precision="int8", config={}, made_by={})
    assert np.load(path / "vectors.npy").tolist() == [[127, -2, 0], [0, 0, 0]]
    np.testing.assert_allclose(np.load(path / "scales.npy"), [0.01, 0])
    np.testing.assert_allclose(Shard(path).matrix(0), matrix, atol=1e-3)


def test_int8_and_float16_are_kept_apart(teacher, tmp_path, encoded):
    for vectors in ("float16", "int8", "float16", "int8"):
        TeacherCache(tmp_path, teacher, vectors=vectors).encode(TEXTS[:1])
    assert encoded == [TEXTS[0]] * 2


# space on the disk


@pytest.mark.parametrize("kind", ["plain", "stanford", "pylate", "native"])
@pytest.mark.parametrize("vectors", ["float16", "int8"])
def test_the_space_that_is_needed_is_said_before_it_is_used(checkpoints, tmp_path, kind, vectors):
    told = []

    def announce(folder, needed, free):
        told.append((needed, free))
        assert shards(tmp_path) == []

    cache = TeacherCache(tmp_path, load_model(checkpoints[kind]), vectors=vectors)
    tokens = cache.encode(TEXTS, announce=announce)
    ((needed, free),) = told
    assert free > needed
    used = sum(path.stat().st_size for path in shards(tmp_path)[0].glob("*.npy"))
    headers = 128 * len(list(shards(tmp_path)[0].glob("*.npy")))
    assert needed == used - headers - 8  # of the end of the last text
    assert len(tokens) == len(TEXTS)
    cache.encode(TEXTS, announce=announce)  # nothing is missing: nothing is said
    assert len(told) == 1


def test_a_disk_with_less_space_is_refused_before_anything_is_encoded(
    teacher, tmp_path, encoded, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=2_000))
    with pytest.raises(
        SetupError,
        match=r"the teacher's vectors of 20 sentences need \d.* kB in .*, where 2.0 kB are free: free some space "
        r"\(`opticlir cache prune`\), set teacher_vectors = \"int8\", which halves it, or name a folder on a "
        r"larger disk in OPTICLIR_CACHE",
    ):
        TeacherCache(tmp_path, teacher).encode(TEXTS)
    with pytest.raises(SetupError, match=r"`opticlir cache prune`\) or name"):
        TeacherCache(tmp_path, teacher, vectors="int8").encode(TEXTS)
    assert encoded == []


def test_many_texts_are_kept_in_a_bounded_number_of_files(teacher, tmp_path, encoded, monkeypatch):
    monkeypatch.setattr(teacher_cache, "_MOST_SHARDS", 4)
    TeacherCache(tmp_path, teacher).encode(TEXTS)
    assert len(shards(tmp_path)) == 4


def test_shards_without_a_wanted_text_are_not_read(teacher, tmp_path, encoded):
    TeacherCache(tmp_path, teacher).encode(TEXTS[:3])
    (shards(tmp_path)[0] / "vectors.npy").write_bytes(b"torn")
    TeacherCache(tmp_path, teacher).encode(TEXTS[3:6])
    assert sorted(encoded) == sorted(TEXTS[:6])


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
    assert "is damaged and ignored" in caplog.text
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
    assert caplog.text.count("is damaged and ignored") == 2


class PowerCut(BaseException):
    pass


def test_killed_between_shards_the_earlier_ones_are_kept(teacher, tmp_path, encoded, monkeypatch):
    counting = teacher_cache.encode_queries

    def dying(model, batch, **options):
        if len(encoded) == 6:
            raise PowerCut
        return counting(model, batch, **options)

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
        patch.setattr(manifest, "write_manifest", dying)
        with pytest.raises(PowerCut):
            TeacherCache(tmp_path, teacher).encode(TEXTS[:3])
    assert shards(tmp_path) == []
    TeacherCache(tmp_path, teacher).encode(TEXTS[:3])
    assert len(encoded) == 6


# no NaN is ever stored


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_vector_that_is_not_finite_is_refused_with_its_text(teacher, tmp_path, monkeypatch, value):
    def poisoned(model, batch, **_):
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
