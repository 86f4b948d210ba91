"""Metadata fields from the documents to the hits, and filters on them, as a notebook uses both."""

import json
import logging

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tiny_models
from forged_index import forged
from opticlir.encoder import load_model
from opticlir.errors import ArtefactError, SettingsError
from opticlir.records import Document
from opticlir.search import ExactIndex, Retriever
from opticlir.search.scoring import Scorer

DOCUMENTS = [
    {"id": f"d{at:02}", "text": text, "year": 2000 + at, "source": ["who", "unicef"][at % 2], "open": at < 5}
    for at, text in enumerate(tiny_models.ENGLISH)
]
QUESTION = "the mosquito brings malaria"


@pytest.fixture(scope="module")
def model(checkpoints):
    return load_model(checkpoints["crosslingual"])


@pytest.fixture(scope="module")
def built(model, tmp_path_factory):
    return Retriever.build(DOCUMENTS, model, tmp_path_factory.mktemp("fields") / "index")


def test_hits_show_the_fields_of_their_documents(built):
    hits = built.search(QUESTION, k=3)
    for hit in hits:
        at = int(hit.doc_id[1:])
        assert hit.fields == {"year": 2000 + at, "source": ["who", "unicef"][at % 2], "open": at < 5}
        assert built.document(hit.doc_id).fields == hit.fields
        assert f'year = {hit.fields["year"]}, source = "{hit.fields["source"]}"' in repr(hits)
    page = hits._repr_html_()
    places = [page.index(f">{name}<") for name in ("title", "year", "source", "open", "passage")]
    assert places == sorted(places)


@pytest.mark.parametrize("ranking", ["hybrid", "dense", "bm25"])
@pytest.mark.parametrize("question", [QUESTION, tiny_models.SWAHILI[0], "ᏣᎳᎩ malaria"])
def test_a_filter_leaves_scores_and_order_of_the_allowed_documents_as_they_are(built, ranking, question):
    """The z-scores are over all documents, so no filter can turn two documents round."""
    every = built.search(question, k=20, ranking=ranking)
    for condition, is_allowed in [
        ("year >= 2010", lambda hit: hit.fields["year"] >= 2010),
        ('source = "who" and not open = true', lambda hit: hit.fields["source"] == "who" and not hit.fields["open"]),
        ("year = 2007", lambda hit: hit.fields["year"] == 2007),
        ("year < 0", lambda hit: False),
    ]:  # fmt: skip
        found = built.search(question, k=20, ranking=ranking, filter=condition)
        assert found.hits == tuple(hit for hit in every if is_allowed(hit))
        assert built.search(question, k=2, ranking=ranking, filter=condition).hits == found.hits[:2]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=30, max_size=30), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_ranking_of_any_documents_is_that_of_all_without_the_others(many, allowed, k, seed):
    """Also where thousands of values are screened, scores are equal, or differ by rounding only."""
    rng = np.random.default_rng(seed)
    tokens = rng.standard_normal((3, 8)).astype(np.float32)
    scorer = Scorer(many)
    for ranking in ("hybrid", "dense"):
        (scored,) = scorer.scored([tiny_query()], [tokens], [ranking])
        rows, scores = scored.found(ranking, 30)
        (filtered,) = scorer.scored([tiny_query()], [tokens], [ranking], allowed=np.array(allowed))
        some, found = filtered.found(ranking, k)
        is_kept = np.array(allowed)[rows]
        assert some.tolist() == rows[is_kept][:k].tolist()
        assert found.tolist() == scores[is_kept][:k].tolist()


def tiny_query():
    from opticlir.records import Query

    return Query("1", "water", "und")


@pytest.fixture(params=["float32", "screened"])
def many(request, tmp_path, monkeypatch):
    """30 documents, of which some are equal."""
    from opticlir.search import screening

    if request.param == "screened":
        if not screening.is_possible():
            pytest.skip("this processor does not screen")
        monkeypatch.setattr(screening, "_MIN_VALUES", 1)
    rng = np.random.default_rng(0)
    matrices = [rng.standard_normal((2, 8)).astype(np.float32) for _ in range(20)]
    entries = [
        (Document(f"d{at}", f"water {at % 7}"), matrices[at % 20] + np.float32(1e-7 * (at % 3))) for at in range(30)
    ]  # fmt: skip
    index = ExactIndex.create(tmp_path / "many", entries, encoder="e", store="float32")
    index.dense_scores([matrices[0]])
    assert (index.score_errors(matrices[0]) is None) == (request.param == "float32")
    return index


def test_runs_and_batches_take_a_filter(built):
    asked = {f"q{at}": text for at, text in enumerate(tiny_models.SWAHILI[:3])}
    run, every = built.rank(asked, filter="year >= 2010"), built.rank(asked)
    for query_id, ranking in run.items():
        assert ranking == {doc: score for doc, score in every[query_id].items() if doc >= "d10"}
    assert len(run["q0"]) == 10
    answers = built.search_many(list(asked.values()), filter="year = 2003")
    assert [[hit.doc_id for hit in hits] for hits in answers] == [["d03"]] * 3


def test_a_filter_that_does_not_fit_names_the_fields(built, model, tmp_path):
    with pytest.raises(
        SettingsError, match=r"no field 'yeer': did you mean 'year'\? The fields are open \(true or"
    ):
        built.search(QUESTION, filter="yeer > 2000")
    with pytest.raises(SettingsError, match="'year' holds whole numbers: compare it with a number"):
        built.rank([QUESTION], filter="year > '2000'")
    with pytest.raises(TypeError, match="filter"):
        built.search(QUESTION, filter=3)
    bare = Retriever.build(["water"], model, tmp_path / "bare")
    with pytest.raises(SettingsError, match="the index has no metadata fields"):
        bare.search("water", filter="year > 2000")
    assert not list((tmp_path / "bare").rglob("fields.arrow"))
    assert "fields.arrow" not in bare.index.manifest.files


def test_added_and_deleted_documents_keep_their_fields(model, tmp_path):
    retriever = Retriever.build(DOCUMENTS[:3], model, tmp_path / "index")
    retriever.add([{"id": "new", "text": "clean water", "year": 2020.5, "pages": 3}, "no fields"])
    retriever.delete(["d01"])
    opened = Retriever.open(tmp_path / "index", model)
    assert opened.index.field_kinds == {
        "year": "number", "source": "text", "open": "true or false", "pages": "whole number",
    }  # fmt: skip
    assert [opened.document(each).fields for each in opened.index.doc_ids] == [
        {"year": 2000, "source": "who", "open": True},
        {"year": 2002, "source": "who", "open": True},
        {"year": 2020.5, "pages": 3},
        {},
    ]
    assert [hit.doc_id for hit in opened.search("water", filter="pages > 1 or year = 2002")] in (
        ["new", "d02"], ["d02", "new"],
    )  # fmt: skip
    opened.delete(["d00", "d02", "new"])
    assert opened.index.field_kinds == {}


def test_a_field_of_several_kinds_is_kept_as_text_and_said(model, tmp_path, caplog):
    values = [2020, "2021a", 1.5, 3.0, True]
    documents = [{"id": f"d{at}", "text": "water", "year": value} for at, value in enumerate(values)]
    with caplog.at_level(logging.WARNING):
        retriever = Retriever.build(documents, model, tmp_path / "index")
    assert "the field 'year' holds values of several kinds: all are kept as text" in caplog.text
    found = [retriever.document(f"d{at}").fields["year"] for at in range(5)]
    assert found == ["2020", "2021a", "1.5", "3", "true"]


@pytest.mark.parametrize("batch", [1, 3, 4096])
def test_how_fields_are_packed_changes_nothing(model, tmp_path, monkeypatch, batch):
    from opticlir.search import fields

    monkeypatch.setattr(fields, "_BATCH", batch)
    values = [None, 2020, 1.5, "x", None, 7, False, 3.0, None]
    documents = [
        {
            "id": f"d{at}",
            "text": "water",
            "mixed": value,
            "whole": at if at % 2 else None,
            f"f{at % 3}": 0.5 * at,
        }
        for at, value in enumerate(values)
    ]
    index = Retriever.build(documents, model, tmp_path / "index").index
    assert index.field_kinds == {
        "mixed": "text", "whole": "whole number", "f0": "number", "f1": "number", "f2": "number",
    } or set(index.field_kinds) == {"mixed", "whole", "f0", "f1", "f2"}  # fmt: skip
    assert [index.document(row).fields.get("mixed") for row in range(9)] == [
        None, "2020", "1.5", "x", None, "7", "false", "3", None,
    ]  # fmt: skip
    assert index.matching("whole = 5 or f0 = 3.0").nonzero()[0].tolist() == [5, 6]


def test_fields_are_texts_numbers_and_truth_and_what_is_left_out_is_said_once(model, tmp_path, caplog):
    odd = {
        "tags": ["a"], "author": {"name": "x"}, "none": None, "nan": float("nan"), "infinite": float("inf"),
        "long": 2**63, "bytes": b"x", "torn": "\ud800", "": 1, "n" * 201: 1, 7: 1,
        "count": np.int64(3), "share": np.float32(0.5), "metadata": {"year": 1999, "count": 9, "journal": "BMJ"},
    }  # fmt: skip
    documents = [{"id": f"d{at}", "text": "water", **odd} for at in range(3)]
    with caplog.at_level(logging.WARNING):
        retriever = Retriever.build(iter(documents), model, tmp_path / "index")
    assert retriever.document("d0").fields == {"count": 3, "share": 0.5, "year": 1999, "journal": "BMJ"}
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(set(said)) == 9
    assert "the field 'tags' holds a list: only texts, numbers, true and false are kept" in said
    assert "the field 'long' holds a whole number of more than 64 bits" in said


def test_fields_beyond_the_limit_are_left_out_and_said(model, tmp_path, caplog):
    documents = [{"id": "d", "text": "water"} | {f"f{at}": at for at in range(70)}]
    with caplog.at_level(logging.WARNING):
        retriever = Retriever.build(documents, model, tmp_path / "index")
    assert len(retriever.index.field_kinds) == 64
    assert "the field 'f64' is left out: the documents have more than 64 fields" in caplog.text


def test_a_changed_byte_of_the_fields_is_found_when_the_index_is_opened(built, model, tmp_path):
    import shutil

    folder = built.index.path
    shutil.copytree(folder, tmp_path / "copy")
    (file,) = (tmp_path / "copy").rglob("fields.arrow")
    content = file.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(content), 40):
        file.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(ArtefactError, match=r"fields\.arrow"):
            ExactIndex.open(tmp_path / "copy")
    file.write_bytes(content)
    index = ExactIndex.open(tmp_path / "copy")
    file.write_bytes(content[:-8])
    with pytest.raises(ArtefactError, match="has changed since it was opened"):
        index.matching("year > 1")


def arrow(table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


N = len(DOCUMENTS)
FORGERIES = {
    "of too few documents": arrow(pa.table({"year": pa.array([1] * (N - 1))})),
    "of too many": arrow(pa.table({"year": pa.array([1] * (N + 1))})),
    "without columns": arrow(pa.table({})),
    "of lists": arrow(pa.table({"year": pa.array([[1]] * N)})),
    "of a dictionary": arrow(pa.table({"year": pa.array(["x"] * N).dictionary_encode()})),
    "of bytes": arrow(pa.table({"year": pa.array([b"\xff"] * N)})),
    "with a name twice": arrow(pa.Table.from_arrays([pa.array([1] * N)] * 2, ["year", "year"])),
    "with infinity": arrow(pa.table({"year": pa.array([float("inf")] * N)})),
    "with NaN": arrow(pa.table({"year": pa.array([float("nan")] * N)})),
    "that is text": b"year\n2020\n" * 9,
    "that is an empty Arrow file": b"ARROW1\0\0ARROW1",
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_forged_fields_are_refused_when_the_index_is_opened(built, tmp_path, kind):
    path = forged(
        built.index.path,
        tmp_path / "f",
        lambda folder: (folder / "000001" / "fields.arrow").write_bytes(FORGERIES[kind]),
    )
    with pytest.raises(ArtefactError, match=r"fields\.arrow is damaged"):
        ExactIndex.open(path)


def test_flipped_bits_with_fitting_checksums_are_refused_or_read(built, tmp_path):
    """Whoever forges the file with its checksums cannot make a reader crash, only choose the values."""
    (file,) = built.index.path.rglob("fields.arrow")
    content, rng = file.read_bytes(), np.random.default_rng(1)
    for trial in range(60):
        place = int(rng.integers(0, len(content)))
        changed = (
            content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]
        )
        path = forged(
            built.index.path,
            tmp_path / f"f{trial}",
            lambda folder, new=changed: (folder / "000001" / "fields.arrow").write_bytes(new),
        )
        try:
            index = ExactIndex.open(path)
        except ArtefactError:
            continue
        json.dumps([dict(index.document(row).fields) for row in range(N)], allow_nan=False).encode()


def test_an_index_made_before_there_were_fields_opens(tmp_path):
    index = ExactIndex.create(
        tmp_path / "old", [(Document("d", "water"), np.ones((1, 4), np.float32))], encoder="e"
    )
    assert index.document(0).fields == {}
    assert index.field_kinds == {}
