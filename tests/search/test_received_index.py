"""An index from a stranger, its checksums all right: it is refused, never obeyed, and never crashes the process."""

import io
import json
import os
import shutil

import numpy as np
import pytest

from forged_index import forged
from opticlir.errors import ArtefactError
from opticlir.records import Document, Query
from opticlir.search import ExactIndex
from opticlir.search.scoring import Scorer

DIM = 4
SEGMENT = "000001"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "index"
    rng = np.random.default_rng(0)
    entries = [
        (Document(f"d{n}", f"water number {n}"), rng.standard_normal((3, DIM), dtype=np.float32))
        for n in range(6)
    ]
    ExactIndex.create(path, entries, encoder="e")
    return path


def use(path):
    """All that a search and a user's `verify` do."""
    index = ExactIndex.open(path)
    assert index.doc_ids
    Scorer(index).rank_by_each(
        [Query("1", "water", "und")], [np.ones((2, DIM), np.float32)], rankings=["hybrid", "bm25"]
    )
    for doc_id in index.doc_ids:
        index.document_tokens(index.row(doc_id))
    index.verify()


def saved(values):
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def put(values, place, value):
    values = values.copy()
    values[place] = value
    return values


ARRAYS = ("grams", "lengths", "offsets", "documents")
CHANGES = {
    "of another type": lambda values: values.astype("f2" if values.dtype != "f2" else "f4"),
    "wider": lambda values: values.astype("c16"),
    "of texts": lambda values: values.astype("U9"),
    "of two dimensions": lambda values: values[None],
    "of none": lambda values: np.array(values[0]),
    "of records": lambda values: np.zeros(len(values), dtype=[("a", "<i8")]),
    "shorter": lambda values: values[:-1],
    "longer": lambda values: np.append(values, values[-1:]),
    "empty": lambda values: values[:0],
}
NUMBERS = {
    "columns that fall": ("grams", lambda values: put(values, 1, 10**6)),
    "columns that end early": ("grams", lambda values: put(values, -1, 1)),
    "columns that begin late": ("grams", lambda values: put(values, 0, 1)),
    "columns below 0": ("grams", lambda values: put(values, 1, -(2**40))),
    "a column without documents": ("grams", lambda values: put(values, 1, 0)),
    "a document of less than no grams": ("lengths", lambda values: put(values, 0, -1)),
    "vectors beyond the store": ("offsets", lambda values: put(values, -1, 2**40)),
    "vectors before it": ("offsets", lambda values: put(values, 1, -1)),
    "vectors left out": ("offsets", lambda values: put(values, 0, 1)),
    "a document without vectors": ("offsets", lambda values: put(values, 1, 0)),
    "vectors that fall": ("offsets", lambda values: put(values, 2, 17)),
    "text beyond the file": ("documents", lambda values: put(values, -1, 2**40)),
    "text in the middle of a line": ("documents", lambda values: put(values, 1, 7)),
    "text before the file": ("documents", lambda values: put(values, 1, -9)),
    "passages of another document": ("passages", lambda values: put(values, (0, 0), 3)),
    "passages beyond the documents": ("passages", lambda values: put(values, (-1, 0), 2**40)),
    "passages of three columns": ("passages", lambda values: values[:, :3].copy()),
    "letters before the text": ("passages", lambda values: put(values, (0, 1), -5)),
    "letters that end before they begin": ("passages", lambda values: put(values, (1, 3), -(2**62))),
    "a passage that begins after its end": ("passages", lambda values: put(put(values, (2, 2), 30), (2, 3), 3)),
    "passages in one row": ("passages", lambda values: values.ravel()),
}  # fmt: skip
FILES = {
    "no array": ("offsets.npy", b"hello"),
    "a pickle": ("lengths.npy", b"\x80\x04."),
    "a zip": ("documents.npy", b"PK\x03\x04" + bytes(60)),
    "nothing": ("lengths.npy", b""),
    "an array of terabytes": ("offsets.npy", lambda old: old.replace(b"(7,), }" + b" " * 12, b"(9999999999999,), }")),
    "a header that is no Python": ("offsets.npy", lambda old: old.replace(b"(7,)", b"(7**")),
    "no JSON": ("grams.json", b"{"),
    "JSON of another kind": ("grams.json", b'{"a": 1}'),
    "JSON without end": ("grams.json", b"[" * 200_000),
    "bytes that are no text": ("grams.json", b'["\xff"]'),
    "numbers for grams": ("grams.json", lambda old: json.dumps([n for n, _ in enumerate(json.loads(old))]).encode()),
    "one gram for all": ("grams.json", lambda old: json.dumps(["x"] * len(json.loads(old))).encode()),
    "documents that are no JSON": ("documents.jsonl", lambda old: b"x" * len(old)),
    "a document that is a list": ("documents.jsonl", lambda old: old.replace(b'{"_id": "d0"', b'[["_id", "d0"')),
    "a document with a number for its id": ("documents.jsonl", lambda old: old.replace(b'"d0"', b"4321")),
    "a document without text": ("documents.jsonl", lambda old: old.replace(b'"text"', b'"fext"', 1)),
    "a document twice": ("documents.jsonl", lambda old: old.replace(b'"d0"', b'"d1"')),
    "a document that is no UTF-8": ("documents.jsonl", lambda old: old.replace(b"water", b"\xffater", 1)),
    "an id with a line end": ("documents.jsonl", lambda old: old.replace(b'"d0", "title": ""', b'"d\\n0","title":""')),
    "no documents": ("documents.jsonl", b""),
    "ids of others": ("ids.json", lambda old: old.replace(b'"d0"', b'"d7"')),
    "an id twice": ("ids.json", lambda old: old.replace(b'"d0"', b'"d1"')),
    "an id fewer": ("ids.json", lambda old: old.replace(b'"d0", ', b"")),
    "ids that are numbers": ("ids.json", lambda old: old.replace(b'"', b"").replace(b"d", b"1")),
    "grams in another order": ("grams.json", lambda old: json.dumps(json.loads(old)[::-1]).encode()),
    "no postings": ("postings.bin", b""),
    "half a posting": ("postings.bin", lambda old: old[:-3]),
    "a document above": ("postings.bin", lambda old: (6).to_bytes(4, "little") + old[4:]),
    "a document below 0": ("postings.bin", lambda old: b"\xff" * 4 + old[4:]),
    "a document twice for a gram": ("postings.bin", lambda old: old[:6] * (len(old) // 6)),
    "documents of a gram that fall": ("postings.bin", lambda old: old[-6:] + old[6:-6] + old[:6]),
    "a gram that its document lacks": ("postings.bin", lambda old: old[:4] + bytes(2) + old[6:]),
    "no vectors": ("tokens.bin", b""),
    "half of the vectors": ("tokens.bin", lambda old: old[: len(old) // 2]),
    "no checksums of vectors": ("tokens.sha256", b""),
    "other checksums of vectors": ("tokens.sha256", bytes(32)),
}  # fmt: skip
RECORDS = {
    ("config", "dim"): (0, -1, 2, 4.0, True, "4", None, 10**12, []),
    ("config", "store"): ("object", "float32", "uint8", "4bit", None, []),
    ("config", "store_dim"): (0, -1, 2, 4.0, True, "4", None, 10**12, []),
    ("config", "segments"): ([], None, "x", [None], [{}]),
    ("config", "segments", 0, "max_norm"): (-1.0, "x", None, 1e300, 0.001, float("inf")),
    ("config", "segments", 0, "folder"): ("", "..", "../000001", "000002", 1, None),
    ("config", "segments", 0, "documents"): (0, -1, 5, 7, 6.0, "6", True, None),
    ("config", "segments", 0, "tokens"): (0, -1, 17, 10**15, 18.0, None),
    ("config", "encoder"): (5, None),
    ("config", "window"): ("x", [], 1.5),
    ("counts", "tokens"): (-1, 10**15, 5, 18.0, "x", True, None),
    ("counts", "documents"): (7, 0, -1, None),
    ("counts", "empty_documents"): (-1, "many", None),
    ("config",): ([], None, "x"),
    ("counts",): ([], None, 3),
    ("inputs",): ([], {"a": 5}),
    ("environment",): ("x", {"python": None}),
    ("files",): ([], {}, {f"{SEGMENT}/tokens.bin": 7}),
    ("format_version",): (-1, 99, "two", None),
}


def in_record(keys, value):
    def change(folder):
        path = folder / "manifest.json"
        record = json.loads(path.read_text())
        place = record
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        path.write_text(json.dumps(record))

    return change


def in_array(name, make):
    def change(folder):
        path = folder / SEGMENT / f"{name}.npy"
        path.write_bytes(saved(make(np.load(path))))

    return change


def in_file(name, content):
    def change(folder):
        path = folder / SEGMENT / name
        before = path.read_bytes()
        after = content if isinstance(content, bytes) else content(before)
        assert after != before
        path.write_bytes(after)

    return change


FORGERIES = {
    **{f"{name} {kind}": in_array(name, make) for name in ARRAYS for kind, make in CHANGES.items()},
    **{kind: in_array(*each) for kind, each in NUMBERS.items()},
    **{f"{name} holds {kind}": in_file(name, content) for kind, (name, content) in FILES.items()},
    **{
        f"{'.'.join(map(str, keys))} is {value!r}": in_record(keys, value)
        for keys, values in RECORDS.items()
        for value in values
    },
}


def test_the_index_is_sound_before_it_is_forged(sound, tmp_path):
    use(sound)
    use(forged(sound, tmp_path / "copy", lambda folder: None))


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_index_is_refused(sound, tmp_path, kind):
    path = forged(sound, tmp_path / "index", FORGERIES[kind])
    with pytest.raises(ArtefactError) as caught:
        use(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["tokens.bin", "documents.jsonl"])
@pytest.mark.parametrize("change", ["cut", "longer", "overwritten"])
def test_a_file_that_changes_under_an_open_index_is_noticed(sound, tmp_path, name, change):
    path = shutil.copytree(sound, tmp_path / "index")
    index = ExactIndex.open(path)
    index.dense_scores([np.ones((1, DIM), np.float32)])
    (file,) = path.glob(f"versions/*/*/{name}")
    content = file.read_bytes()
    os.utime(file, (1, 1))  # long before
    opened = ExactIndex.open(path)
    {
        "cut": lambda: os.truncate(file, 0),
        "longer": lambda: file.write_bytes(content + b" "),
        "overwritten": lambda: file.write_bytes(content[::-1]),
    }[change]()
    for each in (index, opened):
        with pytest.raises(ArtefactError, match=rf"{name} has changed since it was opened: restore the file"):
            each.document(0) if name == "documents.jsonl" else each.exact_scores(
                np.ones((1, DIM), np.float32), [0]
            )


def test_an_open_index_reads_on_when_its_version_is_replaced_or_removed(sound, tmp_path):
    path = shutil.copytree(sound, tmp_path / "index")
    index = ExactIndex.open(path)
    index.delete(["d0"])
    shutil.rmtree(path)
    assert index.document(0).doc_id == "d0"
    assert np.isfinite(index.exact_scores(np.ones((1, DIM), np.float32), [0, 5])).all()
