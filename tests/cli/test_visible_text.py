import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opticlir.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ɗan ƙauye", "Ɗan ƙauye"),
        ("ẹ̀kọ́", "ẹ̀kọ́"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner is spelling
        ("a\u202eb\u2066c\u2069", "a<U+202E>b<U+2066>c<U+2069>"),
        ("\u200f\u061c\x1b[2J\x00\x85", "<U+200F><U+061C><U+001B>[2J<U+0000> "),
        ("one\ntwo\u2028three", "one two three"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_by_hand(text, shown):
    assert visible(text) == shown


@given(st.text())
def test_nothing_is_left_that_moves_the_line(text):
    shown = visible(text)
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(char) for char in shown}
    assert not {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} & set(
        map(unicodedata.bidirectional, shown)
    )
    assert visible(shown) == shown


def test_query_ids_cannot_control_the_terminal(opticlir, tmp_path):
    run, qrels = tmp_path / "a.run", tmp_path / "qrels.txt"
    run.write_text("q\x1b[2J\x9b31m Q0 d1 1 1.5 x\n", encoding="utf-8")
    qrels.write_text("q\x1b[2J\x9b31m 0 d1 1\n", encoding="utf-8")
    plain = opticlir("evaluate", run, qrels, "--by-query", "--measure", "AP").stdout
    assert plain.splitlines()[0] == "AP\tq<U+001B>[2J<U+009B>31m\t1.0000"
    as_json = opticlir("evaluate", run, qrels, "--by-query", "--measure", "AP", "--json").stdout
    assert not {"\x1b", "\x9b"} & set(as_json)
    assert json.loads(as_json)["by_query"]["AP"] == {"q\x1b[2J\x9b31m": 1.0}


def test_file_names_cannot_control_the_terminal(opticlir, tmp_path):
    (tmp_path / "qrels.txt").write_text("q 0 d1 1\nr 0 d2 1\n")
    runs = [tmp_path / "a\x1b[2J.run", tmp_path / "b\u202e.run"]
    for path in runs:
        path.write_text("q Q0 d1 1 1.5 x\nr Q0 d1 1 1.5 x\nr Q0 d2 2 1 x\n")
    done = opticlir("compare", *runs, "--qrels", tmp_path / "qrels.txt", "--measure", "AP", "--draws", "9")
    assert done.code == 0
    assert not {"\x1b", "\u202e"} & set(done.stdout)
