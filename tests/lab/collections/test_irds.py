"""Collections of ir_datasets: small ones of our own, registered as the library registers its own."""

import sys
from typing import NamedTuple

import pytest

from opticlir.errors import DataError, SetupError
from opticlir.lab.collections import load_benchmark
from opticlir.records import Document, Query


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """ir_datasets with a home of its own; nothing is fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IR_DATASETS_HOME", str(tmp_path_factory.mktemp("home")))
        yield pytest.importorskip("ir_datasets", reason="the extra `irds` is not installed")


@pytest.fixture
def register(library, request):
    """Put a data set of the library's own kind under an id of this test, and give its name here."""

    def register(dataset):
        name = f"opticlir-test/{request.node.name}"
        library.registry.register(name, dataset)
        return f"irds:{name}"

    return register


@pytest.fixture
def parts(library, tmp_path):
    """Documents, queries and judgements, each read by the library from a file; an empty one is left out."""

    def parts(
        docs="d1\tmaji safi\nd2\tmoto\n", queries="q1\tMaji?\nq2\tNani?\n", qrels="q1 0 d1 2\n", lang=None
    ):
        for name, text in (("docs", docs), ("queries", queries), ("qrels", qrels)):
            (tmp_path / name).write_text(text, "utf-8")
        local, formats = library.util.LocalDownload, library.formats
        return [
            formats.TsvDocs(local(tmp_path / "docs"), lang="sw"),
            formats.TsvQueries(local(tmp_path / "queries"), lang=lang) if queries else None,
            formats.TrecQrels(local(tmp_path / "qrels"), {2: "relevant"}) if qrels else None,
        ]

    return parts


def test_a_collection_by_its_id(library, parts, register):
    name = register(library.Dataset(*parts()))
    task = load_benchmark(name, None, "swa", "dev")
    assert task.name == "irds.opticlir-test.test_a_collection_by_its_id"
    assert task.documents == (Document("d1", "maji safi"), Document("d2", "moto"))
    assert task.queries == (Query("q1", "Maji?", "swa"),), "a query without judgement is left out"
    assert task.qrels == {"q1": {"d1": 2}}


def test_the_language_that_the_library_states(library, parts, register):
    name = register(library.Dataset(*parts(lang="sw")))
    assert load_benchmark(name, None, "swh", "dev").queries[0].language == "swa"
    with pytest.raises(DataError, match=f"{name}: its queries are in 'swa', but 'hau' is asked for"):
        load_benchmark(name, None, "ha", "dev")


def test_texts_are_those_that_the_library_calls_default(library, parts, register):
    class TitledDoc(NamedTuple):
        doc_id: str
        title: str
        body: str

        def default_text(self):
            return f"{self.title}: {self.body}"

    class TitledDocs(library.formats.BaseDocs):
        def docs_iter(self):
            return iter([TitledDoc("d1", "Maji", "safi")])

        def docs_cls(self):
            return TitledDoc

    name = register(library.Dataset(TitledDocs(), *parts()[1:]))
    assert load_benchmark(name, None, "sw", "dev").documents == (Document("d1", "Maji: safi"),)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"qrels": ""},
            "expected docs, queries and qrels, it has docs, queries: give the id of one of its splits",
        ),
        ({"queries": "q1\t \n"}, "query 1: 'q1' has no text"),
        ({"docs": " \tmaji\n"}, "document 1: the document id ' ' is blank"),
        ({"qrels": "q1 0 d1\n"}, "ir_datasets cannot read it: expected 4 columns"),
        ({"docs": "d1\ta\nd1\tb\n"}, "the document id 'd1' comes twice"),
    ],
)
def test_a_collection_that_is_not_right(library, parts, register, files, message):
    name = register(library.Dataset(*parts(**files)))
    with pytest.raises(DataError, match=message):
        load_benchmark(name, None, "sw", "dev")


def test_an_id_that_the_library_does_not_know(library):
    with pytest.raises(
        DataError, match="irds:mr-tidy/sw: ir_datasets knows no such id: did you mean 'mr-tydi/sw'"
    ):
        load_benchmark("irds:mr-tidy/sw", None, "sw", "dev")


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_datasets", None)
    with pytest.raises(SetupError, match=r"ir_datasets is not installed: pip install 'opticlir\[irds\]'"):
        load_benchmark("irds:vaswani", None, "en", "dev")


def test_all_others_need_a_folder():
    with pytest.raises(
        DataError, match=r"xquad is read from files: name the folder that they are in \(--data\)"
    ):
        load_benchmark("xquad", None, "sw", "dev")
