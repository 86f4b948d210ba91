"""Metadata fields in files: whatever a corpus holds beside id, title and text."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opticlir.data import CheckedCorpus, SkipReport, read_corpus


def fields(path, **options):
    return [dict(document.fields) for document in read_corpus(path, **options)]


def test_json_lines_and_arrays_keep_their_further_keys(tmp_path):
    records = [
        {"_id": "d1", "title": "t", "text": "x", "year": 2020, "source": "who", "open": True, "share": 0.5},
        {"_id": "d2", "text": "y", "metadata": {"year": 2021, "journal": "BMJ"}, "source": None},
    ]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, records)))
    (tmp_path / "array.json").write_text(json.dumps(records))
    expected = [
        {"year": 2020, "source": "who", "open": True, "share": 0.5},
        {"year": 2021, "journal": "BMJ"},
    ]
    assert fields(tmp_path / "lines.jsonl") == fields(tmp_path / "array.json") == expected


def test_cells_of_tables_are_numbers_truth_or_text(tmp_path):
    (tmp_path / "f.csv").write_text(
        "id,text,year,share,open,code,note\n"
        'd1,x,2020,1.50,True,007,"a, b"\n'
        "d2,y,-3,2e3,false,8,\n"
        "d3,z,12345678901234567890,1e999,yes,1-2, \n"
    )
    assert fields(tmp_path / "f.csv") == [
        {"year": 2020, "share": 1.5, "open": True, "code": "007", "note": "a, b"},
        {"year": -3, "share": 2000.0, "open": False, "code": 8},
        {"year": "12345678901234567890", "share": "1e999", "open": "yes", "code": "1-2"},
    ]


def test_parquet_columns_keep_their_types_and_dates_become_texts(tmp_path):
    import datetime as dt

    table = pa.table(
        {
            "id": ["d1"],
            "text": ["x"],
            "year": [2020],
            "on": [dt.date(2020, 3, 1)],
            "at": [dt.datetime(2020, 3, 1, 12)],
            "name": ["007"],
            "vector": [[0.5]],
        }
    )
    pq.write_table(table, tmp_path / "f.parquet")
    report = SkipReport()
    assert fields(tmp_path / "f.parquet", skipped=report) == [
        {"year": 2020, "on": "2020-03-01", "at": "2020-03-01T12:00:00", "name": "007"}
    ]
    assert report.summary() == "the field 'vector' holds a list: only texts, numbers, true and false are kept"


@pytest.mark.parametrize("skipped", [None, SkipReport()])
def test_a_checked_corpus_says_once_what_it_leaves_out(tmp_path, caplog, skipped):
    (tmp_path / "f.jsonl").write_text(
        '{"id": "d1", "text": "x", "tags": []}\n{"id": "d2", "text": "x", "tags": []}\n'
    )
    assert len(list(CheckedCorpus(tmp_path / "f.jsonl", skipped=skipped))) == 2
    said = [record.getMessage() for record in caplog.records] if skipped is None else skipped.remarks
    assert said == ["the field 'tags' holds a list: only texts, numbers, true and false are kept"]


def test_equal_looking_names_and_texts_are_equal(tmp_path):
    (tmp_path / "f.jsonl").write_text(
        '{"id": "d1", "text": "x", "re\u0301gion": "Yoru\u0300ba\u0301"}\n', "utf-8"
    )
    assert fields(tmp_path / "f.jsonl") == [{"r\u00e9gion": "Yor\u00f9b\u00e1"}]


def test_id_title_and_text_are_no_fields_under_any_name(tmp_path):
    (tmp_path / "f.tsv").write_text("pid\tpassage\tpage_title\turl\nd1\tx\ty\thttp://z\n")
    assert fields(tmp_path / "f.tsv") == [{"url": "http://z"}]
