import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.data import SkipReport, read_beir, read_corpus, read_queries
from opticlir.data.normalisation import normalise_text
from opticlir.errors import DataError
from opticlir.records import Document, Query

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\t\ufeff")).map(normalise_text)
ID = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r\t\ufeff"), min_size=1).filter(
    lambda text: bool(text.strip()) and not text.lstrip().startswith("{")
)


def write(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


@given(st.dictionaries(ID, st.tuples(TEXT, TEXT), min_size=1), st.sampled_from(["jsonl", "tsv"]))
def test_corpus_round_trip(tmp_path_factory, corpus, form):
    path = tmp_path_factory.mktemp("corpus") / f"corpus.{form}"
    with path.open("w", encoding="utf-8", newline="") as file:
        for key, (title, text) in corpus.items():
            line = json.dumps({"_id": key, "title": title, "text": text})
            file.write(line + "\n" if form == "jsonl" else f"{key}\t{title}\t{text}\n")
    expected = [Document(key, text, title) for key, (title, text) in corpus.items()]
    assert list(read_corpus(path)) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ['{"_id": "1", "title": "T", "text": "a"}', '{"_id": "2", "text": "b", "metadata": {}}'],
        [
            '{"docid": "1", "title": "T", "text": "a", "url": ""}',
            '{"docid": "2", "title": null, "text": "b"}',
        ],
        ['{"id": 1, "title": "T", "contents": "a"}', '{"id": 2, "contents": "b"}'],
        ["1\tT\ta", "2\t\tb"],
    ],
)
def test_corpus_forms(tmp_path, lines):
    expected = [Document("1", "a", "T"), Document("2", "b")]
    assert list(read_corpus(write(tmp_path / "corpus.jsonl", *lines))) == expected
    assert list(read_corpus(tmp_path)) == expected


def test_corpus_of_two_columns(tmp_path):
    assert list(read_corpus(write(tmp_path / "c.tsv", "7\tpassage", "8\t"))) == [
        Document("7", "passage"), Document("8", "")
    ]  # fmt: skip


def test_a_gzipped_corpus_in_a_folder(tmp_path):
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(b'{"_id": "007", "text": "a"}\n'))
    assert list(read_corpus(tmp_path)) == [Document("007", "a")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"_id": "1", "text": "a"}', '{"_id": "1", "text": "b"}'], ":2: id '1' is also on line 1"),
        (["1\tT\ta", "1\tT\ta"], ":2: id '1' is also on line 1"),
        (
            ["1\tT\ta", "2\ta"],
            ":2: expected 3 columns, docid<TAB>title<TAB>text, or one JSON object a line, found 2",
        ),
        (["1\ta", "2\tT\ta"], ":2: expected 2 columns, docid<TAB>text"),
        (["1\tT\ta", "2\tT\ta\tb"], ":2: expected 3 columns, .* found 4"),
        (["1\tT\ta", "\tT\ta"], ":2: the document id '' is blank"),
        (['{"_id": "1", "text": "a"}', "2\tT\ta"], ":2: expected one JSON object a line"),
        (['{"_id": "1", "text": "a"}', '{"_id": "2"}'], ":2: expected the keys _id and text, found '_id'"),
        (['{"_id": "1", "text": "a"}', '{"text": "b"}'], ":2: expected the keys _id and text"),
        (['{"_id": "1", "text": "a"}', '{"_id": "2", "text": 1}'], ":2: expected text under text, found '1'"),
        (
            ['{"_id": "1", "text": "a"}', '{"_id": "2", "text": "b", "title": ["x"]}'],
            ":2: expected text under title",
        ),
        (['{"_id": "1", "text": "a"}', '{"_id": true, "text": "b"}'], ":2: expected a document id as text"),
        (
            ['{"_id": "1", "text": "a"}', '{"_id": "a\\u0000", "text": "b"}'],
            ":2: the document id .* contains NUL",
        ),
        (['{"_id": "1", "text": "a"}', '{"_id": "2", "text": "\\ud800"}'], r":2: U\+D800 is not text"),
    ],
)
def test_malformed_documents(tmp_path, lines, message):
    path = write(tmp_path / "corpus", *lines)
    with pytest.raises(DataError, match=f"corpus{message}"):
        list(read_corpus(path))
    report = SkipReport()
    assert [document.doc_id for document in read_corpus(path, skipped=report)] == ["1"]
    assert report.n_malformed == 1


def test_no_documents(tmp_path):
    with pytest.raises(DataError, match=r"no corpus in it: looked for corpus.jsonl"):
        read_corpus(tmp_path)
    with pytest.raises(DataError, match="no document in it"):
        list(read_corpus(write(tmp_path / "c", "", " ")))
    with pytest.raises(DataError, match="no such file"):
        list(read_corpus(tmp_path / "missing.jsonl"))


def test_documents_stream(tmp_path, peak_memory):
    path = tmp_path / "corpus.tsv"
    with path.open("w") as file:
        for number in range(5_000):
            file.write(f"{number}\t\t{'word ' * 200}\n")
    counts = []
    assert (
        peak_memory(lambda: counts.append(sum(1 for _ in read_corpus(path)))) < 3_000_000
    )  # the file has 5 MB; the ids alone are held
    assert counts == [5_000]


def folder_of(tmp_path, **queries):
    write(tmp_path / "corpus.jsonl", {"_id": "d1", "text": "a"}, {"_id": "d2", "text": "b"})
    write(tmp_path / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t1", "q9\td2\t1")
    for name, texts in queries.items():
        lines = [{"_id": f"q{number}", "text": text} for number, text in enumerate(texts, start=1)]
        write(tmp_path / (name.replace("__", "/") + ".jsonl"), *lines)
    return tmp_path


def test_a_collection_in_one_language(tmp_path):
    task = read_beir(folder_of(tmp_path, queries=["maji?", "moto?"]), "sw", "test")
    assert task.queries == (Query("q1", "maji?", "swa"),)  # q2 is not judged in this split
    assert task.qrels == {"q1": {"d1": 1}}
    assert [document.doc_id for document in task.documents] == ["d1", "d2"]
    assert task.english_queries == ()
    assert task.name == f"beir.{tmp_path.name}.test"  # no path, so that a run can be named after it


@pytest.mark.parametrize("code", ["sw", "swa", "swh"])
@pytest.mark.parametrize("asked", ["sw", "swa", "swh_Latn"])
def test_queries_by_language_with_english_beside_them(tmp_path, code, asked):
    folder = folder_of(
        tmp_path, queries=["water?"], **{f"queries__{code}": ["maji?"], "queries__ha": ["ruwa?"]}
    )
    task = read_beir(folder, asked, "test")
    assert task.queries == (Query("q1", "maji?", "swa"),)
    assert task.english_queries == (Query("q1", "water?", "eng"),)
    assert read_beir(folder, "en", "test").queries == (Query("q1", "water?", "eng"),)
    with pytest.raises(DataError, match=r"no \{language\}.* for 'yor': there are hau, swa"):
        read_beir(folder, "yo", "test")


def test_english_in_the_folder_of_languages(tmp_path):
    folder = folder_of(tmp_path, queries__en=["water?"], queries__sw=["maji?"])
    assert read_beir(folder, "sw", "test").english_queries == (Query("q1", "water?", "eng"),)
    assert read_beir(folder, "en", "test").english_queries == ()


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        ("corpus.jsonl", "no corpus in it"),
        ("queries.jsonl", r"no queries in it: looked for queries/swa.jsonl and queries.jsonl"),
        ("qrels/test.tsv", r"test.tsv: no such file: the splits in .*qrels are: none"),
    ],
)
def test_what_is_missing_is_named(tmp_path, remove, message):
    folder = folder_of(tmp_path, queries=["maji?"])
    (folder / remove).unlink()
    with pytest.raises(DataError, match=message):
        read_beir(folder, "sw", "test")


def test_a_missing_split_or_folder(tmp_path):
    with pytest.raises(DataError, match=r"the splits in .* are: test"):
        read_beir(folder_of(tmp_path, queries=["maji?"]), "sw", "dev")
    with pytest.raises(DataError, match="no such folder"):
        read_beir(tmp_path / "nowhere", "sw", "dev")


def test_parts_that_do_not_belong_together(tmp_path):
    folder = folder_of(tmp_path, queries=["maji?"])
    write(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", "x\td1\t1")
    with pytest.raises(DataError, match="share no query id: a query is 'q1', the judgements have 'x'"):
        read_beir(folder, "sw", "test")
    write(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", "q1\tx\t1")
    with pytest.raises(DataError, match="share no document id: a document is 'd1', the judgements have 'x'"):
        read_beir(folder, "sw", "test")


def test_judged_documents_that_are_missing_are_logged(tmp_path, caplog):
    folder = folder_of(tmp_path, queries=["maji?"])
    write(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", "q1\td1\t1", "q1\tx\t1")
    assert read_beir(folder, "sw", "test").qrels == {"q1": {"d1": 1, "x": 1}}
    assert "1 judged documents are not in the collection, 'x' first" in caplog.text


def test_queries_alone(tmp_path):
    folder = folder_of(tmp_path, queries=["maji?", "moto?"])
    expected = [Query("q1", "maji?", "swa"), Query("q2", "moto?", "swa")]
    assert read_queries(folder, "sw") == expected
    assert read_queries(folder / "queries.jsonl", "sw") == expected
    assert read_queries(write(tmp_path / "q.tsv", "q1\tmaji?", "q2\tmoto?"), "swa") == expected


def test_no_id_is_ever_a_path(tmp_path, monkeypatch):
    """Ids that look like paths are read without one more file being opened."""
    folder = folder_of(tmp_path, queries=["maji?"])
    evil = ["../../etc/passwd", "/etc/passwd", "corpus.jsonl", "~", "C:\\x", "..", "%2e%2e/x"]
    write(folder / "corpus.jsonl", *({"_id": identifier, "text": "t"} for identifier in evil))
    write(folder / "qrels" / "test.tsv", "query-id\tcorpus-id\tscore", *(f"{i}\t{i}\t1" for i in evil))
    write(folder / "queries.jsonl", *({"_id": identifier, "text": "t"} for identifier in evil))
    opened = []
    plain_open = type(tmp_path).open

    def recording_open(self, *arguments, **options):
        opened.append(self)
        return plain_open(self, *arguments, **options)

    monkeypatch.setattr(type(tmp_path), "open", recording_open)
    assert set(read_beir(folder, "sw", "test").qrels) == set(evil)
    assert {path.name for path in opened} == {"corpus.jsonl", "queries.jsonl", "test.tsv"}
