import logging
from dataclasses import replace

import numpy as np
import pytest

import tiny_models
from opticlir import manifest
from opticlir.artefacts import ArtefactCache
from opticlir.data import PairTable
from opticlir.encoder import VocabularyConfig, load_model, vocabulary_for
from opticlir.errors import ArtefactError
from opticlir.training import vocabulary_cache
from opticlir.training.vocabulary_cache import cached_vocabulary

CONFIG = VocabularyConfig(n_pieces=60)


@pytest.fixture
def base(checkpoints):
    return load_model(checkpoints["plain"])


@pytest.fixture
def pairs():
    return PairTable(tiny_models.PAIRS)


@pytest.fixture
def learned(monkeypatch):
    """How often a vocabulary was learned."""
    calls = []

    def counted(*arguments, **settings):
        calls.append(arguments)
        return vocabulary_for(*arguments, **settings)

    monkeypatch.setattr(vocabulary_cache, "vocabulary_for", counted)
    return calls


def assert_same(one, other):
    assert one.tokenizer.to_str() == other.tokenizer.to_str()
    np.testing.assert_array_equal(one.embeddings, other.embeddings)
    assert one.embeddings.dtype == other.embeddings.dtype
    assert one.words == other.words


def test_a_vocabulary_is_learned_once_and_read_as_it_was(base, pairs, tmp_path, learned):
    first = cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG)
    second = cached_vocabulary(tmp_path, base, "another name", pairs, CONFIG)
    assert len(learned) == 1
    assert_same(first, second)
    assert_same(first, vocabulary_for(base, pairs, CONFIG))
    (entry,) = ArtefactCache(tmp_path).entries()
    assert (entry.config["encoder"], entry.config["pairs"], entry.counts["words"]) == (
        "tiny",
        len(pairs),
        len(first.words),
    )


@pytest.mark.parametrize("changed", ["english", "foreign", "weight", "config", "encoder", "source"])
def test_whatever_decides_a_vocabulary_misses_where_it_is_another(
    base, checkpoints, pairs, tmp_path, learned, monkeypatch, changed
):
    cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG)
    config = VocabularyConfig(n_pieces=61) if changed == "config" else CONFIG
    first, *others = tiny_models.PAIRS
    if changed == "english":
        first = replace(first, english=f"{first.english}x")
    if changed == "foreign":
        first = replace(first, foreign=f"{first.foreign}x")
    if changed == "weight":
        first = replace(first, weight=2.0)
    if changed == "encoder":
        base[0].model.get_input_embeddings().weight.data[7, 3] += 1e-3
    if changed == "source":
        monkeypatch.setattr(vocabulary_cache, "made_by", lambda *_: {"opticlir.encoder": "another"})
    cached_vocabulary(tmp_path, base, "tiny", PairTable([first, *others]), config)
    assert len(learned) == 2
    assert len(ArtefactCache(tmp_path).entries()) == 2


def test_texts_that_run_into_one_another_are_not_the_same_pairs(base, tmp_path, learned):
    for texts in (("soap water", "sabuni"), ("soap", "water sabuni")):
        pair = replace(tiny_models.PAIRS[0], english=texts[0], foreign=texts[1])
        cached_vocabulary(tmp_path, base, "tiny", PairTable([pair]), CONFIG)
    assert len(learned) == 2


@pytest.mark.parametrize("name", ["manifest.json", "tokenizer.json", "embeddings.npy", "words.json"])
def test_what_is_torn_is_named_and_made_anew(base, pairs, tmp_path, learned, caplog, name):
    first = cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG)
    (folder,) = (tmp_path / "vocabulary").glob("[!.]*")
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    ((torn, reason),) = ArtefactCache(tmp_path).damaged()
    assert torn == folder
    assert name in reason
    with caplog.at_level(logging.WARNING):
        assert_same(cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG), first)
    assert f"{folder} is damaged and learned again" in caplog.text
    assert len(learned) == 2
    assert list(ArtefactCache(tmp_path).damaged()) == []
    cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG)
    assert len(learned) == 2


def test_a_disk_that_refuses_costs_the_copy_and_not_the_run(base, pairs, tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise ArtefactError("cannot write it: no space left")

    monkeypatch.setattr(manifest, "write_manifest", refuse)
    found = cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG)
    assert_same(found, vocabulary_for(base, pairs, CONFIG))
    assert "the vocabulary is not kept: cannot write it: no space left" in caplog.text
    assert not list((tmp_path / "vocabulary").glob("[!.]*"))


@pytest.mark.parametrize("refused", ["the cache cannot be written", "the disk is full"])
def test_a_vocabulary_that_is_not_kept_is_that_of_its_language_all_the_same(
    base, tmp_path, monkeypatch, refused
):
    def refuse(*_):
        raise ArtefactError("no space left")

    hausa = PairTable([replace(tiny_models.PAIRS[0], foreign="ʼyan ƙasa")])
    kept = cached_vocabulary(tmp_path / "kept", base, "tiny", hausa, CONFIG, languages=("hau",))
    if refused == "the disk is full":
        monkeypatch.setattr(manifest, "write_manifest", refuse)
    else:
        monkeypatch.setattr(vocabulary_cache, "SharedLock", refuse)
    found = cached_vocabulary(tmp_path / "refused", base, "tiny", hausa, CONFIG, languages=("hau",))
    assert_same(found, kept)
    assert found.words != vocabulary_for(base, hausa, CONFIG).words


def test_two_who_learn_the_same_at_once_both_have_it(base, pairs, tmp_path, monkeypatch, caplog):
    def overtaken(*arguments, **settings):
        monkeypatch.setattr(vocabulary_cache, "vocabulary_for", vocabulary_for)
        cached_vocabulary(tmp_path, base, "the other", pairs, CONFIG)
        return vocabulary_for(*arguments, **settings)

    monkeypatch.setattr(vocabulary_cache, "vocabulary_for", overtaken)
    assert_same(cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG), vocabulary_for(base, pairs, CONFIG))
    assert [entry.config["encoder"] for entry in ArtefactCache(tmp_path).entries()] == ["the other"]
    assert not caplog.text


def test_vocabularies_are_pruned_with_the_rest(base, pairs, tmp_path):
    cached_vocabulary(tmp_path, base, "tiny", pairs, CONFIG)
    assert ArtefactCache(tmp_path).entries()[0].bytes > 0
    pruned = ArtefactCache(tmp_path).prune(max_bytes=0.0)
    assert (pruned.removed, pruned.left) == (1, 0)
    assert ArtefactCache(tmp_path).entries() == []
