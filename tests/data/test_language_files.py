import pytest

from opticlir.data.language_files import language_file, language_files
from opticlir.errors import DataError


def test_files_by_language(tmp_path):
    for name in [
        "q.sw.tsv",
        "q.hau.tsv",
        "q.zh-CN.tsv",
        "q.xx.tsv",
        "q.eng-from-sw.tsv",
        "q.tsv",
        "other.sw.tsv",
    ]:
        (tmp_path / name).touch()
    found = language_files(tmp_path, "q.{language}.tsv")
    assert {code: path.name for code, path in found.items()} == {
        "hau": "q.hau.tsv", "swa": "q.sw.tsv", "zho": "q.zh-CN.tsv"
    }  # fmt: skip
    assert language_file(tmp_path, "q.{language}.tsv", "swh") == tmp_path / "q.sw.tsv"
    with pytest.raises(DataError, match=r"no q.\{language\}.tsv for 'yor': there are hau, swa, zho"):
        language_file(tmp_path, "q.{language}.tsv", "yo")
    with pytest.raises(DataError, match=r"there is no x.\{language\} at all"):
        language_file(tmp_path, "x.{language}", "yo")


def test_no_folder(tmp_path):
    assert language_files(tmp_path / "nowhere", "q.{language}.tsv") == {}
