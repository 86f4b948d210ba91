"""A result goes where its user says: into a file, through a link, into a pipe or a device; never over one of these."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from opticlir.data import write_run
from opticlir.errors import ArtefactError
from opticlir.storage import check_result, write_result, write_text_atomically

RUN = {"q1": {"d1": 1.0}}
LINE = "q1 Q0 d1 1 1.0 opticlir\n"


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("exists", [True, False])
def test_a_run_behind_links_replaces_the_file_and_keeps_the_links(tmp_path, depth, exists):
    (tmp_path / "there").mkdir()
    place = tmp_path / "there" / "target.run"
    if exists:
        place.write_text("old")
        place.chmod(0o600)
    name = place
    for number in range(depth):
        link = tmp_path / f"link{number}"
        link.symlink_to(name)
        name = link
    write_run(RUN, name)
    assert all((tmp_path / f"link{number}").is_symlink() for number in range(depth))
    assert place.read_text() == LINE
    assert [each.name for each in place.parent.iterdir()] == ["target.run"]
    if exists:
        assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_a_run_is_written_into_a_pipe_with_a_name(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_run({"q1": {f"d{n}": -float(n) for n in range(20_000)}}, pipe)  # more than a pipe holds
    reader.join()
    assert read[0].count("\n") == 20_000
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("to", ["pipe", "file"])
def test_a_run_to_stdout_does_not_hide_what_is_printed_around_it(tmp_path, name, to):
    if not os.path.lexists(name):
        pytest.skip(f"needs {name}")
    program = (
        "from pathlib import Path; from opticlir.data import write_run; print('before');"
        f"write_run({RUN!r}, Path({name!r})); print('after')"
    )
    before = os.lstat(name).st_mode
    if to == "pipe":
        found = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        ).stdout
    else:
        with (tmp_path / "out").open("w") as out:
            subprocess.run([sys.executable, "-c", program], check=True, stdout=out)
        found = (tmp_path / "out").read_text()
    assert found == f"before\n{LINE}after\n"
    assert os.lstat(name).st_mode == before


@pytest.mark.parametrize("name", ["/dev/null", "/dev/full"])
def test_a_device_is_written_to_and_stays(name):
    path = Path(name)
    if not path.exists():
        pytest.skip(f"needs {name}")
    before = path.lstat().st_mode
    if name == "/dev/null":
        write_result(path, b"text")
    else:
        with pytest.raises(ArtefactError, match="cannot write /dev/full: No space left on device"):
            write_result(path, "text")
    assert path.lstat().st_mode == before


@pytest.mark.parametrize("name", [".", "", "..", "/", "folder", "link to a folder"])
@pytest.mark.parametrize("write", [write_result, write_text_atomically])
def test_a_folder_is_refused_by_every_name(tmp_path, monkeypatch, write, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link to a folder").symlink_to("folder")
    with pytest.raises(ArtefactError, match=r"it is a (folder; name a file in it|link; name the file)"):
        write(Path(name), "text")
    assert sorted([each.name for each in tmp_path.iterdir()]) == ["folder", "link to a folder"]


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127, "a" * 240])
def test_the_longest_name_of_a_file_is_no_hindrance(tmp_path, name):
    write_result(tmp_path / name, "text")
    write_text_atomically(tmp_path / name, "new")
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere/x", "there is no folder"), ("a" * 256, "File name too long"), ("file/x", "Not a directory"),
     ("loop", "Too many levels|Symlink loop"), ("a" * 5000, "File name too long")],
)  # fmt: skip
def test_an_impossible_name_is_refused_before_the_work(tmp_path, name, reason):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for refuse in (check_result, lambda path: write_result(path, "text")):
        with pytest.raises(ArtefactError, match=reason):
            refuse(tmp_path / name)
