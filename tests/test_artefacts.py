import gc
import os
import shutil

import pytest

import tiny_models
from opticlir.artefacts import ArtefactCache, default_cache_folder
from opticlir.benchmark import cached_retriever
from opticlir.errors import SetupError
from opticlir.records import Document
from opticlir.storage import exclusive_lock, publish_version, sources
from opticlir.training.teacher_cache import TeacherCache

TEXTS = list(tiny_models.ENGLISH)
DAY = 86_400.0


@pytest.fixture
def cache(teacher, memory_path):
    """Two shards of float16 used 40 and 10 days ago, one of int8 used 20 days ago; time is 1,000 days."""
    ages = {}
    for vectors, texts, days in (
        ("float16", TEXTS[:4], 40),
        ("float16", TEXTS[4:8], 10),
        ("int8", TEXTS[:4], 20),
    ):
        TeacherCache(memory_path, teacher, name="tiny", vectors=vectors).encode(texts)
        for path in (memory_path / "teacher").glob("*/shard-*"):
            ages.setdefault(path, days)
    gc.collect()
    for path, days in ages.items():
        os.utime(path / "manifest.json", ((1000 - days) * DAY,) * 2)
    return memory_path


def days_left(cache):
    return sorted(
        1000 - round((path / "manifest.json").stat().st_mtime / DAY)
        for path in (cache / "teacher").glob("*/shard-*")
    )


def n_bytes(cache):
    return sum(path.stat().st_size for path in (cache / "teacher").rglob("*") if path.is_file())


def test_entries_say_whose_vectors_they_are_and_when_they_were_used(cache):
    entries = ArtefactCache(cache).entries()
    found = [
        (each.config["teacher"], each.config["vectors"], each.parts, each.counts["texts"]) for each in entries
    ]
    assert found == [("tiny", "float16", 2, 8), ("tiny", "int8", 1, 4)]
    assert [entry.last_used for entry in entries] == [
        "1972-09-17T00:00:00+00:00",
        "1972-09-07T00:00:00+00:00",
    ]
    assert sum(entry.bytes for entry in entries) == n_bytes(cache)
    assert entries[1].counts["tokens"] == sum(len(text.split()) for text in TEXTS[:4])
    assert not any(entry.in_use or entry.config["bfloat16"] for entry in entries)


def test_an_empty_cache_has_no_entries_nothing_torn_and_nothing_to_prune(tmp_path):
    assert ArtefactCache(tmp_path).entries() == []
    assert list(ArtefactCache(tmp_path).damaged()) == []
    assert ArtefactCache(tmp_path).prune(max_bytes=0.0).removed == 0


def test_use_is_noted(cache, teacher):
    tokens = TeacherCache(cache, teacher).encode(TEXTS[:1])
    assert [entry.in_use for entry in ArtefactCache(cache).entries()] == [True, False]
    assert days_left(cache)[1:] == [10, 20]
    del tokens
    gc.collect()
    assert not any(entry.in_use for entry in ArtefactCache(cache).entries())


def test_a_whole_cache_verifies(cache):
    assert list(ArtefactCache(cache).damaged()) == []


@pytest.mark.parametrize("name", ["texts.npy", "starts.npy", "vectors.npy"])
@pytest.mark.parametrize("position", [0, 20, 130, -1])
def test_a_flipped_byte_names_its_shard(cache, name, position):
    shard = sorted((cache / "teacher").glob("*/shard-*"))[1]
    data = bytearray((shard / name).read_bytes())
    data[position] ^= 4
    (shard / name).write_bytes(data)
    ((path, reason),) = ArtefactCache(cache).damaged()
    assert path == shard
    assert str(shard / name) in reason


def test_scales_are_verified_too(cache):
    (scales,) = (cache / "teacher").glob("*/shard-*/scales.npy")
    scales.unlink()
    ((path, reason),) = ArtefactCache(cache).damaged()
    assert path == scales.parent
    assert "is missing" in reason


def test_prune_removes_what_was_not_used_for_long(cache):
    before = n_bytes(cache)
    pruned = ArtefactCache(cache).prune(older_than=15 * DAY, now=1000 * DAY)
    assert days_left(cache) == [10]
    assert (pruned.removed, pruned.left) == (2, n_bytes(cache))
    assert pruned.freed == before - pruned.left
    assert len(list((cache / "teacher").glob("[!.]*"))) == 1  # the folder of int8 is empty, and gone


def test_prune_removes_the_oldest_first_until_the_size_is_met(cache):
    """Oldest by use, not by when it was made, and over all teachers."""
    everything = n_bytes(cache)
    assert ArtefactCache(cache).prune(max_bytes=float(everything)).removed == 0
    assert ArtefactCache(cache).prune(max_bytes=everything - 1.0).removed == 1
    assert days_left(cache) == [10, 20]
    ArtefactCache(cache).prune(max_bytes=n_bytes(cache) - 1.0)
    assert days_left(cache) == [10]
    assert ArtefactCache(cache).prune(max_bytes=0.0).left == 0


def test_prune_leaves_a_teacher_in_use_alone(cache, teacher):
    tokens = TeacherCache(cache, teacher).encode(TEXTS[4:5])
    pruned = ArtefactCache(cache).prune(max_bytes=0.0)
    assert pruned.removed == 1  # of int8
    assert pruned.left == pruned.in_use == n_bytes(cache) > 0
    assert tokens[0].shape == (5, 32)
    del tokens
    gc.collect()
    assert ArtefactCache(cache).prune(max_bytes=0.0).left == 0


def test_prune_clears_up_after_killed_writers_unless_somebody_may_be_writing(cache, teacher):
    folder = next((cache / "teacher").glob("[!.]*"))
    (folder / ".shard-1.opticlir-partial").mkdir()
    (folder / ".shard-1.opticlir-partial" / "vectors.npy").write_bytes(bytes(100))
    (folder / ".shard-1.opticlir-lock").write_text("1")
    (folder / ".shard-2.opticlir-partial").mkdir()
    (folder / ".shard-2.opticlir-partial" / "vectors.npy").write_bytes(bytes(10))
    with exclusive_lock(folder / "shard-2"):
        assert ArtefactCache(cache).prune(max_bytes=1e9).freed == 101
        assert (folder / ".shard-2.opticlir-partial").exists()
    assert ArtefactCache(cache).prune(max_bytes=1e9).freed == 10
    assert not list(folder.glob(".*"))
    assert len(days_left(cache)) == 3


def test_a_shard_without_a_manifest_serves_nobody_and_goes_first(cache):
    (sorted((cache / "teacher").glob("*/shard-*"))[0] / "manifest.json").unlink()
    ArtefactCache(cache).prune(max_bytes=n_bytes(cache) - 1.0)
    assert len(days_left(cache)) == 2


def test_what_was_pruned_is_encoded_again(cache, teacher):
    ArtefactCache(cache).prune(max_bytes=0.0)
    assert len(TeacherCache(cache, teacher).encode(TEXTS)[19]) == len(TEXTS[19].split())


def test_a_cache_removed_by_hand_is_made_again(cache, teacher):
    shutil.rmtree(cache / "teacher")
    assert len(TeacherCache(cache, teacher).encode(TEXTS)) == len(TEXTS)


# other kinds, and what is not ours


@pytest.fixture
def indexed(cache, teacher):
    """The same cache with an index of three documents."""
    cached_retriever([Document(f"d{at}", text) for at, text in enumerate(TEXTS[:3])], teacher, cache)
    gc.collect()
    return cache


def all_bytes(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_an_index_is_listed_verified_and_pruned(indexed):
    (entry,) = [entry for entry in ArtefactCache(indexed).entries() if entry.kind == "indexes"]
    assert (entry.counts["documents"], entry.is_current, entry.in_use) == (3, True, False)
    assert list(ArtefactCache(indexed).damaged()) == []
    (tokens,) = indexed.glob("indexes/*/versions/*/*/tokens.bin")
    tokens.write_bytes(tokens.read_bytes()[:-1] + b"?")
    ((path, reason),) = ArtefactCache(indexed).damaged()
    assert path.parent.name == "indexes"
    assert "tokens.bin" in reason
    assert ArtefactCache(indexed).prune(max_bytes=0.0).left == all_bytes(indexed) == 0


def test_an_index_in_use_stays(indexed, teacher):
    documents = [Document(f"d{at}", text) for at, text in enumerate(TEXTS[:3])]
    index = cached_retriever(documents, teacher, indexed)
    pruned = ArtefactCache(indexed).prune(max_bytes=0.0)
    assert pruned.left == pruned.in_use == all_bytes(indexed) > 0
    assert len(index) == 3
    del index
    gc.collect()
    assert ArtefactCache(indexed).prune(max_bytes=0.0).left == all_bytes(indexed) == 0


def test_nothing_is_left_of_killed_writers(indexed):
    (index,) = indexed.glob("indexes/[!.]*")
    begun = index.with_name("ab" * 12)
    draft = begun / "versions" / ".000001.opticlir-partial"
    draft.mkdir(parents=True)
    (draft / "tokens.bin").write_bytes(bytes(50))
    for name in (".KEY.opticlir-lock", ".KEY.opticlir-partial"):
        for kind in ("indexes", "vocabulary"):
            (indexed / kind).mkdir(exist_ok=True)
            (indexed / kind / name.replace("KEY", "cd" * 12)).write_bytes(bytes(7))
    before = all_bytes(indexed)
    pruned = ArtefactCache(indexed).prune(max_bytes=1e9)
    assert before - all_bytes(indexed) == pruned.freed == 50 + 4 * 7
    assert not begun.exists()
    assert ArtefactCache(indexed).prune(max_bytes=0.0).left == all_bytes(indexed) == 0


def test_an_index_that_is_being_built_stays(indexed):
    root = indexed / "indexes" / ("ab" * 12)
    with publish_version(root) as folder:
        (folder / "tokens.bin").write_bytes(bytes(50))
        ArtefactCache(indexed).prune(max_bytes=0.0)
        assert (folder / "tokens.bin").exists()
        (folder / "manifest.json").write_text("{}")


def test_what_another_source_made_is_outdated_and_removed(indexed, monkeypatch):
    (index,) = indexed.glob("indexes/[!.]*")
    record = next(index.glob("versions/*/manifest.json"))
    changed = sources.made_by
    monkeypatch.setattr(
        sources,
        "made_by",
        lambda *names: {
            name: each if "search" not in name else "new" for name, each in changed(*names).items()
        },
    )
    assert {entry.kind for entry in ArtefactCache(indexed).entries() if not entry.is_current} == {"indexes"}
    assert ArtefactCache(indexed).prune(max_bytes=1e9).removed == 1
    assert not record.exists()
    assert days_left(indexed) == [10, 20, 40]


def test_what_is_not_ours_is_never_touched(indexed, tmp_path_factory):
    """Names like ours, manifests like ours, and links out of the cache."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "thesis.txt").write_text("years of work")
    shutil.copytree(next(indexed.glob("teacher/[!.]*")), outside / ("ef" * 12))
    key = "0123456789abcdef01234567"
    strangers = [
        "thesis.txt", "photos/cat.jpg", "photos/manifest.json", f"photos/{key}/cat.jpg", "teacher/notes.txt",
        f"other/{key}/manifest.json", ".cache.lock", f"teacher/{key}x/manifest.json", "teacher/.hidden.partial",
    ]  # fmt: skip
    for name in strangers:
        (indexed / name).parent.mkdir(parents=True, exist_ok=True)
        (indexed / name).write_text('{"name": "of another program"}')
    links = [indexed / "teacher" / ("aa" * 12), indexed / "linked", indexed / "photos" / ("ef" * 12)]
    for link, target in zip(links, (outside, outside, outside / ("ef" * 12)), strict=True):
        link.symlink_to(target)
    before = all_bytes(outside)
    assert ArtefactCache(indexed).prune(max_bytes=0.0).left == 0
    assert all((indexed / name).read_text() == '{"name": "of another program"}' for name in strangers)
    assert all(link.is_symlink() for link in links)
    assert all_bytes(outside) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("versions/thesis.txt", "years of work"),
        ("versions/000001/thesis.txt", "years of work"),
        ("manifest.json", "{broken"),
        ("manifest.json", '{"kind": "film", "format_version": 2, "files": {}}'),
        ("CURRENT/x", "years of work"),
        ("CURRENT", "MANIFEST-000005\n"),
        ("CURRENT", f"000001 {'ab' * 32}\n"),
        ("shard-ab/thesis.txt", "years of work"),
        (".shard-ab.lock", "7"),
        (".shard-ab.partial/thesis.txt", "years of work"),
    ],
)
def test_a_name_like_ours_is_no_proof(indexed, name, content):
    folder = indexed / "uploads" / ("0123456789ab" * 2)
    kept = {folder / name: content, folder / "versions" / "000001" / "video.mp4": "film"}
    for path, text in kept.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    cache = ArtefactCache(indexed)
    assert cache.strangers() == [folder]
    assert cache.prune(max_bytes=0.0, older_than=0.0).left == 0
    assert {path: path.read_text() for path in kept} == kept
    assert all_bytes(indexed) == sum(map(len, kept.values()))
    assert not list(indexed.glob("*/.*.opticlir"))


def test_our_own_artefacts_go_even_if_nothing_of_them_can_be_read(indexed):
    for path in indexed.rglob("*"):
        if path.name in ("manifest.json", "CURRENT"):
            path.write_text("{broken")
    pruned = ArtefactCache(indexed).prune(max_bytes=0.0)
    assert (pruned.left, all_bytes(indexed)) == (0, 0)


# the place


def test_the_cache_is_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path / "own"))
    assert default_cache_folder() == tmp_path / "own"
    monkeypatch.delenv("OPTICLIR_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_cache_folder() == tmp_path / "xdg" / "opticlir"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache_folder() == tmp_path / ".cache" / "opticlir"


def test_without_a_home_the_cache_asks_for_a_folder(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    for name in ("OPTICLIR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", no_home)
    with pytest.raises(SetupError, match="no home folder for the cache: name a folder in OPTICLIR_CACHE"):
        default_cache_folder()
