"""Corpora, queries and judgements as they are found: the same records in every form."""

import bz2
import csv
import gzip
import io
import json
import lzma

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opticlir.data import read_beir, read_corpus, read_qrels, read_topics
from opticlir.errors import DataError
from opticlir.records import Document

DOCUMENTS = [("d1", "Clean water", "Boil it, then drink."), ("d2", "", 'Doctors say: "Wash hands."')]
EXPECTED = [Document(doc_id, text, title) for doc_id, title, text in DOCUMENTS]
QUERIES = [("q1", "Maji safi ni yapi?"), ("q2", "Kwa nini, tunanawa?")]
JUDGED = [("q1", "d1", 2), ("q1", "d2", 0), ("q2", "d2", 1)]


def table(names, rows, separator):
    written = io.StringIO()
    csv.writer(written, delimiter=separator, lineterminator="\n").writerows([names, *rows])
    return written.getvalue()


def corpus_table(names, separator="\t"):
    rows = [dict(zip(("id", "title", "text"), row, strict=True)) for row in DOCUMENTS]
    places = ["title" if "itle" in name else "text" if name != names[0] else "id" for name in names]
    return table(names, [[row[place] for place in places] for row in rows], separator)


@pytest.mark.parametrize(
    "names",
    [("id", "text", "title"), ("pid", "passage", "title"), ("_id", "title", "text"), ("docid", "Title", "Body"),
     ("Document ID", "Text", "Title"), ("doc-id", "contents", "doc_title"), ("docno", "content", "title"),
     ("passage_id", "passage_text", "page_title"), ("docId", "abstract", "title"),
     ("id", "description", "title"), ("doc_id", "English", "doc_title"), ("id", "summary", "title")],
)  # fmt: skip
@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_the_header_of_a_corpus_gives_the_order_of_its_columns(tmp_path, names, separator):
    (tmp_path / "f").write_text(corpus_table(names, separator), "utf-8")
    assert list(read_corpus(tmp_path / "f")) == EXPECTED


def test_other_columns_of_a_corpus_are_metadata(tmp_path):
    (tmp_path / "f.tsv").write_text("url\tid\ttext\tscore\nhttp://x\td1\tWater.\t0.5\n")
    assert list(read_corpus(tmp_path / "f.tsv")) == [
        Document("d1", "Water.", fields={"url": "http://x", "score": 0.5})
    ]


def test_a_csv_cell_may_have_several_lines(tmp_path):
    (tmp_path / "f.csv").write_text('id,text\nd1,"Boil it.\n\nThen drink."\nd2,x\n')
    assert [each.text for each in read_corpus(tmp_path / "f.csv")] == ["Boil it.\nThen drink.", "x"]


def test_csv_without_a_header(tmp_path):
    (tmp_path / "f.csv").write_text('d1,"Clean water","Boil it, then drink."\n')
    assert list(read_corpus(tmp_path / "f.csv")) == EXPECTED[:1]
    (tmp_path / "q.csv").write_text('q1,"Maji, safi?"\n')
    assert [(each.query_id, each.text) for each in read_topics(tmp_path / "q.csv", "sw")] == [
        ("q1", "Maji, safi?")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "id\ttext\n",
        "id\ttext\nd1\n",
        "id,text\nd1,x,y\n",
        'id,text\nd1,"x\n',
        "id\tid\ttext\na\tb\tc\n",
        "[3]",
    ],
)
def test_malformed_tables_are_refused_with_the_name_of_the_file(tmp_path, text):
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(DataError, match=r"f\.csv"):
        list(read_corpus(tmp_path / "f.csv"))


def arrow_table():
    return pa.table({name: list(column) for name, column in zip(
        ("_id", "title", "text"), zip(*DOCUMENTS, strict=True), strict=True
    )})  # fmt: skip


def write_stream(path, values):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, values.schema) as writer:
        writer.write_table(values)


def write_arrow_file(path, values):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, values.schema) as writer:
        writer.write_table(values)


@pytest.mark.parametrize(
    ("name", "write"),
    [("f.parquet", lambda path, values: pq.write_table(values, path)), ("f.arrow", write_stream),
     ("f.arrow", write_arrow_file)],
)  # fmt: skip
def test_parquet_and_arrow_tables(tmp_path, name, write):
    write(tmp_path / name, arrow_table())
    assert list(read_corpus(tmp_path / name)) == EXPECTED
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"f\.(parquet|arrow): cannot be read as Parquet or Arrow"):
        list(read_corpus(tmp_path / name))


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_array(tmp_path, indent):
    rows = [{"_id": doc_id, "title": title, "text": text} for doc_id, title, text in DOCUMENTS]
    (tmp_path / "f.json").write_text(json.dumps(rows, indent=indent))
    assert list(read_corpus(tmp_path / "f.json")) == EXPECTED


def test_a_text_that_is_null_is_empty(tmp_path):
    (tmp_path / "f.jsonl").write_text('{"_id": "d1", "title": null, "text": null}\n')
    assert list(read_corpus(tmp_path / "f.jsonl")) == [Document("d1", "")]


TREC = """<DOC>
<DOCNO> LA010189-0001 </DOCNO>
<DOCID> 1 </DOCID>
<DATE><P>January 1, 1989</P></DATE>
<HEADLINE><P>Clean water</P></HEADLINE>
<TEXT>
<P>Boil &amp; drink.</P>
</TEXT>
<TEXT><P>Twice.</P></TEXT>
</DOC>

<doc>
<docno>ATS.940101.0001</docno>
<TI>Regen</TI>
<LD>Es regnet.</LD>
<TX>Sehr.</TX>
</doc>
<DOC><DOCNO>3</DOCNO>compact memories
have capacities</DOC>
<doc id="12" url="http://x" title="Anarchism">
Anarchism is a theory.
</doc>
"""
TREC_EXPECTED = [
    Document("LA010189-0001", "Boil & drink. Twice.", "Clean water"),
    Document("ATS.940101.0001", "Es regnet. Sehr.", "Regen"), Document("3", "compact memories have capacities"),
    Document("12", "Anarchism is a theory.", "Anarchism"),
]  # fmt: skip


def test_documents_in_sgml(tmp_path):
    for text in (TREC, f'<?xml version="1.0"?>\n<root>\n{TREC}</root>\n', TREC.replace("</DOC>", "")):
        (tmp_path / "la010189").write_text(text)
        assert list(read_corpus(tmp_path / "la010189")) == TREC_EXPECTED
    assert list(read_corpus(tmp_path)) == TREC_EXPECTED


def test_a_document_in_sgml_without_a_number_is_refused_with_its_line(tmp_path):
    (tmp_path / "f").write_text("<DOC>\n<DOCNO>1</DOCNO>a</DOC>\n<DOC>b</DOC>\n")
    with pytest.raises(DataError, match=r"f:3: a document without <DOCNO>"):
        list(read_corpus(tmp_path / "f"))


COMPRESS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
TODAY = ["", ".gz"]
"""Compressions that `read_chunks` reads."""


@pytest.mark.parametrize("ending", TODAY)
@pytest.mark.parametrize(
    "names",
    [["corpus.jsonl"], ["corpus-00000-of-00002.jsonl", "corpus-00001-of-00002.jsonl"],
     ["docs-2.jsonl", "docs-10.jsonl"],
     ["corpus/a.jsonl", "corpus/b.jsonl"], ["collection.json"], ["part-0.jsonl", "part-1.jsonl"],
     ["passages_1.jsonl", "passages_2.jsonl"],
     ["corpus/test-00000-of-00002.jsonl", "corpus/test-00001-of-00002.jsonl"]],
)  # fmt: skip
def test_a_folder_with_a_corpus_in_one_file_or_in_shards(tmp_path, names, ending):
    for number, name in enumerate(names):
        path = tmp_path / (name + ending)
        path.parent.mkdir(exist_ok=True)
        rows = DOCUMENTS if len(names) == 1 else DOCUMENTS[number : number + 1]
        lines = [json.dumps({"_id": i, "title": title, "text": text}) + "\n" for i, title, text in rows]
        path.write_bytes(COMPRESS[ending]("".join(lines).encode()))
    (tmp_path / "README.md").write_text("About the collection.\n")
    assert list(read_corpus(tmp_path)) == EXPECTED


def test_a_dataset_that_was_saved_to_disk(tmp_path):
    write_stream(tmp_path / "data-00000-of-00001.arrow", arrow_table())
    (tmp_path / "dataset_info.json").write_text("{}")
    (tmp_path / "state.json").write_text("{}")
    assert list(read_corpus(tmp_path)) == EXPECTED


def test_a_folder_with_other_parts_is_not_read_as_documents(tmp_path):
    (tmp_path / "qrels").mkdir()
    for name in ("texts.tsv", "qrels/test.tsv"):
        (tmp_path / name).write_text("d1\tx\n")
    with pytest.raises(DataError, match=r"no corpus in it: looked for corpus\.jsonl"):
        read_corpus(tmp_path)


def test_an_id_that_occurs_in_two_shards_is_refused(tmp_path):
    for number in (0, 1):
        (tmp_path / f"corpus-{number}.tsv").write_text("d1\tx\n")
    with pytest.raises(
        DataError, match=r"corpus-1.tsv:1: id 'd1' is also in an earlier file of the collection"
    ):
        list(read_corpus(tmp_path))


# ---- judgements

TREC_QRELS = "".join(f"{query} 0 {doc} {grade}\n" for query, doc, grade in JUDGED)
QRELS = {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}


@pytest.mark.parametrize(
    "text",
    [
        TREC_QRELS,
        TREC_QRELS.replace(" 0 d", " 4.5 d"),
        "q1 d1 2\nq1 d2 0\nq2 d2 1\n",
        "query_id iteration doc_id relevance\n" + TREC_QRELS,
        "qid docid grade\nq1 d1 2\nq1 d2 0\nq2 d2 1\n",
        "q1\td1\t2.0\nq1\td2\t0.0\nq2\td2\t1.0\n",
        *(table(names, JUDGED, separator) for separator in "\t,;" for names in (
            ("query-id", "corpus-id", "score"), ("query_id", "doc_id", "relevance"), ("qid", "docno", "label"),
            ("qid", "pid", "rel"), ("Query ID", "Document ID", "Relevance"), ("topic_id", "cord_uid", "judgement"))),
        table(("topic-id", "iteration", "cord-id", "judgement"), [(q, 1, d, g) for q, d, g in JUDGED], ","),
        table(("score", "corpus-id", "query-id"), [(f"{g}.0", d, q) for q, d, g in JUDGED], "\t"),
        "".join(json.dumps({"query-id": q, "corpus-id": d, "score": float(g)}) + "\n" for q, d, g in JUDGED),
        json.dumps([{"query_id": q, "doc_id": d, "relevance": g} for q, d, g in JUDGED]),
        json.dumps(QRELS),
        json.dumps(QRELS, indent=2),
    ],
)  # fmt: skip
def test_judgements_in_every_form(tmp_path, text):
    (tmp_path / "qrels").write_text(text)
    assert read_qrels(tmp_path / "qrels") == QRELS
    (tmp_path / "qrels.gz").write_bytes(gzip.compress(text.encode()))
    assert read_qrels(tmp_path / "qrels.gz") == QRELS


def test_judgements_as_a_parquet_table_with_fractions_as_grades(tmp_path):
    columns = zip(*JUDGED, strict=True)
    names = ("query-id", "corpus-id", "score")
    values = pa.table({name: list(column) for name, column in zip(names, columns, strict=True)})
    pq.write_table(values.set_column(2, "score", values["score"].cast(pa.float64())), tmp_path / "f.parquet")
    assert read_qrels(tmp_path / "f.parquet") == QRELS


def test_pairs_without_a_grade_are_relevant(tmp_path):
    (tmp_path / "f").write_text("query-id\tcorpus-id\nq1\td1\n")
    assert read_qrels(tmp_path / "f") == {"q1": {"d1": 1}}


@pytest.mark.parametrize(
    "text",
    ["query-id\tcorpus-id\tscore\nq\td\t0.5\n", "query-id\tcorpus-id\tvalue\nq\td\t3\n",
     "q d nan\n", '{"query-id": "q", "corpus-id": "d", "score": NaN}\n',
     "q 0 d 1e9\n", '{"q": {"d": 0.5}}', '{"q": {"d": null}}', '{"q": 3}', "query_id,doc_id,score\nq,d,inf\n",
     '{"query-id": "q", "corpus-id": "d", "score": Infinity}\n'],
)  # fmt: skip
def test_a_grade_that_is_no_whole_number_is_refused(tmp_path, text):
    (tmp_path / "f").write_text(text)
    with pytest.raises(DataError, match=r"/f:\d+: (expected|Infinity)"):
        read_qrels(tmp_path / "f")


# ---- topics

TOPICS = {
    "tsv": "".join(f"{i}\t{text}\n" for i, text in QUERIES),
    "tsv with a header": table(("qid", "query"), QUERIES, "\t"),
    "other names": table(("Query ID", "Question"), QUERIES, "\t"),
    "other order": table(("text", "query_id"), [(text, i) for i, text in QUERIES], "\t"),
    "topic and title": table(("topic", "title"), QUERIES, "\t"),
    "a language for the text": table(("id", "sw"), QUERIES, "\t"),
    "a name of a language": table(("query_id", "Kiswahili"), QUERIES, ","),
    "csv": table(("id", "text"), QUERIES, ","),
    "jsonl in a language": "".join(json.dumps({"qid": i, "swh_Latn": text}) + "\n" for i, text in QUERIES),
    "jsonl": "".join(json.dumps({"_id": i, "text": text, "metadata": {}}) + "\n" for i, text in QUERIES),
    "array": json.dumps([{"query_id": i, "query": text} for i, text in QUERIES]),
    "TREC-COVID": "<topics task=\"COVIDSearch2020\">\n" + "".join(
        f'<topic number="{i}">\n<query>{text}</query>\n<question>y</question>\n<narrative>n</narrative>\n</topic>\n'
        for i, text in QUERIES) + "</topics>\n",
    "web track": "<webtrack2012>\n" + "".join(
        f'<topic number="{i}" type="faceted">\n<query>{text}</query>\n<description>y</description>\n'
        f'<subtopic number="1" type="nav">z</subtopic>\n</topic>\n' for i, text in QUERIES) + "</webtrack2012>\n",
    "clinical trials": "<topics>\n" + "".join(
        f'<topic number="{i}">\n{text}\n</topic>\n' for i, text in QUERIES) + "</topics>\n",
    "microblog": "".join(
        f"<top>\n<num> Number: {i} </num>\n<query> {text} </query>\n<querytime> Tue </querytime>\n</top>\n"
        for i, text in QUERIES),
    "TREC 1": "".join(
        f"<top>\n<head> Tipster Topic Description\n<num> Number:  {i}\n<dom> Domain: x\n<title> Topic:  {text}\n"
        f"<desc> Description:\ny\n<narr> Narrative:\nn\n<con> Concept(s):\n1. c\n</top>\n" for i, text in QUERIES),
    "CLEF eHealth": "<queries>\n" + "".join(
        f"<query>\n<id>{i}</id>\n<title>{text}</title>\n<desc>y</desc>\n</query>\n" for i, text in QUERIES)
    + "</queries>\n",
    "Cranfield": "<?xml version='1.0'?>\n<xml>\n" + "".join(
        f"<top>\n<num> {i}</num><title>\n{text}\n</title>\n</top>\n" for i, text in QUERIES) + "</xml>\n",
}  # fmt: skip


@pytest.mark.parametrize("form", TOPICS)
def test_topics_in_every_form(tmp_path, form):
    (tmp_path / "f").write_text(TOPICS[form], "utf-8")
    found = read_topics(tmp_path / "f", "sw")
    assert [(each.query_id, each.text, each.language) for each in found] == [
        (i, text, "swa") for i, text in QUERIES
    ]
    assert [each.language for each in read_topics(tmp_path / "f")] == ["und", "und"]


def test_fields_of_old_trec_topics_end_at_the_next_tag(tmp_path):
    (tmp_path / "f").write_text(TOPICS["TREC 1"])
    (query, _) = read_topics(tmp_path / "f", "en", fields=("narr",))
    assert query.text == "n"
    (tmp_path / "f").write_text(TOPICS["TREC-COVID"])
    assert read_topics(tmp_path / "f", "en", fields=("desc", "narr"))[0].text == "y n"


STATED = {
    "FIRE": "<topics>\n<top lang='hi'>\n<num>176</num>\n<title>x</title>\n</top>\n</topics>\n",
    "CLEF before 2008": "<top>\n<num> C041 </num>\n<HI-title> x </HI-title>\n</top>\n",
    "CLEF since 2008": '<topic lang="hi">\n<identifier>451-AH</identifier>\n<title>x</title>\n</topic>',
    "JSON": '{"_id": "1", "text": "x", "lang": "hi"}\n',
    "a name": '{"_id": "1", "text": "x", "language": "Hindi"}\n',
    "a table": "id\tlang\ttext\n1\thin\tx\n",
    "HC4": '{"topic_id": "1", "topics": [{"lang": "hin", "source": "original", "topic_title": "x"}]}\n',
}


@pytest.mark.parametrize("form", STATED)
def test_topics_that_state_their_language_need_no_other_statement(tmp_path, form):
    (tmp_path / "f").write_text(STATED[form])
    (query,) = read_topics(tmp_path / "f")
    assert (query.text, query.language) == ("x", "hin")
    assert read_topics(tmp_path / "f", "hi") == [query]
    with pytest.raises(DataError, match="no topic in 'fra' in it: there are topics in hin"):
        read_topics(tmp_path / "f", "fr")


def test_text_in_cdata_and_between_comments_is_text(tmp_path):
    (tmp_path / "f").write_text("<topic id='1'><title><![CDATA[5 < 6]]><!-- no --></title></topic>")
    assert [each.text for each in read_topics(tmp_path / "f", "en")] == ["5 < 6"]
    (tmp_path / "d").write_text("<DOC><DOCNO>1</DOCNO><TEXT><![CDATA[a < b]]> & c<!-- x --></TEXT></DOC>\n")
    assert [each.text for each in read_corpus(tmp_path / "d")] == ["a < b & c"]


def test_topics_in_several_languages_need_a_choice(tmp_path):
    (tmp_path / "f").write_text(
        "<top><num>1</num><EN-title>rain</EN-title><DE-title>Regen</DE-title></top>\n"
        "<top><num>2</num><EN-title>sun</EN-title></top>\n"
    )
    with pytest.raises(
        DataError, match=r"there are topics in deu, eng: choose one of these languages \(--language\)"
    ):
        read_topics(tmp_path / "f")
    assert [each.text for each in read_topics(tmp_path / "f", "de")] == ["Regen"]


@pytest.mark.parametrize(
    "text", ["\u200b", "\u200d\ufe0f", "\u2800", "\u3164", "\xad", "\u0301", "\u2060 \u200e"]
)
def test_a_query_that_shows_nothing_is_refused_when_it_is_read(tmp_path, text):
    (tmp_path / "f").write_text(f"q1\tMaji\nq2\t{text}\n", "utf-8")
    with pytest.raises(DataError, match=r"f:2: query 'q2' has no text"):
        read_topics(tmp_path / "f", "sw")


# ---- folders


@pytest.mark.parametrize("ending", TODAY)
@pytest.mark.parametrize(
    ("corpus", "queries", "qrels"),
    [
        ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"), ("corpus.tsv", "queries.tsv", "qrels/test.txt"),
        ("corpus.csv", "queries.csv", "qrels/test.csv"), ("docs-0.tsv", "topics.tsv", "qrels.test.txt"),
        ("collection.tsv", "queries/swa.tsv", "qrels.txt"),
        ("corpus/1.tsv", "queries/queries-0.tsv", "qrels/test-0.tsv"),
    ],
)  # fmt: skip
def test_a_beir_folder_in_any_form_plain_or_compressed(tmp_path, corpus, queries, qrels, ending):
    documents = "".join(
        json.dumps({"_id": i, "title": title, "text": text}) + "\n" for i, title, text in DOCUMENTS
    )
    tables = {
        "corpus.csv": corpus_table(("id", "text", "title"), ","), "queries.csv": TOPICS["csv"],
        "qrels/test.csv": table(("query-id", "corpus-id", "score"), JUDGED, ","),
    }  # fmt: skip
    parts = {corpus: documents, queries: TOPICS["tsv"], qrels: TREC_QRELS}
    for name, text in ((name, tables.get(name, text)) for name, text in parts.items()):
        path = tmp_path / (name + ending)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(COMPRESS[ending](text.encode()))
    task = read_beir(tmp_path, "sw", "test")
    assert list(task.documents) == EXPECTED
    assert [(each.query_id, each.text) for each in task.queries] == QUERIES
    assert task.qrels == QRELS


def test_plain_files_go_before_compressed_ones(tmp_path):
    (tmp_path / "corpus.jsonl.gz").write_bytes(gzip.compress(b'{"_id": "old", "text": "x"}\n'))
    (tmp_path / "corpus.jsonl").write_text('{"_id": "new", "text": "x"}\n')
    assert [each.doc_id for each in read_corpus(tmp_path)] == ["new"]
