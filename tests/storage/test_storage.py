import hashlib
import os
import shutil
from pathlib import Path

import pytest
from faulty_disk import CRASHES, REFUSALS, Crash, FaultyDisk, until_no_fault, using

from opticlir.errors import ArtefactError
from opticlir.storage import (
    Checksum,
    DurableFile,
    check_file,
    check_files,
    exclusive_lock,
    filesystem,
    move_into_parent,
    open_version,
    publish_folder,
    publish_version,
    sha256_file,
    write_bytes_atomically,
    write_file,
    write_text_atomically,
)

MANIFEST = b'{"kind": "pair", "format_version": 1, "files": {}, "environment": {"opticlir": "1"}}'


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def files_under(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def read_both(folder):
    return folder.joinpath("a").read_bytes(), folder.joinpath("b").read_bytes()


def opened(root):
    try:
        return open_version(root, read_both)
    except ArtefactError as error:
        return "nothing" if "holds no finished index" in str(error) else str(error)


def write_both(folder, content):
    write_file(folder / "a", content)
    write_file(folder / "b", content * 2)
    write_file(folder / "manifest.json", MANIFEST)


def attempt(disk, operation):
    """Run with faults: the name of what happened."""
    with using(disk):
        try:
            operation()
        except Crash:
            return "crash"
        except ArtefactError as error:
            return (
                "refused" if "cannot write" in str(error) or "does not confirm" in str(error) else str(error)
            )
    if disk.mode == "lost":
        disk.cut_power()
    return "done"


# --- single files


def test_atomic_writes_replace_and_leave_nothing_else(tmp_path):
    write_bytes_atomically(tmp_path / "x", b"one")
    write_text_atomically(tmp_path / "x", "zwei\u2028é")
    assert (tmp_path / "x").read_text(encoding="utf-8") == "zwei\u2028é"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("mode", CRASHES + REFUSALS)
def test_a_file_is_the_old_or_the_new_whatever_call_fails(tmp_path, mode):
    path = tmp_path / "x"

    def run(disk):
        path.write_bytes(b"old")
        outcome = attempt(disk, lambda: write_bytes_atomically(path, b"the new one"))
        assert path.read_bytes() in {b"old", b"the new one"}
        if outcome == "done":
            assert path.read_bytes() == b"the new one"
        if outcome == "refused":
            assert names(tmp_path) == ["x"]

    assert until_no_fault(mode, run) >= 6


def test_a_full_disk_says_so_and_what_to_do(tmp_path):
    with using(FaultyDisk("ENOSPC", 2)), pytest.raises(ArtefactError) as caught:
        write_text_atomically(tmp_path / "x", "text")
    for part in ("cannot write", "No space left on device", "unchanged", "free some space and try again"):
        assert part in str(caught.value)


def test_a_write_into_a_missing_folder_is_one_clear_error(tmp_path):
    with pytest.raises(ArtefactError, match=r"cannot write .*nowhere/x: No such file or directory"):
        write_text_atomically(tmp_path / "nowhere" / "x", "text")


def test_short_writes_are_continued_and_blocks_hashed(tmp_path):
    class Slow(FaultyDisk):
        def write(self, descriptor, data):
            return os.write(descriptor, data[:3])

    content = bytes(range(50))
    with using(Slow()), DurableFile(tmp_path / "x", block_size=16) as file:
        for part in (content[:7], b"", content[7:40], content[40:]):
            file.write(part)
        checksum = file.finish()
    assert (tmp_path / "x").read_bytes() == content
    assert checksum == Checksum(50, hashlib.sha256(content).hexdigest())
    assert checksum.sha256 == sha256_file(tmp_path / "x")
    expected = [hashlib.sha256(content[start : start + 16]).digest() for start in range(0, 50, 16)]
    assert file.block_digests == expected


def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path):
    checksum = write_file(tmp_path / "x", b"0123456789")
    check_files(tmp_path, {"x": checksum})
    for content, message in [
        (b"012345678", "has 9 bytes, 10 were written"),
        (b"0123456789+", "has 11 bytes, 10 were written"),
        (b"012345678_", "its SHA-256 differs"),
    ]:
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(ArtefactError, match=message):
            check_file(tmp_path / "x", checksum)
    check_file(tmp_path / "x", checksum, content=False)
    (tmp_path / "x").unlink()
    with pytest.raises(ArtefactError, match="x is missing"):
        check_files(tmp_path, {"x": checksum})


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_replaced_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_bytes_atomically(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", mode)


def make_link(path):
    path.with_name("target").write_text("kept")
    path.symlink_to("target")


def make_dangling_link(path):
    path.symlink_to("target")


HOSTILE = {
    "link": (make_link, "it is a link; name the file that it leads to"),
    "dangling link": (make_dangling_link, "it is a link"),
    "pipe": (os.mkfifo, "it is a device or a pipe, not a file"),
    "folder": (Path.mkdir, "it is a folder; name a file in it"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_write_replaces_only_files(tmp_path, kind):
    make, message = HOSTILE[kind]
    path = tmp_path / "x"
    make(path)
    before = (path.lstat().st_mode, path.lstat().st_ino, names(tmp_path))
    with pytest.raises(ArtefactError, match=message):
        write_text_atomically(path, "new")
    assert (path.lstat().st_mode, path.lstat().st_ino, names(tmp_path)) == before
    assert not path.with_name("target").exists() or path.with_name("target").read_text() == "kept"


@pytest.mark.skipif(not os.access("/dev/null", os.W_OK), reason="needs /dev/null")
def test_a_device_is_not_replaced():
    with pytest.raises(ArtefactError, match="it is a device or a pipe"):
        write_text_atomically(Path("/dev/null"), "text")


@pytest.mark.parametrize("make", [make_link, make_dangling_link, os.mkfifo, Path.mkdir])
def test_a_lock_file_that_is_not_ours_is_refused_and_kept(tmp_path, make):
    lock = tmp_path / ".x.opticlir-lock"
    make(lock)
    before = names(tmp_path)
    with pytest.raises(ArtefactError, match="cannot write"), exclusive_lock(tmp_path / "x"):
        pytest.fail("it is not locked")
    assert names(tmp_path) == before
    assert not (tmp_path / "target").exists() or (tmp_path / "target").read_text() == "kept"


# --- folders


def test_a_folder_is_published_whole(tmp_path):
    with publish_folder(tmp_path / "deep" / "model") as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "weights").write_bytes(b"1")
        assert not (tmp_path / "deep" / "model").exists()
    assert files_under(tmp_path) == ["deep/model/sub/weights"]


def test_a_folder_that_holds_something_is_refused(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").touch()
    with pytest.raises(ArtefactError, match="model exists already"), publish_folder(tmp_path / "model"):
        pytest.fail("the block must not run")
    (tmp_path / "file").touch()
    with pytest.raises(ArtefactError, match="file exists already"), publish_folder(tmp_path / "file"):
        pytest.fail("the block must not run")
    assert files_under(tmp_path) == ["file", "model/mine"]


def test_an_error_in_the_block_leaves_nothing_and_is_passed_on(tmp_path):
    def fail_half_way():
        with publish_folder(tmp_path / "model") as folder:
            (folder / "half").touch()
            raise FileNotFoundError("corpus")

    with pytest.raises(FileNotFoundError, match="corpus"):
        fail_half_way()
    assert names(tmp_path) == []


@pytest.mark.parametrize("mode", CRASHES + REFUSALS)
def test_a_folder_is_absent_or_complete_whatever_call_fails(tmp_path, mode):
    def publish(target):
        with publish_folder(target) as folder:
            write_both(folder, b"new")

    def run(disk):
        place = tmp_path / f"{mode}-{disk.n}"
        target = place / "model"
        outcome = attempt(disk, lambda: publish(target))
        if outcome == "done" or target.exists():
            assert read_both(target) == (b"new", b"newnew")
        else:
            publish(target)  # what the dead one left behind is in nobody's way
        left = [
            name for name in files_under(place) if name != ".model.opticlir-lock"
        ]  # the next writer takes it over
        assert left == ["model/a", "model/b", "model/manifest.json"]

    assert until_no_fault(mode, run) >= 15


@pytest.mark.parametrize("mode", CRASHES + REFUSALS)
@pytest.mark.parametrize("over", [False, True])
def test_what_is_moved_into_a_folder_is_old_or_new_or_incomplete_whatever_call_fails(memory_path, mode, over):
    """`b` is moved last: whoever finds it finds everything else, of one save."""

    def save(folder, content):
        draft = folder / ".draft"
        if draft.exists():
            filesystem.active.remove(draft)
        with filesystem.refusals_named(folder):
            filesystem.active.make_folder(draft)
            filesystem.active.make_folder(draft / "sub")
            for name in ("sub/c", "d", "a", "b"):
                write_file(draft / name, content)
            filesystem.sync_tree(draft)
            move_into_parent(draft, last=("a", "b"))

    def run(disk):
        folder = memory_path / f"{disk.n}"
        folder.mkdir()
        (folder / "theirs").write_bytes(b"kept")
        if over:
            with using(FaultyDisk()):
                save(folder, b"old")
        outcome = attempt(disk, lambda: save(folder, b"new"))
        assert outcome in {"done", "crash", "refused"}
        contents = {
            (folder / name).read_bytes() for name in ("sub/c", "d", "a", "b") if (folder / name).exists()
        }
        if outcome == "done":
            assert contents == {b"new"}
        if (folder / "b").exists():
            assert files_under(folder) == ["a", "b", "d", "sub/c", "theirs"] or (folder / ".draft").exists()
            assert contents in ({b"old"}, {b"new"})
        with using(FaultyDisk()):
            save(folder, b"next")
        assert files_under(folder) == ["a", "b", "d", "sub/c", "theirs"]
        assert (folder / "theirs").read_bytes() == b"kept"

    assert until_no_fault(mode, run) >= 25


# --- versions


@pytest.mark.parametrize("mode", CRASHES + REFUSALS)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_version_is_the_old_or_the_new_whatever_call_fails(tmp_path, mode, is_first):
    def publish(root, content):
        with publish_version(root) as folder:
            write_both(folder, content)

    def publish_well(root, content):
        with using(FaultyDisk()):  # no faults, and none of the time that a real sync takes
            publish(root, content)

    def run(disk):
        root = tmp_path / f"{mode}-{disk.n}" / "index"
        if not is_first:
            publish_well(root, b"old")
        outcome = attempt(disk, lambda: publish(root, b"new"))
        assert outcome in {"done", "crash", "refused"}
        found = opened(root)
        if outcome == "done":
            assert found == (b"new", b"newnew")
        assert found in {(b"new", b"newnew"), "nothing" if is_first else (b"old", b"oldold")}
        publish_well(root, b"next")
        assert open_version(root, read_both) == (b"next", b"nextnext")
        assert len(files_under(root.parent)) == 4

    assert until_no_fault(mode, run) >= 15


def test_a_folder_or_file_that_is_not_ours_is_never_written(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    (tmp_path / "file").touch()
    for name, message in [
        ("photos", r"holds something else \(cat\.jpg\)"),
        ("file", "is a file, a folder was expected"),
    ]:
        with pytest.raises(ArtefactError, match=message), publish_version(tmp_path / name):
            pytest.fail("the block must not run")
    assert files_under(tmp_path) == ["file", "photos/cat.jpg"]


def test_what_is_not_ours_in_the_folder_of_versions_stays(tmp_path):
    """Another program has a file named CURRENT; a link leads out; a user keeps a copy beside the versions."""
    database = tmp_path / "database"
    (database / "versions").mkdir(parents=True)
    (database / "CURRENT").write_text("MANIFEST-000005\n")
    (database / "000003.log").write_text("data")
    with pytest.raises(ArtefactError, match=r"holds something else"), publish_version(database):
        pytest.fail("the block must not run")
    outside, linked = tmp_path / "outside", tmp_path / "linked"
    (outside / "000001").mkdir(parents=True)
    linked.mkdir()
    (linked / "versions").symlink_to(outside)
    with (
        pytest.raises(ArtefactError, match=r"versions is a link: choose another folder"),
        publish_version(linked),
    ):
        pytest.fail("the block must not run")
    root = tmp_path / "index"
    for content, stranger in ((b"1", "my copy"), (b"2", "000003"), (b"3", "202411"), (b"4", ".x.partial")):
        with publish_version(root) as folder:
            write_both(folder, content)
        (root / "versions" / stranger).mkdir()
    assert names(root / "versions") == [".x.partial", "000003", "000005", "202411", "my copy"]
    assert names(database) == ["000003.log", "CURRENT", "versions"]
    assert names(outside) == ["000001"]


def test_what_is_missing_or_damaged_is_said(tmp_path):
    root = tmp_path / "index"
    with pytest.raises(ArtefactError, match="holds no finished index: build it first"):
        open_version(root, read_both)
    for content in (b"1", b"2"):
        with publish_version(root) as folder:
            write_both(folder, content)
    assert names(root / "versions") == ["000002"]
    manifest = root / "versions" / "000002" / "manifest.json"
    manifest.write_bytes(MANIFEST.lower()[:-1] + b" ")
    with pytest.raises(ArtefactError, match="is not the one that CURRENT names"):
        open_version(root, read_both)
    manifest.unlink()
    with pytest.raises(ArtefactError, match=r"manifest\.json is missing"):
        open_version(root, read_both)
    with publish_version(root) as folder:  # building again repairs it
        write_both(folder, b"3")
    assert names(root / "versions") == ["000002", "000003"]  # nothing proves that 000002 is ours
    shutil.rmtree(root / "versions" / "000002")
    (root / "CURRENT").write_bytes(b"000003\n")
    with pytest.raises(ArtefactError, match="CURRENT is damaged"):
        open_version(root, read_both)
    with publish_version(root) as folder:  # building again repairs it
        write_both(folder, b"4")
    assert open_version(root, read_both) == (b"4", b"44")
    assert names(root / "versions") == ["000004"]


@pytest.mark.parametrize("manifest", [None, "{}", "a release of another program", '{"kind": "film"}'])
@pytest.mark.parametrize("is_named", [True, False])
def test_what_a_pointer_like_ours_names_stays_if_another_program_wrote_it(
    tmp_path, caplog, manifest, is_named
):
    folder = tmp_path / "index" / "versions" / "000001"
    folder.mkdir(parents=True)
    (folder / "thesis").write_text("years of work")
    digest = "0" * 64
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
        digest = sha256_file(folder / "manifest.json")
    (tmp_path / "index" / "CURRENT").write_text(f"{folder.name} {digest if is_named else 'f' * 64}\n")
    with publish_version(tmp_path / "index") as draft:
        write_both(draft, b"1")
    assert (folder / "thesis").read_text() == "years of work"
    assert names(folder.parent) == ["000001", "000002"]
    assert "000001 stays: it has no manifest of opticlir" in caplog.text


def test_a_version_that_is_a_link_is_not_followed(tmp_path):
    for name in ("index", "other"):
        with publish_version(tmp_path / name) as folder:
            write_both(folder, b"1")
    version = tmp_path / "index" / "versions" / "000001"
    for name in ("manifest.json", "a", "b"):
        (version / name).unlink()
    version.rmdir()
    version.symlink_to(tmp_path / "other" / "versions" / "000001")
    with publish_version(tmp_path / "index") as folder:
        write_both(folder, b"2")
    assert version.is_symlink()
    assert open_version(tmp_path / "other", read_both) == (b"1", b"11")
    assert open_version(tmp_path / "index", read_both) == (b"2", b"22")


def test_an_index_in_a_folder_that_is_not_writable_can_be_replaced(tmp_path):
    """Nothing is written beside the folder: its owner may have no right to do so."""
    seen = []
    with publish_version(tmp_path / "index") as folder:
        seen.append(names(tmp_path))
        write_both(folder, b"1")
    assert seen == [["index"]]
    assert names(tmp_path / "index") == ["CURRENT", "versions"]


def test_what_a_killed_first_build_left_is_removed_before_the_next(tmp_path):
    root = tmp_path / "index"
    disk = FaultyDisk("before", 8)

    def publish():
        with publish_version(root) as folder:
            left.append(names(root / "versions"))
            write_both(folder, b"1")

    left = []
    assert attempt(disk, publish) == "crash"
    draft = [".000001.opticlir-partial"]
    assert names(root / "versions") == draft
    publish()
    assert left == [draft, draft]
    assert names(root / "versions") == ["000001"]


@pytest.mark.parametrize(
    "name",
    ["versions/202411/thesis.txt", "versions/000001/manifest.json", "versions/notes", "CURRENT", "CURRENT/x"],
)
def test_a_folder_with_names_like_ours_is_refused_and_left_alone(tmp_path, name):
    path = tmp_path / "mine" / name
    path.parent.mkdir(parents=True)
    path.write_text("years of work")
    with (
        pytest.raises(ArtefactError, match=rf"mine holds something else \({name.rpartition('/')[0]}"),
        publish_version(tmp_path / "mine"),
    ):
        pytest.fail("the block must not run")
    assert path.read_text() == "years of work"
    assert files_under(tmp_path) == [f"mine/{name}"]


@pytest.mark.parametrize("publish", [publish_version, publish_folder])
def test_files_beside_a_target_that_are_not_ours_stay(tmp_path, publish):
    for name in (".index.lock", ".index.partial"):
        (tmp_path / name).write_text("years of work")
    with publish(tmp_path / "index") as folder:
        write_both(folder, b"1")
    assert names(tmp_path) == [".index.lock", ".index.partial", "index"]


@pytest.mark.parametrize("name", [".", "../here", "", "link"])
@pytest.mark.parametrize("publish", [publish_version, publish_folder])
def test_a_folder_may_be_the_current_one(tmp_path, monkeypatch, publish, name):
    (tmp_path / "here").mkdir()
    if name == "link":
        (tmp_path / "there").mkdir()
        (tmp_path / "here" / "link").symlink_to(tmp_path / "there")
    monkeypatch.chdir(tmp_path / "here")
    with publish(Path(name)) as folder:
        target = tmp_path / ("there" if name == "link" else "here")
        inside = target / ".versions.opticlir-lock"
        beside = tmp_path / f".{target.name}.opticlir-lock"
        assert (inside if publish is publish_version else beside).exists()
        write_both(folder, b"1")
    assert (open_version(target, read_both) if publish is publish_version else read_both(target)) == (
        b"1",
        b"11",
    )


@pytest.mark.parametrize("publish", [publish_version, publish_folder])
def test_the_root_of_the_file_system_is_refused(publish):
    with pytest.raises(ArtefactError, match="/ is the root of the file system"), publish(Path("/")):
        pytest.fail("the block must not run")


def test_a_version_without_a_manifest_is_not_published(tmp_path):
    with pytest.raises(ArtefactError, match="cannot write"), publish_version(tmp_path / "index") as folder:
        write_file(folder / "a", b"1")
    with pytest.raises(ArtefactError, match="holds no finished index"):
        open_version(tmp_path / "index", read_both)


@pytest.mark.parametrize("was_there", [False, True])
def test_a_first_build_that_fails_leaves_the_place_as_it_was(tmp_path, was_there):
    root = tmp_path / "index"
    if was_there:
        root.mkdir()

    def publish():
        with publish_version(root) as folder:
            write_file(folder / "a", b"1")
            folder.mkdir()  # something goes wrong when much is written already

    with pytest.raises(FileExistsError):
        publish()
    assert root.exists() == was_there
    assert files_under(tmp_path) == []
    assert not (root / "versions").exists()


def test_a_reader_that_is_overtaken_opens_the_newer_version(tmp_path):
    root = tmp_path / "index"

    def publish(content):
        with publish_version(root) as folder:
            write_both(folder, content)

    publish(b"1")
    seen = []

    def load(folder):
        seen.append(folder.name)
        if len(seen) == 1:
            publish(b"2")  # removes the folder that is being read
        return read_both(folder)

    assert open_version(root, load) == (b"2", b"22")
    assert seen == ["000001", "000002"]


def test_a_reader_never_finds_the_pointer_half_written(tmp_path):
    """The pointer gets its name when it is whole: written in place it would be empty for a moment."""
    root = tmp_path / "index"
    for content in (b"1", b"2"):
        seen = []

        class Watching(FaultyDisk):
            def _call(self, operation, torn=lambda: None):
                seen.append((root / "CURRENT").read_bytes() if (root / "CURRENT").exists() else None)  # noqa: B023
                return operation()

        before = (root / "CURRENT").read_bytes() if root.exists() else None
        reader = (root / "CURRENT").open("rb") if root.exists() else None
        with using(Watching()), publish_version(root) as folder:
            write_both(folder, content)
        after = (root / "CURRENT").read_bytes()
        assert set(seen) == {before, after}
        assert before != after
        if reader:  # who opened the old pointer reads it to its end
            with reader:
                assert reader.read() == before
