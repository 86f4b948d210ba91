"""What is damaged is named, and what was there before stays: `index`, `search` and `align` with real encoders."""

import json

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import tiny_models
from opticlir.encoder.folder import MODEL_MANIFEST
from opticlir.storage import MANIFEST


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    lines = (json.dumps({"_id": f"d{at}", "text": text}) for at, text in enumerate(tiny_models.ENGLISH))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture
def index(opticlir, checkpoints, corpus, tmp_path):
    """A finished index of 20 documents."""
    done = opticlir("index", corpus, "--model", checkpoints["crosslingual"], "--out", tmp_path / "index")
    assert done.code == 0, done.stderr
    return tmp_path / "index"


@pytest.fixture
def damaged_model(checkpoints, tmp_path):
    """A copy of the cross-lingual model with one route's weights all NaN, cut off, or next to a pickle.

    It has no checksums, like a model of another program, unless `has_checksums` is true.
    """

    def make(kind, route="document", *, has_checksums=False):
        model = tiny_models.copy_folder(
            checkpoints["crosslingual"], tmp_path / f"{kind}-{route}-{has_checksums}"
        )
        if not has_checksums:
            (model / MODEL_MANIFEST).unlink()
        path = model / f"{route}_0_Transformer" / "model.safetensors"
        if kind == "pickle":
            path.with_name("training_args.bin").write_bytes(b"\x80\x04.")
        elif kind == "truncated":
            path.write_bytes(path.read_bytes()[:1000])
        else:
            weights = {name: values.fill_(float("nan")) for name, values in load_file(path).items()}
            save_file(weights, path, metadata={"format": "pt"})
        return model

    return make


BAD_CORPORA = {
    "wrong column count": ("c.tsv", b"d1\tTitle\tone\nd2\ttwo\n", "c.tsv:2: expected 3 columns, docid<TAB>title"),
    "binary": ("c.tsv", b"%PDF-1.7\n\x80", "c.tsv:1: this looks like a PDF"),
    "empty": ("c.tsv", b"", "c.tsv: the file is empty"),
    "blank": ("c.tsv", b"\n\n", "c.tsv: no document in it"),
    "nothing but empty texts": ("c.tsv", b"d1\t\nd2\t \n", "there is no document with text to index (2 empty ones"),
    "invalid UTF-8": ("c.tsv", b"d1\tone\nd2\tt\xf3\n", "c.tsv:2: byte 0xf3 at byte 5 of the line, after 'd2\\tt'"),
    "long line": ("c.tsv", b"d1\tone\nd2\t" + b"x" * 10_000_000 + b"\n", "c.tsv:2: the line is longer than 10000000"),
    "duplicate id": ("c.tsv", b"d1\tone\nd2\ttwo\nd1\tthree\n", "c.tsv:3: id 'd1' is also on line 1"),
    "not JSON": ("c.jsonl", b'{"_id": "d1", "text": "one"}\n{"_id": "d2"', "c.jsonl:2: expected one JSON object"),
    "no text": ("c.jsonl", b'{"_id": "d1", "year": "one"}\n', "c.jsonl:1: expected the keys _id and text"),
    "truncated gzip": ("c.tsv", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "c.tsv: the gzip stream ends early"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_CORPORA)
def test_a_bad_corpus_builds_nothing(opticlir, checkpoints, tmp_path, kind):
    name, content, message = BAD_CORPORA[kind]
    (tmp_path / name).write_bytes(content)
    done = opticlir("index", tmp_path / name, "--model", checkpoints["plain"], "--out", tmp_path / "index")
    assert message in done.error
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_bad_corpus_leaves_the_index_that_is_there(opticlir, checkpoints, corpus, index, tree_of):
    before = tree_of(index)
    with corpus.open("a") as file:
        file.write('{"_id": "d0", "text": "again"}\n')
    words = ("index", corpus, "--model", checkpoints["crosslingual"], "--out", index)
    assert "corpus.jsonl:21: id 'd0' is also on line 1" in opticlir(*words).error
    assert tree_of(index) == before


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nan", "document 'd0': its embedding holds NaN, infinity or a value beyond float16; nothing was stored"),
        ("pickle", "training_args.bin: a pickled file can run code when it is opened"),
        ("truncated", "this weight file cannot be loaded"),
    ],
)  # fmt: skip
def test_a_damaged_model_builds_nothing(
    opticlir, damaged_model, corpus, index, tmp_path, tree_of, kind, message
):
    model, before = damaged_model(kind), tree_of(index)
    for out in (index, tmp_path / "new"):
        assert message in opticlir("index", corpus, "--model", model, "--out", out).error
    assert tree_of(index) == before
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [("nan", "its embedding holds NaN or infinity; the model that made it is damaged"),
     ("pickle", "training_args.bin: a pickled file can run code"), ("truncated", "cannot be loaded")],
)  # fmt: skip
def test_a_damaged_model_answers_nothing(opticlir, damaged_model, index, tmp_path, kind, message):
    model = damaged_model(kind, "query")
    (tmp_path / "q.tsv").write_text("q1\tmaji\n")
    assert message in opticlir("search", index, "--model", model, "maji").error
    run = tmp_path / "out.run"
    run.write_text("q1 Q0 d1 1 1.0 old\n")
    words = ("search", index, "--model", model, "--queries", tmp_path / "q.tsv", "--run", run)
    assert message in opticlir(*words).error
    assert run.read_text() == "q1 Q0 d1 1 1.0 old\n"


def test_every_file_of_an_index_that_is_cut_off_is_named(opticlir, checkpoints, index):
    (version,) = (index / "versions").iterdir()
    search = ("search", index, "--model", checkpoints["crosslingual"], "maji")
    files = sorted(json.loads((version / MANIFEST).read_text())["files"])
    assert "000001/tokens.bin" in files
    for name in [*files, MANIFEST]:
        content = (version / name).read_bytes()
        (version / name).write_bytes(content[: len(content) // 2])
        assert f"/{name}" in opticlir(*search).error
        (version / name).write_bytes(content)
    pointer = (index / "CURRENT").read_bytes()
    (index / "CURRENT").write_bytes(pointer[:5])
    assert "CURRENT is damaged: build it again, or restore it from a copy" in opticlir(*search).error
    (index / "CURRENT").write_bytes(pointer)
    assert opticlir(*search).code == 0


def test_nan_written_into_a_saved_embedding_is_found_before_anything_is_served(opticlir, checkpoints, index):
    (path,) = index.glob("versions/*/*/tokens.bin")
    tokens = np.fromfile(path, dtype="<f2")
    tokens[3] = np.nan
    tokens.tofile(path)
    error = opticlir("search", index, "--model", checkpoints["crosslingual"], "maji").error
    assert "tokens.bin is not what was written" in error


def test_queries_of_a_file_are_refused_with_their_line(opticlir, checkpoints, index, tmp_path):
    search = ("search", index, "--model", checkpoints["crosslingual"])
    for content, message in (
        (b"q1\tmaji\nq2 homa\n", "q.tsv:2: expected 2 columns, query_id<TAB>text, found 1 in 'q2 homa'"),
        (b"q1\tmaji\nq1\thoma\n", "q.tsv:2: id 'q1' is also on line 1"),
        (b"q1\tm\xff\n", "q.tsv:1: byte 0xff at byte 5 of the line"),
        (b"q1\t \n", "q.tsv:1: query 'q1' has no text"),
        (b"", "q.tsv: the file is empty"),
    ):
        (tmp_path / "q.tsv").write_bytes(content)
        done = opticlir(*search, "--queries", tmp_path / "q.tsv", "--run", tmp_path / "out.run")
        assert message in done.error
        assert not (tmp_path / "out.run").exists()


def test_a_question_is_read_as_files_are(opticlir, checkpoints, index):
    """A letter and its accent may be one character or two; bytes that are no UTF-8 arrive as surrogates."""
    search = ("search", index, "--model", checkpoints["crosslingual"], "--json")
    one, two = opticlir(*search, "máji").stdout, opticlir(*search, " ma\u0301ji").stdout
    assert json.loads(one)["hits"] == json.loads(two)["hits"]
    assert r"U+DCFF is not text, in 'm\udcffji'" in opticlir(*search[:-1], "m\udcffji").error


@pytest.mark.parametrize(
    ("kind", "message"),
    [("nan", "the model computes a vector that is not finite for 'maji'"), ("pickle", "a pickled file can run code"),
     ("truncated", "cannot be loaded")],
)  # fmt: skip
def test_a_damaged_model_aligns_nothing(opticlir, damaged_model, tmp_path, kind, message):
    words = ("align", "--model", damaged_model(kind, "query"), "maji", "water", "--html", tmp_path / "a.html")
    assert message in opticlir(*words).error
    assert not (tmp_path / "a.html").exists()


@pytest.mark.parametrize(
    ("kind", "message"),
    [("nan", "query_0_Transformer/model.safetensors is not what was written, its SHA-256 differs"),
     ("truncated", "query_0_Transformer/model.safetensors has 1000 bytes,"),
     ("pickle", "training_args.bin: a pickled file can run code")],
)  # fmt: skip
def test_a_damaged_model_with_checksums_is_refused_when_it_is_opened(
    opticlir, damaged_model, corpus, index, tmp_path, tree_of, kind, message
):
    model, before = damaged_model(kind, "query", has_checksums=True), tree_of(index)
    for words in (
        ("index", corpus, "--model", model, "--out", index),
        ("search", index, "--model", model, "maji"),
        ("align", "--model", model, "maji", "water", "--html", tmp_path / "a.html"),
    ):
        assert message in opticlir(*words).error
    assert tree_of(index) == before
    assert not (tmp_path / "a.html").exists()


def test_bytes_that_are_no_text_are_not_aligned(opticlir, checkpoints):
    done = opticlir("align", "--model", checkpoints["crosslingual"], "maji", "w\udcffter")
    assert "U+DCFF is not text" in done.error
