import pytest

from opticlir.data.language_files import language_file, language_files, language_paths
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
    with pytest.raises(DataError, match=r"there is no x.\{language\} in any language"):
        language_file(tmp_path, "x.{language}", "yo")


def test_no_folder(tmp_path):
    assert language_files(tmp_path / "nowhere", "q.{language}.tsv") == {}


def test_paths_below_a_folder(tmp_path):
    for name in [
        "ciral-hausa/topics.ha.dev.tsv", "ciral-hausa/topics.sw.dev.tsv", "ciral-klingon/topics.ha.dev.tsv",
        "docs-sw/part-1.jsonl", "docs-sw/part-0.jsonl", "docs-xx/part-0.jsonl", "docs-sw/deep/part-2.jsonl",
        "de-en/de-en.gold", "de-en/fr-en.gold", "german_queries.tsv", "northern_sotho_queries.tsv",
    ]:  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def found(pattern):
        return {
            code: [path.relative_to(tmp_path).as_posix() for path in paths]
            for code, paths in language_paths(tmp_path, pattern).items()
        }

    assert found("docs-{language}/part-*.jsonl") == {"swa": ["docs-sw/part-0.jsonl", "docs-sw/part-1.jsonl"]}
    assert found("{name}_queries.tsv") == {
        "deu": ["german_queries.tsv"], "nso": ["northern_sotho_queries.tsv"]
    }  # fmt: skip
    assert found("{language}-en/{language}-en.gold") == {"deu": ["de-en/de-en.gold"]}, "the same both times"
    assert found("ciral-{name}/topics.{language}.dev.tsv") == {"hau": ["ciral-hausa/topics.ha.dev.tsv"]}, (
        "name and code are of one language"
    )


def test_of_several_codes_of_a_language_its_own_is_taken(tmp_path):
    for name in ["als/x.als", "sq/x.sq", "ckb/x.ckb", "sin_Latn/x.sin_Latn", "sin_Sinh/x.sin_Sinh"]:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    found = language_paths(tmp_path, "{language}/x.{language}")
    names = {code: [path.name for path in paths] for code, paths in found.items()}
    assert names == {"kur": ["x.ckb"], "sin": ["x.sin_Latn", "x.sin_Sinh"], "sqi": ["x.sq"]}


def test_codes_of_the_owner_go_before_ours(tmp_path):
    """What is one language by our codes may be two by those of the owner, and a code may mean another."""
    for name in ["x.als", "x.sq", "x.ckb", "x.ku", "x.simple"]:
        (tmp_path / name).touch()
    found = language_paths(tmp_path, "x.{language}", {"als": "gsw", "ckb": "ckb"})
    names = {code: [path.name for path in paths] for code, paths in found.items()}
    assert names == {"ckb": ["x.ckb"], "gsw": ["x.als"], "kur": ["x.ku"], "sqi": ["x.sq"]}


def test_what_is_no_whole_code_is_no_language(tmp_path):
    for name in ["q.sw.tsv", "q.sw-text.tsv", "q.qqq.tsv", "q.idx.tsv", "q.en-gold.tsv", "q.id-ID.tsv"]:
        (tmp_path / name).touch()
    names = {code: path.name for code, path in language_files(tmp_path, "q.{language}.tsv").items()}
    assert names == {"swa": "q.sw.tsv", "ind": "q.id-ID.tsv"}


def test_the_variant_asked_for_goes_first(tmp_path):
    for name in ["q.zh-CN.tsv", "q.zh-TW.tsv", "q.ku.tsv", "q.ckb.tsv"]:
        (tmp_path / name).touch()
    for language, name in [("zh-TW", "q.zh-TW.tsv"), ("zh-CN", "q.zh-CN.tsv"), ("zh-Hant", "q.zh-TW.tsv"),
                           ("zh", "q.zh-CN.tsv"), ("ckb", "q.ckb.tsv"), ("ku", "q.ku.tsv")]:  # fmt: skip
        assert language_file(tmp_path, "q.{language}.tsv", language).name == name
