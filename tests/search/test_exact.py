import hashlib
import json
import shutil

import numpy as np
import pytest

from opticlir.errors import ArtefactError, DataError
from opticlir.manifest import Manifest
from opticlir.records import Document
from opticlir.search import ExactIndex
from opticlir.storage import MANIFEST, Checksum, sha256_file

DIM = 4


def matrix(seed, n_tokens=3, dim=DIM):
    tokens = np.random.default_rng(seed).standard_normal((n_tokens, dim), dtype=np.float32)
    return tokens / np.linalg.norm(tokens, axis=1, keepdims=True)


def entry(number, n_tokens=3):
    return Document(f"d{number}", f"text of {number}", f"Title {number}"), matrix(number, n_tokens)


def entries(*numbers):
    return (entry(number) for number in numbers)


def version_folder(path):
    (folder,) = (path / "versions").iterdir()
    return folder


def segment_folder(path):
    (folder,) = version_folder(path).glob("0*/")
    return folder


def rewrite(path, name, content):
    """Alter a file and every checksum above it: the index as another program might have made it."""
    folder = version_folder(path)
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / MANIFEST).read_text())
    if name != MANIFEST:
        manifest["files"][name] = {"n_bytes": len(content), "sha256": sha256_file(folder / name)}
        (folder / MANIFEST).write_text(json.dumps(manifest))
    (path / "CURRENT").write_text(f"{folder.name} {sha256_file(folder / MANIFEST)}\n")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index"


@pytest.mark.parametrize(("dtype", "itemsize"), [("float16", 2), ("float32", 4)])
def test_what_goes_in_comes_out(path, dtype, itemsize):
    stream = [entry(1, 2), entry(2, 5), entry(3, 1)]
    index = ExactIndex.create(
        path, iter(stream), encoder="ab12", store=dtype, inputs={"corpus.jsonl": "0" * 64}
    )
    assert (len(index), index.dim, index.codec.store, index.encoder) == (3, DIM, dtype, "ab12")
    assert index.doc_ids == ["d1", "d2", "d3"]
    for row, (document, tokens) in enumerate(stream):
        assert index.document(row) == document
        np.testing.assert_array_equal(index.document_tokens(row), tokens.astype(dtype))
    assert (segment_folder(path) / "tokens.bin").stat().st_size == 8 * DIM * itemsize
    assert index.manifest.counts == {
        "documents": 3, "passages": 3, "tokens": 8, "empty_documents": 0, "long_documents": 0, "cut_documents": 0
    }  # fmt: skip
    assert index.manifest.inputs == {"corpus.jsonl": "0" * 64}
    assert isinstance(index.manifest, Manifest)
    index.verify()


def test_the_same_documents_make_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        ExactIndex.create(tmp_path / name, entries(1, 2, 3), encoder="e")
    files = [
        {p.name: p.read_bytes() for p in version_folder(tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    ]
    assert files[0] == files[1]


def test_the_stream_is_taken_one_document_at_a_time(path):
    alive = 0

    class Counted(np.ndarray):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def stream():
        nonlocal alive
        for number in range(20):
            document, tokens = entry(number)
            alive += 1
            assert alive <= 4
            yield document, tokens.view(Counted)
            del tokens

    assert len(ExactIndex.create(path, stream(), encoder="e")) == 20


def test_empty_documents_are_left_out_and_counted(path):
    stream = [
        (Document("none", ""), matrix(1)),
        entry(2),
        (Document("blank", " \n"), matrix(1)),
        (Document("unread", "???"), np.zeros((0, DIM), np.float32)),
        (Document("titled", "", "Title"), matrix(3)),
    ]
    index = ExactIndex.create(path, iter(stream), encoder="e")
    assert index.doc_ids == ["d2", "titled"]
    assert index.n_empty == 3
    assert index.add([(Document("more", ""), matrix(1))]).n_empty == 4


def test_an_index_of_nothing_is_refused(path):
    with pytest.raises(DataError, match=r"no document with text to index \(1 empty ones were left out\)"):
        ExactIndex.create(path, iter([(Document("a", ""), matrix(1))]), encoder="e")
    with pytest.raises(ArtefactError, match="holds no finished index"):
        ExactIndex.open(path)


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ((Document("d1", "again"), matrix(5)), DataError, "document id 'd1' comes twice"),
        ((Document(" ", "no name"), matrix(5)), DataError, "is blank; its text begins with 'no name'"),
        ((Document("d\n2", "x"), matrix(5)), DataError, "contains NUL, a line end or a tab; its text begins with 'x'"),
        ((Document("d\t2", "x"), matrix(5)), DataError, "contains NUL, a line end or a tab"),
        ((Document("d\0", "x"), matrix(5)), DataError, "contains NUL, a line end or a tab"),
        ((Document("d2", "\ud800"), matrix(5)), DataError, "document 'd2' is no valid Unicode"),
        ((Document("d2", "x"), matrix(5) * np.float32(np.nan)), ArtefactError, "'d2': its embedding holds NaN"),
        ((Document("d2", "x"), matrix(5) * np.float32(np.inf)), ArtefactError, "'d2': its embedding holds NaN"),
        ((Document("d2", "x"), matrix(5) * np.float32(1e6)), ArtefactError, "or a value beyond float16"),
        ((Document("d2", "x"), matrix(5, dim=3)), ValueError, r"'d2' has tokens \(3, 3\), expected \(tokens, 4\)"),
        ((Document("d2", "x"), matrix(5)[0]), ValueError, r"'d2' has tokens \(4,\)"),
    ],
)  # fmt: skip
def test_a_bad_document_is_named_and_nothing_changes(path, bad, error, message):
    ExactIndex.create(path, entries(7), encoder="old")
    with np.errstate(invalid="ignore"), pytest.raises(error, match=message):
        ExactIndex.create(path, iter([entry(1), bad]), encoder="new")
    assert ExactIndex.open(path).doc_ids == ["d7"]
    with pytest.raises(error):
        ExactIndex.open(path).add([entry(1), bad])
    assert [each.name for each in path.iterdir() if each.name != "versions"] == ["CURRENT"]
    assert len(list((path / "versions").iterdir())) == 1


def test_an_unknown_precision_is_refused(path):
    with pytest.raises((ValueError, TypeError), match="int3"):
        ExactIndex.create(path, entries(1), encoder="e", store="int3")


def test_add_and_delete_publish_new_versions(path):
    first = ExactIndex.create(path, entries(1, 2), encoder="e", inputs={"a": "b"})
    second = first.add(entries(3))
    third = second.delete(["d1"])
    assert [index.doc_ids for index in (first, second, third)] == [
        ["d1", "d2"],
        ["d1", "d2", "d3"],
        ["d2", "d3"],
    ]
    np.testing.assert_array_equal(third.document_tokens(1), first.add(entries(1)).document_tokens(1))
    assert first.document(0) == entry(1)[0]  # a reader keeps its version
    fresh = ExactIndex.create(path.with_name("fresh"), entries(2, 3), encoder="e", inputs={"a": "b"})
    queries = ["text of 2"]
    np.testing.assert_array_equal(third.lexical_scores(queries), fresh.lexical_scores(queries))
    with pytest.raises(DataError, match="holds no document 'd9': nothing was deleted"):
        third.delete(["d2", "d9"])
    with pytest.raises(DataError, match="no document with text to index"):
        ExactIndex.open(path).delete(ExactIndex.open(path).doc_ids)


def test_another_encoder_is_refused(path):
    index = ExactIndex.create(path, entries(1), encoder="ab12")
    index.check_encoder("ab12")
    with pytest.raises(
        ArtefactError, match=r"built with document encoder ab12, the model given has cd34: use"
    ):
        index.check_encoder("cd34")


def test_truncated_files_are_refused_at_open(path):
    ExactIndex.create(path, entries(1, 2), encoder="e")
    for file in sorted(version_folder(path).rglob("*.*")):
        content = file.read_bytes()
        for n_bytes in (0, len(content) // 2, len(content) - 1):
            file.write_bytes(content[:n_bytes])
            with pytest.raises(ArtefactError, match=file.name.replace(".", r"\.")):
                ExactIndex.open(path)
        file.write_bytes(content + b"\0")
        with pytest.raises(ArtefactError, match=file.name.replace(".", r"\.")):
            ExactIndex.open(path)
        file.unlink()
        with pytest.raises(ArtefactError, match=f"{file.name} is missing"):
            ExactIndex.open(path)
        file.write_bytes(content)
    ExactIndex.open(path).verify()


def test_an_altered_vector_is_found_before_it_is_used(path):
    ExactIndex.create(path, entries(1, 2), encoder="e")
    file = segment_folder(path) / "tokens.bin"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    index = ExactIndex.open(path)
    for use in (lambda: index.dense_scores([matrix(0)]), lambda: index.document_tokens(0), index.verify,
                lambda: index.delete(["d1"])):  # fmt: skip
        with pytest.raises(ArtefactError, match=r"tokens\.bin is not what was written"):
            use()


def test_blocks_are_checked_when_they_are_read_and_once(path):
    """Three megabytes of vectors: damage in the last block leaves the documents of the first in use."""
    big = [(Document(f"d{n}", "x"), matrix(n, n_tokens=1024, dim=256)) for n in range(6)]
    ExactIndex.create(path, iter(big), encoder="e")
    file = segment_folder(path) / "tokens.bin"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    index = ExactIndex.open(path)
    index.document_tokens(0)
    index.document_tokens(3)
    with pytest.raises(ArtefactError, match="bytes 2097152 to 3145728"):
        index.document_tokens(5)


def test_nan_in_a_store_with_good_checksums_is_named(path):
    """Made by another program: every checksum fits, the numbers do not."""
    ExactIndex.create(path, entries(1, 2), encoder="e", store="float32")
    tokens = np.fromfile(segment_folder(path) / "tokens.bin", dtype="<f4")
    tokens[4 * DIM] = np.nan
    content = tokens.tobytes()
    rewrite(path, "000001/tokens.bin", content)
    rewrite(path, "000001/tokens.sha256", hashlib.sha256(content).digest())
    index = ExactIndex.open(path)
    with pytest.raises(ArtefactError, match="document 'd2' holds NaN or infinity"):
        index.verify()
    with pytest.raises(ArtefactError, match="document 'd2' holds NaN or infinity"):
        index.dense_scores([matrix(0)])


def test_a_newer_format_and_a_swapped_manifest_are_refused(path):
    ExactIndex.create(path, entries(1), encoder="e")
    folder = version_folder(path)
    manifest = json.loads((folder / MANIFEST).read_text())
    rewrite(path, MANIFEST, json.dumps({**manifest, "format_version": 6}).encode())
    with pytest.raises(ArtefactError, match="has format 6, this opticlir"):
        ExactIndex.open(path)
    shutil.copy(folder / MANIFEST, path.with_name("older"))
    ExactIndex.create(path, entries(2), encoder="e")
    shutil.copy(path.with_name("older"), version_folder(path) / MANIFEST)
    with pytest.raises(ArtefactError, match="is not the one that CURRENT names"):
        ExactIndex.open(path)


def test_an_older_format_is_to_be_built_again(path):
    ExactIndex.create(path, entries(1), encoder="e")
    manifest = json.loads((version_folder(path) / MANIFEST).read_text())
    rewrite(path, MANIFEST, json.dumps({**manifest, "format_version": 1}).encode())
    with pytest.raises(
        ArtefactError, match=r"an index of format 1, .*this one reads formats 2 to 5: build it again"
    ):
        ExactIndex.open(path)
    assert len(ExactIndex.create(path, entries(1), encoder="e")) == 1


def test_files_swapped_between_two_indexes_are_found(tmp_path):
    for number in (1, 2):
        ExactIndex.create(tmp_path / str(number), entries(number), encoder="e")
    one, two = (segment_folder(tmp_path / str(number)) for number in (1, 2))
    shutil.copy(two / "documents.jsonl", one / "documents.jsonl")
    with pytest.raises(ArtefactError, match=r"documents\.jsonl is not what was written"):
        ExactIndex.open(tmp_path / "1")


def test_checksums_in_the_manifest_are_those_of_the_files(path):
    index = ExactIndex.create(path, entries(1, 2), encoder="e")
    folder = version_folder(path)
    on_disk = {
        each.relative_to(folder).as_posix(): Checksum(each.stat().st_size, sha256_file(each))
        for each in folder.rglob("*.*")
        if each.name != MANIFEST
    }
    assert index.manifest.files == on_disk


def test_an_index_that_another_encoder_built_anew_is_neither_added_to_nor_deleted_from(path):
    old = ExactIndex.create(path, entries(1, 2), encoder="old")
    ExactIndex.create(path, entries(1, 2), encoder="new")
    for change in (lambda: old.add(entries(3)), lambda: old.delete(["d1"])):
        with pytest.raises(
            ArtefactError, match="was built with document encoder new, the model given has old"
        ):
            change()
    assert ExactIndex.open(path).doc_ids == ["d1", "d2"]


def test_verify_of_a_replaced_version_checks_the_one_that_replaced_it(path):
    old = ExactIndex.create(path, entries(1, 2), encoder="e")
    old.add(entries(3))
    old.verify()
    ExactIndex.create(path, entries(4), encoder="e")
    old.verify()
    (tokens,) = path.glob("versions/*/*/tokens.bin")
    tokens.write_bytes(bytes(tokens.stat().st_size))
    with pytest.raises(ArtefactError, match=r"tokens\.bin is not what was written"):
        old.verify()


def test_the_files_of_added_documents_are_recorded(path):
    index = ExactIndex.create(path, entries(1), encoder="e", inputs={"a.tsv": "1"})
    index = index.add(entries(2), inputs={"b.tsv": "2", "a.tsv": "1"})
    index = index.add(entries(3), inputs={"a.tsv": "3"}).add(entries(4), inputs={"a.tsv": "4"})
    index = index.add(entries(5)).delete(["d1"])
    assert index.manifest.inputs == {"a.tsv": "1", "b.tsv": "2", "a.tsv (2)": "3", "a.tsv (3)": "4"}
