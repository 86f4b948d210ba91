"""What every kind of index promises, whatever it is made of and whatever happened to it."""

import shutil

import numpy as np
import pytest

from opticlir.errors import ArtefactError, DataError
from opticlir.records import Document, Query
from opticlir.search import ExactIndex
from opticlir.search.scoring import Scorer

DIM = 16
WORDS = [
    "water",
    "fever",
    "river",
    "malaria",
    "clinic",
    "school",
    "market",
    "rain",
    "seed",
    "goat",
    "milk",
    "road",
    "child",
    "nurse",
    "well",
    "pump",
]


class ApproximateIndex(ExactIndex):
    """One that has estimates; a small one is scored completely, so its answers are those of an exact search."""

    @classmethod
    def create(cls, path, entries, **options):
        return super().create(path, entries, approximate=True, **options)


@pytest.fixture(params=[ExactIndex, ApproximateIndex], ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def vectors(seed, n_tokens):
    found = np.random.default_rng(seed).standard_normal((n_tokens, DIM), dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def entry(number, edition=0, n_tokens=None):
    words = [WORDS[(number * step + edition) % len(WORDS)] for step in (1, 3, 7)]
    tokens = vectors(1000 * edition + number, n_tokens or 1 + number % 5)
    return Document(
        f"d{number:05}", f"{' '.join(words)} {number}", f"Edition {edition}", {"edition": edition}
    ), tokens


def answers(index, n_queries=2):
    queries = [Query(str(n), f"{WORDS[n]} {WORDS[n + 5]} unknown", "und") for n in range(n_queries)]
    tokens = [vectors(90_000 + n, 3) for n in range(n_queries)]
    return Scorer(index).rank_by_each(queries, tokens, k=1000)


def same_answers(one, other):
    """The same documents in the same order, with scores that differ by rounding alone."""
    for ranking, run in answers(one).items():
        for query_id, found in answers(other)[ranking].items():
            assert list(run[query_id]) == list(found), (ranking, query_id)
            assert list(run[query_id].values()) == pytest.approx(list(found.values()), abs=1e-5, rel=1e-5)


def contents(index):
    return {
        doc_id: (index.get(doc_id), index.document_tokens(index.row(doc_id)).tobytes())
        for doc_id in index.doc_ids
    }


def kept(index, condition):
    return {
        doc_id for doc_id, is_kept in zip(index.doc_ids, index.matching(condition), strict=True) if is_kept
    }


def n_bytes(path):
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


@pytest.mark.parametrize("n_documents", [1, 2, 71])
def test_few_documents(kind, memory_path, n_documents):
    index = kind.create(memory_path / "index", map(entry, range(n_documents)), encoder="e")
    assert len(index) == n_documents
    for found in answers(index)["hybrid"].values():
        assert len(found) == n_documents
    index = index.add([entry(500)]).delete([f"d{n:05}" for n in range(n_documents)])
    assert list(answers(index)["dense"]["0"]) == ["d00500"]
    with pytest.raises(DataError, match="no document with text to index"):
        index.delete(["d00500"])
    index.verify()


def test_texts_that_are_empty_or_have_no_word(kind, memory_path):
    nothing = [(Document(f"e{n}", "" if n % 2 else " \n"), vectors(n, 1)) for n in range(20)]
    index = kind.create(
        memory_path / "index", [*nothing, (Document("dots", "... !"), vectors(50, 2))], encoder="e"
    )
    assert (index.doc_ids, index.counts["empty_documents"]) == (["dots"], 20)
    assert not answers(index)["bm25"]["0"]
    index = index.add([entry(1), *nothing[:3]])
    assert index.counts["empty_documents"] == 20
    same_answers(
        index,
        kind.create(
            memory_path / "fresh", [(Document("dots", "... !"), vectors(50, 2)), entry(1)], encoder="e"
        ),
    )
    index.verify()


def test_one_very_long_document_and_many_of_one_token(kind, memory_path, cases):
    n_tokens, n_documents = cases(20_000, 100_000), cases(3_000, 100_000)
    long = (Document("long", "river water " * n_tokens), vectors(7, n_tokens))
    short = ((Document(f"s{n}", WORDS[n % 16]), vectors(n % 997, 1)) for n in range(n_documents))
    index = kind.create(memory_path / "index", short, encoder="e").add([long])
    assert len(index) == n_documents + 1
    assert next(iter(answers(index)["dense"]["0"])) == "long"
    assert index.counts["tokens"] == n_tokens + n_documents
    index.verify()


def test_any_history_gives_the_answers_of_a_fresh_build_and_no_growth(kind, memory_path):
    """Ten cycles of add, delete, update, optimise and reopen."""
    path, live = memory_path / "index", {n: entry(n) for n in range(40)}
    index = kind.create(path, live.values(), encoder="e")
    sizes = []
    for cycle in range(1, 11):
        new = {100 * cycle + n: entry(100 * cycle + n) for n in range(10)}
        index = index.add(new.values())
        gone = sorted(live)[cycle % 3 : 20 : 3]
        index = index.delete([f"d{n:05}" for n in gone])
        live = {n: each for n, each in (live | new).items() if n not in gone}
        changed = {n: entry(n, edition=cycle) for n in sorted(live)[::9]}
        index = index.update(changed.values())
        live |= changed
        fresh = kind.create(memory_path / "fresh", live.values(), encoder="e")
        assert contents(index) == contents(fresh)
        assert (
            kept(index, f"edition = {cycle}")
            == kept(fresh, f"edition = {cycle}")
            == {f"d{n:05}" for n in changed}
        )
        if cycle % 2:
            index = index.optimize()
            assert (index.stats().segments, index.stats().tombstones) == (1, 0)
        index = kind.open(path)
        index.verify()
        same_answers(index, fresh)
        assert index.stats().tombstones <= len(index) / 4
        sizes.append((n_bytes(path), n_bytes(memory_path / "fresh")))
        index = index.optimize()
        assert n_bytes(path) == pytest.approx(n_bytes(memory_path / "fresh"), rel=0.02)
        shutil.rmtree(memory_path / "fresh")
    assert max(mine / fresh for mine, fresh in sizes) < 1.6
    assert len(list((path / "versions").iterdir())) == 1


def test_many_small_additions_become_few_segments(kind, memory_path):
    index = kind.create(memory_path / "index", [entry(0)], encoder="e")
    for number in range(1, 80):
        index = index.add([entry(number)])
        assert index.stats().segments <= 14
    same_answers(index, kind.create(memory_path / "fresh", map(entry, range(80)), encoder="e"))
    for number in range(12):
        index = index.update([entry(79, edition=number)])
    assert (len(index), index.stats().documents) == (80, 80)
    assert index.stats().segments <= 14
    index.verify()


def test_an_optimised_index_has_the_files_of_a_fresh_one(kind, memory_path):
    index = kind.create(memory_path / "index", map(entry, range(20)), encoder="e")
    index = index.add(map(entry, range(20, 40))).delete(["d00003", "d00025"]).optimize()
    kept = [entry(n) for n in range(40) if n not in (3, 25)]
    fresh = kind.create(memory_path / "fresh", kept, encoder="e")
    assert index.counts == fresh.counts
    assert sorted(each.sha256 for each in index.manifest.files.values()) == sorted(
        each.sha256 for each in fresh.manifest.files.values()
    )
    assert index.optimize() is index


def test_a_change_is_cheap_and_leaves_the_old_files_as_they_are(kind, memory_path):
    index = kind.create(memory_path / "index", map(entry, range(100)), encoder="e")
    before = {file.stat().st_ino: file.stat().st_mtime_ns for file in (memory_path / "index").rglob("*.*")}
    for change in (
        lambda: index.delete(["d00001"]),
        lambda: index.add([entry(200)]),
        lambda: index.update([entry(5, 1)]),
    ):
        change()
        left = {file.stat().st_ino: file.stat().st_mtime_ns for file in (memory_path / "index").rglob("*.*")}
        assert len(before.items() & left.items()) >= 10


def test_update_replaces_adds_and_refuses_twins(kind, memory_path):
    index = kind.create(memory_path / "index", map(entry, range(6)), encoder="e")
    index = index.update([entry(2, edition=1), entry(9)])
    assert (len(index), index.get("d00002").title, index.get("d00009").title) == (7, "Edition 1", "Edition 0")
    with pytest.raises(DataError, match="document id 'd00002' comes twice"):
        index.add([entry(2)])
    with pytest.raises(DataError, match="document id 'd00002' comes twice"):
        index.update([entry(2), entry(2, edition=3)])
    with pytest.raises(DataError, match="'d00002' and ' d00002' look alike"):
        index.update([(Document(" d00002", "x"), vectors(1, 1))])
    index = index.update([(Document("d00002", ""), vectors(1, 1))])
    assert (len(index), index.counts["empty_documents"]) == (6, 1)
    with pytest.raises(DataError, match="the index holds no document 'd00002'"):
        index.get("d00002")
    assert index.add([entry(2)]).counts["empty_documents"] == 0


def test_a_reader_keeps_its_version(kind, memory_path):
    """It has read nothing yet when its files are removed."""
    path = memory_path / "index"
    kind.create(path, map(entry, range(20)), encoder="e").add(map(entry, range(20, 30))).delete(["d00021"])
    expected = answers(kind.open(path))
    reader = kind.open(path)
    writer = kind.open(path).add([entry(40)]).delete(["d00000", "d00022"]).optimize()
    kind.create(path, [entry(50)], encoder="e")
    shutil.rmtree(path)
    assert answers(reader) == expected
    assert reader.get("d00000") == entry(0)[0]
    assert len(writer) == 28


def test_a_snapshot_is_an_index_of_its_own(kind, memory_path):
    path, copy = memory_path / "index", memory_path / "snapshot"
    index = kind.create(path, map(entry, range(20)), encoder="e").add([entry(30)]).delete(["d00002"])
    taken = index.snapshot(copy)
    same_answers(taken, index)
    taken.verify()
    index = index.add([entry(40)])
    assert len(kind.open(copy).delete(["d00005"])) == 19
    assert len(kind.open(path)) == 21
    assert len(index.snapshot(copy)) == 21  # replaces the one before
    (memory_path / "photos").mkdir()
    (memory_path / "photos" / "cat.jpg").touch()
    for folder, message in (
        (memory_path / "photos", "holds something else"),
        (path / "x", "overlap"),
        (path, "overlap"),
    ):
        with pytest.raises(ArtefactError, match=message):
            index.snapshot(folder)


def test_a_file_system_without_second_names_gets_copies(kind, memory_path, monkeypatch):
    from opticlir.storage import filesystem

    def refused(self, source, target):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(filesystem.FileSystem, "link", refused)
    index = kind.create(memory_path / "index", map(entry, range(20)), encoder="e").add([entry(30)])
    index.snapshot(memory_path / "copy").verify()
    same_answers(kind.open(memory_path / "copy"), index)


def test_two_equal_histories_make_equal_files(kind, memory_path):
    def history(path):
        index = kind.create(path, map(entry, range(30)), encoder="e").add(map(entry, range(30, 40)))
        return index.delete(["d00003", "d00035"]).update([entry(7, 1)])

    one, other = history(memory_path / "one"), history(memory_path / "other")
    assert one.manifest == other.manifest
    assert answers(one) == answers(other)


def test_what_was_computed_for_a_segment_is_kept_for_the_next_version(kind, memory_path):
    """A service answers on at once after a change: only the new segment is opened."""
    index = kind.create(memory_path / "index", map(entry, range(20)), encoder="e")
    answers(index)
    changed = kind.open(memory_path / "index").add([entry(30)])
    after = index.reopened()
    assert after.version == changed.version
    assert after.segments[0].segment is index.segments[0].segment
    assert index.add([entry(31)]).segments[0].segment is index.segments[0].segment


def test_a_field_that_holds_another_kind_than_before_is_said(kind, memory_path, caplog):
    index = kind.create(memory_path / "index", [entry(0)], encoder="e")
    index = index.add([(Document("x", "water", "", {"edition": 1.5}), vectors(1, 1))])
    assert "several kinds" not in caplog.text
    index = index.add([(Document("y", "water", "", {"edition": "second"}), vectors(1, 1))])
    assert "the field 'edition' holds values of several kinds: all are kept as text" in caplog.text
    assert index.field_kinds == {"edition": "text"}
    assert kept(index, 'edition = "1.5"') == {"x"}
