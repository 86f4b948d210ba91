import hashlib
import json

import pytest

import opticlir
from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, environment, input_checksums, read_manifest, write_manifest
from opticlir.storage import Checksum

EXAMPLE = Manifest(
    kind="exact index",
    format_version=2,
    config={"dtype": "float16", "languages": ["swa"]},
    seed=7,
    inputs={"corpus.jsonl": "ab" * 32},
    files={"tokens.bin": Checksum(4, "cd" * 32)},
    counts={"documents": 3},
)


def test_a_manifest_comes_back_as_it_was(tmp_path):
    write_manifest(tmp_path / "manifest.json", EXAMPLE)
    assert read_manifest(tmp_path / "manifest.json", kind="exact index", newest_version=2) == EXAMPLE


def test_the_environment_names_versions_without_importing_them():
    found = environment()
    assert found["opticlir"] == opticlir.__version__
    assert {"torch", "sentence-transformers", "transformers", "numpy", "python", "machine"} <= found.keys()


def test_input_checksums_cover_files_and_folders(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("a.tsv", "folder/b.tsv"):
        (tmp_path / name).write_text(name)
    found = input_checksums([tmp_path / "a.tsv", tmp_path / "folder"])
    assert found == {
        str(tmp_path / name): hashlib.sha256(name.encode()).hexdigest() for name in ("a.tsv", "folder/b.tsv")
    }


def test_a_newer_format_is_refused_with_the_version_it_needs(tmp_path):
    path = tmp_path / "manifest.json"
    write_manifest(path, EXAMPLE)
    record = json.loads(path.read_text())
    record["environment"]["opticlir"] = "9.1.0"
    path.write_text(json.dumps(record))
    with pytest.raises(
        ArtefactError, match=r"has format 2, this opticlir \(.*\) reads up to 1: install opticlir 9.1.0"
    ):
        read_manifest(path, kind="exact index", newest_version=1)
    del record["environment"]
    path.write_text(json.dumps(record))
    with pytest.raises(ArtefactError, match="install a newer opticlir"):
        read_manifest(path, kind="exact index", newest_version=1)


def test_another_kind_and_a_missing_manifest_are_refused(tmp_path):
    path = tmp_path / "manifest.json"
    with pytest.raises(ArtefactError, match="is missing: this exact index is not complete"):
        read_manifest(path, kind="exact index", newest_version=1)
    write_manifest(path, EXAMPLE)
    with pytest.raises(ArtefactError, match="describes a 'exact index', a 'training run' was expected"):
        read_manifest(path, kind="training run", newest_version=2)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "[" * 100_000, "\xff", '{"kind": "exact index", "format_version": "x"}',
     '{"kind": "exact index", "format_version": 1}',
     '{"kind": "exact index", "format_version": 1, "files": {"a": 3}}',
     '{"kind": "exact index", "format_version": 1, "files": {}, "unknown": 1}'],
)  # fmt: skip
def test_a_damaged_manifest_is_refused(tmp_path, text):
    path = tmp_path / "manifest.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ArtefactError, match=r"manifest\.json is damaged: build the exact index again"):
        read_manifest(path, kind="exact index", newest_version=1)
