import os
import shutil

import numpy as np
import pytest
import torch
from faulty_disk import Crash, FaultyDisk, using

import tiny_models
from opticlir.encoder import (
    VocabularyConfig,
    cross_lingual_model,
    document_fingerprint,
    encode_documents,
    encode_queries,
    load_model,
    new_student,
    route_fingerprint,
    save_model,
    transformer_of,
    vocabulary_for,
)
from opticlir.encoder.folder import check_model_folder
from opticlir.errors import ArtefactError
from without_opticlir import stock_vectors

QUERIES = ["maji ni safi.", "mtoto ana homa", "the water is clean"]
DOCUMENTS = ["the water is clean.", "the child has a fever, and pain in the head", "[CLS] soap"]


def student_of(base):
    config = VocabularyConfig(n_pieces=200, min_piece_frequency=2)
    student = new_student(base, vocabulary_for(base, tiny_models.PAIRS, config))
    with torch.no_grad():  # as if it had been trained
        next(student.parameters()).mul_(1.25)
    return student


def vectors(model):
    return [*encode_queries(model, QUERIES), *encode_documents(model, DOCUMENTS)]


def assert_same(found, expected):
    for left, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=2e-6)  # stock software pads; the last bits differ


@pytest.fixture(scope="module")
def foreign(checkpoints, tmp_path_factory):
    """(model, folder): the student's tokenizer gives other ids to everything than the teacher's."""
    student = student_of(load_model(checkpoints["other"]))
    model = cross_lingual_model(student, load_model(checkpoints["plain"]))
    folder = tmp_path_factory.mktemp("foreign")
    save_model(model, folder)
    return model, folder


@pytest.mark.parametrize("kind", ["plain", "stanford", "pylate", "native"])
def test_a_model_keeps_what_its_student_and_its_teacher_say(checkpoints, tmp_path, kind):
    teacher = load_model(checkpoints[kind])
    student = student_of(teacher)
    expected = [*encode_queries(student, QUERIES), *encode_documents(teacher, DOCUMENTS)]
    fingerprint = document_fingerprint(teacher)
    model = cross_lingual_model(student, teacher)
    assert_same(vectors(model), expected)
    assert document_fingerprint(model) == fingerprint
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    assert_same(vectors(loaded), expected)
    assert document_fingerprint(loaded) == fingerprint
    assert route_fingerprint(loaded, "query") == route_fingerprint(model, "query")
    assert loaded.prompts == model.prompts


def test_a_trained_model_is_a_teacher_and_a_student_again(checkpoints, tmp_path):
    model = load_model(checkpoints["crosslingual"])
    again = cross_lingual_model(new_student(model), model)
    assert document_fingerprint(again) == document_fingerprint(load_model(checkpoints["plain"]))
    assert_same(vectors(again), vectors(model))


def test_each_route_leaves_out_the_specials_of_its_own_tokenizer(checkpoints, foreign):
    model, folder = foreign
    expected = vectors(load_model(checkpoints["other"]))[:0]
    expected += encode_queries(student_of(load_model(checkpoints["other"])), QUERIES)
    expected += encode_documents(load_model(checkpoints["plain"]), DOCUMENTS)
    assert_same(vectors(model), expected)
    assert_same(vectors(load_model(folder)), expected)
    teacher = load_model(checkpoints["plain"])
    assert document_fingerprint(model) == document_fingerprint(teacher)
    assert document_fingerprint(load_model(folder)) == document_fingerprint(teacher)


def test_the_teacher_is_as_it_was_after_it_was_joined(checkpoints):
    teacher = load_model(checkpoints["plain"])
    before = vectors(teacher)
    cross_lingual_model(student_of(load_model(checkpoints["other"])), teacher)
    assert_same(vectors(teacher), before)


def test_a_new_student_without_a_vocabulary_is_a_copy(teacher):
    student = new_student(teacher)
    assert_same(encode_queries(student, QUERIES), encode_queries(teacher, QUERIES))
    with torch.no_grad():
        next(student.parameters()).zero_()
    assert next(teacher.parameters()).abs().sum() > 0


def test_plain_sentence_transformers_opens_the_folder_without_our_code(checkpoints, foreign, tmp_path):
    """Both a student that shares the teacher's ids, and one that shares none."""
    folders = [
        tiny_models.copy_folder(folder, tmp_path / name)
        for name, folder in (("near", checkpoints["crosslingual"]), ("far", foreign[1]))
    ]
    for folder, found in zip(folders, stock_vectors(folders, QUERIES, DOCUMENTS), strict=True):
        assert_same(found, vectors(load_model(folder)))


# interrupted and damaged saves


class StrictDisk(FaultyDisk):
    """Loses also what the libraries wrote, unless it was synced."""

    def __init__(self, folder, mode, n):
        super().__init__(mode, n)
        self.folder, self.synced = folder, set()

    def name_of(self, path):
        return str(path.relative_to(self.folder)).removeprefix(".draft/")

    def sync_path(self, path):
        super().sync_path(path)
        self.synced.add(self.name_of(path))

    def cut_power(self):
        super().cut_power()
        for path in self.folder.rglob("*"):
            if path.is_file() and self.name_of(path) not in self.synced | self.before:
                os.truncate(path, 0)


def is_whole(folder):
    try:
        check_model_folder(folder)
    except ArtefactError:
        return False
    return (folder / "modules.json").exists()


@pytest.mark.parametrize(("mode", "over"), [("lost", False), ("lost", True), ("EIO", True)])
def test_a_save_that_fails_at_any_call_leaves_the_old_model_or_none_or_the_new(
    checkpoints, memory_path, mode, over
):
    """Over nothing and over an older model; the same save after it makes the folder whole."""
    teacher = load_model(checkpoints["plain"])
    model = cross_lingual_model(student_of(teacher), teacher)
    old = document_fingerprint(load_model(checkpoints["crosslingual"])) + route_fingerprint(
        load_model(checkpoints["crosslingual"]), "query"
    )
    new = document_fingerprint(model) + route_fingerprint(model, "query")
    n = -3
    while True:
        n += 4  # every call of the moves is tried in tests/storage
        folder = memory_path / str(n)
        if over:
            tiny_models.copy_folder(checkpoints["crosslingual"], folder)
        else:
            folder.mkdir()
        disk = StrictDisk(folder, mode, n)
        disk.before = {str(path.relative_to(folder)) for path in folder.rglob("*")}
        with using(disk):
            try:
                save_model(model, folder)
                assert is_whole(folder)
                if mode == "lost":
                    disk.cut_power()
                    assert is_whole(folder)
            except (Crash, ArtefactError):
                if is_whole(folder):
                    found = load_model(folder)
                    assert document_fingerprint(found) + route_fingerprint(found, "query") in {old, new}
        if n % 16 == 0:
            save_model(model, folder)
            assert_same(vectors(load_model(folder)), vectors(model))
        shutil.rmtree(folder)
        if not disk.fired:
            break
    assert n > 40


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("route", ["query_0_Transformer", "document_0_Transformer"])
def test_damage_to_a_saved_model_is_named(foreign, tmp_path, route, name):
    folder = tiny_models.copy_folder(foreign[1], tmp_path / "model")
    path = folder / route / name
    content = bytearray(path.read_bytes())
    content[-9] ^= 1 if name == "model.safetensors" else 0
    path.write_bytes(bytes(content) + (b"" if name == "model.safetensors" else b"\n"))
    with pytest.raises(
        ArtefactError, match=rf"{name} .*if you changed the model on purpose, remove .*opticlir\.json"
    ):
        load_model(folder)
    (folder / "opticlir.json").unlink()
    load_model(folder)  # as the model of another program
    path.unlink()
    shutil.copy(foreign[1] / "opticlir.json", folder)
    with pytest.raises(ArtefactError, match=rf"{name} is missing"):
        load_model(folder)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_weights_are_as_readable_as_the_umask_says(foreign, tmp_path, mask):
    before = os.umask(mask)
    try:
        save_model(foreign[0], tmp_path / "model")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~mask}


def test_what_an_interrupted_save_left_is_gone_after_the_next(checkpoints, tmp_path):
    (tmp_path / ".draft").mkdir()
    (tmp_path / ".draft" / "old.json").write_text("{}")
    teacher = load_model(checkpoints["plain"])
    save_model(cross_lingual_model(student_of(teacher), teacher), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config_sentence_transformers.json", "document_0_Transformer", "document_1_MultiVectorMask",
        "document_2_Normalize", "modules.json", "opticlir.json", "query_0_Transformer", "query_1_MultiVectorMask",
        "query_2_Normalize", "router_config.json",
    ]  # fmt: skip


LONG = ["ก" * 250, "a" * 101, "maji" * 50, "ကခ" * 70, "x" * 350 + " ruwa"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A model whose student keeps its vocabulary, and its base."""
    folder = tmp_path_factory.mktemp("kept")
    tokenizer = tiny_models.wordpiece_tokenizer([*tiny_models.ENGLISH, *LONG])
    base = load_model(tiny_models.save_encoder(folder / "base", tokenizer))
    save_model(cross_lingual_model(new_student(base), base), folder / "model")
    return folder / "model", base


def test_a_long_word_is_not_unknown_for_a_student_that_keeps_its_vocabulary(kept):
    """WordPiece takes a word of over 100 letters for [UNK]: two such questions had the same answer."""
    folder, base = kept
    student, teacher = (
        transformer_of(model, "query").tokenizer.backend_tokenizer for model in (load_model(folder), base)
    )
    for text in LONG:
        pieces = student.encode(text, add_special_tokens=False)
        assert "[UNK]" not in pieces.tokens
        assert "".join(pieces.tokens).replace("##", "") == text.replace(" ", "")
        assert "[UNK]" in teacher.encode(text, add_special_tokens=False).tokens, "the base stays as it is"
    for text in tiny_models.ENGLISH:
        assert student.encode(text).ids == teacher.encode(text).ids


def test_stock_sentence_transformers_cuts_long_words_as_we_do(kept):
    folder, _ = kept
    ours = encode_queries(load_model(folder), LONG)
    (stock,) = stock_vectors([folder], LONG, DOCUMENTS)
    for mine, theirs in zip(ours, stock[: len(LONG)], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)
