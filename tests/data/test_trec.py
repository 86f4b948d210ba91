import gzip
import itertools
import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, RR, nDCG

from opticlir.data import read_qrels, read_run, write_run
from opticlir.errors import DataError

IDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
SCORES = st.one_of(
    st.floats(-3e38, 3e38, allow_nan=False),
    st.sampled_from([0.0, -0.0, 1.0, 1 + 1e-9, 1 - 1e-9, 5e-324, -1e-40, 1e-30, 0.1, 0.1 + 1e-17]),
    st.floats(0.0, 1.0, width=16),
)
RUNS = st.dictionaries(IDS, st.dictionaries(IDS, SCORES, min_size=1), min_size=1, max_size=4)


def in_order(ranking):
    """Best first; scores that are equal in float32 by document id, the last one first, as trec_eval does."""
    by_id = sorted(ranking, reverse=True)
    return sorted(by_id, key=lambda doc_id: -np.float32(ranking[doc_id]))


def write(tmp_path, text, name="f.txt"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_qrels_by_hand(tmp_path):
    text = "q1 0 d#1 1\nq1\tQ0\td-2\t0\r\n\n q2  0   d1  3 \nq1 0 d3 -2\n007 0 007 +1\n"
    expected = {"q1": {"d#1": 1, "d-2": 0, "d3": -2}, "q2": {"d1": 3}, "007": {"007": 1}}
    assert read_qrels(write(tmp_path, text)) == expected
    (tmp_path / "f.gz").write_bytes(gzip.compress(text.encode()))
    assert read_qrels(tmp_path / "f.gz") == expected


def test_beir_qrels(tmp_path):
    text = "query-id\tcorpus-id\tscore\nq1\tdoc with blanks\t2\nq1\td2\t0\n"
    assert read_qrels(write(tmp_path, text)) == {"q1": {"doc with blanks": 2, "d2": 0}}


@given(st.dictionaries(IDS, st.dictionaries(IDS, st.integers(-9, 9), min_size=1), min_size=1))
def test_qrels_round_trip(tmp_path_factory, qrels):
    path = tmp_path_factory.mktemp("qrels") / "f"
    lines = (f"{query} 0 {doc} {grade}\n" for query, judged in qrels.items() for doc, grade in judged.items())
    path.write_text("".join(lines), "utf-8")
    assert read_qrels(path) == qrels


@pytest.mark.parametrize(
    "line",
    ["q1 0 d1", "q1 d1 1", "q1 0 d1 1 x", "q1 0 d1 0.5", "q1 0 d1 nan", "q1 0 d1 one", "q1 0 d1 １", "q1 0 d1 1_0",
     "q1 0 d1 99999999999", "q1", "q1,0,d1,1", "q1 0 d\u00a01"],
)  # fmt: skip
def test_malformed_qrels(tmp_path, line):
    path = write(tmp_path, f"q0 0 d0 1\n{line}\n")
    with pytest.raises(
        DataError, match=r"f.txt:2: expected `query_id iteration doc_id grade` with an integer grade"
    ):
        read_qrels(path)


def test_malformed_beir_qrels(tmp_path):
    path = write(tmp_path, "query-id\tcorpus-id\tscore\nq\td\t1\nq 0 d 1\n")
    with pytest.raises(DataError, match=r"f.txt:3: expected 3 columns, query-id, corpus-id, score, found 1"):
        read_qrels(path)


def test_a_document_is_judged_once(tmp_path):
    path = write(tmp_path, "q 0 d 1\nq 0 d 0\n")
    with pytest.raises(
        DataError, match=r"f.txt:2: document 'd' is judged twice for query 'q': grade 1 before, 0 here"
    ):
        read_qrels(path)


@pytest.mark.parametrize(
    "text",
    [
        "1185869\t0\t0\t1\n7\t0\t5\t1\n1185869\t0\t0\t1\n7 0 5 1\n",
        "query-id\tcorpus-id\tscore\n1185869\t0\t1\n7\t5\t1\n1185869\t0\t1\n7\t5\t+1\n",
    ],
)
def test_a_judgement_that_is_repeated_is_left_out_and_counted(tmp_path, caplog, text):
    path = write(tmp_path, text)
    assert read_qrels(path) == {"1185869": {"0": 1}, "7": {"5": 1}}
    first = text.rstrip("\n").count("\n")
    assert f"f.txt: left out: 2 repeated judgements (first: {path}:{first})" in caplog.text


@pytest.mark.parametrize("text", ["\n", "query-id\tcorpus-id\tscore\n"])
def test_qrels_without_judgements(tmp_path, text):
    with pytest.raises(DataError, match="no judgement in it"):
        read_qrels(write(tmp_path, text))


def test_run_by_hand(tmp_path):
    text = "q1 Q0 d1 1 2.5 tag\nq1\tQ0\td2\t2\t-1e-3\ttag\nq2 0 d1 7 3 tag\n"
    assert read_run(write(tmp_path, text)) == {"q1": {"d1": 2.5, "d2": -0.001}, "q2": {"d1": 3.0}}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("q1 Q0 d1 1 2.5", "expected `query_id Q0 doc_id rank score tag`"),
        ("q1 Q0 d1 1 2.5 a tag", "expected `query_id Q0 doc_id rank score tag`"),
        ("q1 Q0 d1 1 nan tag", "expected a finite number as the score, found 'nan'"),
        ("q1 Q0 d1 1 inf tag", "expected a finite number as the score, found 'inf'"),
        ("q1 Q0 d1 1 -Infinity tag", "expected a finite number"),
        ("q1 Q0 d1 1 1e999 tag", "expected a finite number"),
        ("q1 Q0 d1 1 high tag", "expected a finite number as the score, found 'high'"),
        ("q0 Q0 d0 2 0.5 tag", "document 'd0' occurs twice for query 'q0'"),
    ],
)
def test_malformed_runs(tmp_path, line, message):
    path = write(tmp_path, f"q0 Q0 d0 1 1.0 tag\n{line}\n")
    with pytest.raises(DataError, match=rf"f.txt:2: {message}"):
        read_run(path)


def test_an_empty_run_is_neither_read_nor_written(tmp_path):
    with pytest.raises(DataError, match="no ranking in it"):
        read_run(write(tmp_path, "\n"))
    for run in ({}, {"q1": {}}):
        with pytest.raises(DataError, match=r"empty\.run: the run ranks no document for any query"):
            write_run(run, tmp_path / "empty.run")
    assert not (tmp_path / "empty.run").exists()


def test_written_run_by_hand(tmp_path):
    path = tmp_path / "f.run"
    write_run({"q2": {"b": 1.0, "a": 1.0, "c": 2.5}, "q1": {"x": 0.0, "y": 0.0}}, path, tag="mine")
    assert path.read_text() == (
        "q2 Q0 c 1 2.5 mine\nq2 Q0 b 2 1.0 mine\nq2 Q0 a 3 0.9999999 mine\n"
        "q1 Q0 y 1 0.0 mine\nq1 Q0 x 2 -1e-30 mine\n"
    )


@given(RUNS)
def test_written_scores_decrease_strictly_in_every_precision(tmp_path_factory, run):
    path = tmp_path_factory.mktemp("run") / "f"
    write_run(run, path)
    rows = [line.split(" ") for line in path.read_text("utf-8").splitlines()]
    assert list(dict.fromkeys(row[0] for row in rows)) == list(run)
    for query_id, ranking in run.items():
        mine = [row for row in rows if row[0] == query_id]
        assert [row[2] for row in mine] == in_order(ranking)
        assert [int(row[3]) for row in mine] == list(range(1, len(mine) + 1))
        for read in (float, np.float32):
            scores = [read(row[4]) for row in mine]
            assert all(earlier > later for earlier, later in itertools.pairwise(scores))
        # no denormal number: what flushes those to 0 would see a tie
        assert all(score == 0 or abs(score) >= np.finfo(np.float32).tiny for score in scores)
    assert {query: set(ranking) for query, ranking in read_run(path).items()} == {
        query: set(ranking) for query, ranking in run.items()
    }


def test_a_thousand_ties_are_a_thousand_scores(tmp_path):
    for score in (0.0, 1.0, -1.0, 1e-30, 123456.0):
        write_run({"q": {f"d{number:04d}": score for number in range(1000)}}, tmp_path / "f")
        assert list(read_run(tmp_path / "f")["q"]) == [f"d{number:04d}" for number in reversed(range(1000))]
        assert len({np.float32(value) for value in read_run(tmp_path / "f")["q"].values()}) == 1000


@given(
    st.dictionaries(st.sampled_from("abcdefghij"), st.sampled_from([0.0, 0.5, 1.0, 1 + 1e-9]), min_size=2),
    st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 2), min_size=1),
)
def test_evaluators_agree_on_a_written_run(tmp_path_factory, ranking, judged):
    """The run as written gives every evaluator the order of trec_eval, whatever each does with ties."""
    path = tmp_path_factory.mktemp("run") / "f"
    write_run({"q": ranking}, path)
    ordered = in_order(ranking)
    plain = {"q": {doc_id: float(100 - rank) for rank, doc_id in enumerate(ordered)}}
    measures = [AP, RR, RR @ 10, nDCG @ 5]
    assert ir_measures.calc_aggregate(measures, {"q": judged}, read_run(path)) == pytest.approx(
        ir_measures.calc_aggregate(measures, {"q": judged}, plain)
    )


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf, 1e39, -1e300])
def test_scores_without_a_place_in_float32_are_refused(tmp_path, score):
    with pytest.raises(ValueError, match=r"query 'q', document 'b': the score .* is not finite in float32"):
        write_run({"q": {"a": 1.0, "b": score}}, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_ties_at_the_very_end_of_float32_are_refused(tmp_path):
    lowest = -float(np.finfo(np.float32).max)
    with pytest.raises(ValueError, match="too many scores at the lower end of float32"):
        write_run({"q": {"a": lowest, "b": lowest}}, tmp_path / "f")


@pytest.mark.parametrize("tag", ["", "two words", "a\tb"])
def test_a_tag_is_one_word(tmp_path, tag):
    with pytest.raises(ValueError, match="the tag of a run is one word"):
        write_run({"q": {"d": 1.0}}, tmp_path / "f", tag=tag)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"q": {"a\tb": 1.0}}, "the document id .* contains NUL, a line end or a tab"),
        ({"q\n": {"a": 1.0}}, "the query id .* contains NUL, a line end or a tab"),
        ({"q": {"": 1.0}}, "the document id '' is blank"),
    ],
)
def test_ids_that_cannot_be_written(tmp_path, run, message):
    with pytest.raises(DataError, match=message):
        write_run(run, tmp_path / "f")


def test_ids_with_a_blank_spoil_no_run(tmp_path, caplog):
    run = {"q 1": {"Barack Obama": 2.0, "a\u00a0b": 1.0}, "q2": {"x": 1.0}}
    write_run(run, tmp_path / "f")
    assert read_run(tmp_path / "f") == run
    assert (
        "3 ids contain a space, the first is 'q 1': the columns of this run are separated by tabs"
        in caplog.text
    )


def test_a_run_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "f"
    write_run({"q": {"d": 1.0}}, path)
    before = path.read_text()
    with pytest.raises(ValueError, match="not finite"):
        write_run({"q": {"d": math.nan}}, path)
    assert path.read_text() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]
