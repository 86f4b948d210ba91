"""Retrieval tasks of MTEB: a small one of our own, built as the library builds its own; nothing is fetched."""

import sys

import pytest

from opticlir.errors import DataError, SetupError
from opticlir.lab.collections import load_benchmark
from opticlir.records import Document, Query

SPLIT = {
    "corpus": [{"id": "d1", "title": "Water", "text": "clean"}, {"id": "d2", "text": "fire"}],
    "queries": [{"id": "q1", "text": "maji?"}, {"id": "q2", "text": "nani?"}],
    "relevant_docs": {"q1": {"d1": 1}},
    "top_ranked": None,
}


@pytest.fixture(scope="module")
def mteb():
    return pytest.importorskip("mteb", reason="the extra `mteb` is not installed")


@pytest.fixture
def known(mteb, monkeypatch):
    """Let mteb know a task of ours with these subsets."""
    from mteb.abstasks.retrieval import AbsTaskRetrieval

    def known(**by_subset):
        class Ours(AbsTaskRetrieval):
            def __init__(self):
                self.dataset = by_subset

            def load_data(self, **_):
                if not by_subset:
                    raise ConnectionError("Couldn't reach 'mteb/Ours' on the Hub")

        monkeypatch.setattr(mteb, "get_task", lambda name: Ours())

    return known


def test_a_task_by_its_name(known):
    known(default={"test": SPLIT})
    task = load_benchmark("mteb:Ours", None, "sw", "test")
    assert task.name == "mteb.Ours.default.test"
    assert task.documents == (Document("d1", "clean", "Water"), Document("d2", "fire"))
    assert task.queries == (Query("q1", "maji?", "swa"),), "a query without judgement is left out"
    assert task.qrels == {"q1": {"d1": 1}}


def test_a_subset_by_its_name(known):
    known(**{"eng-swa": {"test": SPLIT}, "eng-hau": {"test": {**SPLIT, "relevant_docs": {"q2": {"d2": 1}}}}})
    assert load_benchmark("mteb:Ours/eng-hau", None, "ha", "test").qrels == {"q2": {"d2": 1}}
    for name in ("mteb:Ours", "mteb:Ours/eng-yor"):
        with pytest.raises(
            DataError, match=f"{name}: expected Ours/ and one of its subsets: eng-swa, eng-hau"
        ):
            load_benchmark(name, None, "ha", "test")
    with pytest.raises(DataError, match="mteb:Ours/eng-hau: no split 'dev': there are test"):
        load_benchmark("mteb:Ours/eng-hau", None, "ha", "dev")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"queries": [{"id": "q1", "text": " "}]}, "mteb:Ours: query 1: expected text, found .' '"),
        ({"corpus": [{"id": "d1", "image": 1}]}, "mteb:Ours: document 1: expected text, found 'None'"),
        ({"corpus": [{"id": " ", "text": "x"}]}, "mteb:Ours: document 1: the document id ' ' is blank"),
        ({"relevant_docs": {"q9": {"d1": 1}}}, "mteb:Ours: queries and judgements share no query id"),
    ],
)
def test_a_task_that_is_not_right(known, changed, message):
    known(default={"test": {**SPLIT, **changed}})
    with pytest.raises(DataError, match=message):
        load_benchmark("mteb:Ours", None, "sw", "test")


def test_data_that_cannot_be_had(known):
    known()
    with pytest.raises(DataError, match="mteb:Ours: mteb cannot get its data: Couldn't reach 'mteb/Ours'"):
        load_benchmark("mteb:Ours", None, "sw", "test")


def test_tasks_that_mteb_does_not_know_or_that_are_no_retrieval(mteb):
    with pytest.raises(DataError, match=r"mteb:Nope: mteb knows no such task: .*'Nope' not found"):
        load_benchmark("mteb:Nope", None, "sw", "test")
    with pytest.raises(DataError, match="mteb:STS12: this is a task of STS, expected retrieval"):
        load_benchmark("mteb:STS12", None, "en", "test")


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    with pytest.raises(SetupError, match=r"mteb is not installed: pip install 'opticlir\[mteb\]'"):
        load_benchmark("mteb:BelebeleRetrieval", None, "sw", "test")
