import pytest

from opticlir.errors import ArtefactError
from opticlir.lab.rivals import agreement, translate_queries
from opticlir.records import Query

QUERIES = [Query(f"q{number}", f"swali {number}", "swa") for number in range(70)]


class Upper:
    def __init__(self, dies_after=10**9):
        self.asked, self._dies_after = [], dies_after

    def translate_all(self, texts):
        if len(self.asked) >= self._dies_after:
            raise KeyboardInterrupt
        self.asked += texts
        return [text.upper() for text in texts]


def test_translations_are_kept_and_a_killed_run_goes_on(tmp_path):
    path, told = tmp_path / "eng.tsv", []
    with pytest.raises(KeyboardInterrupt):
        translate_queries(QUERIES, Upper(dies_after=32), path)
    assert len(path.read_text().splitlines()) == 32
    later = Upper()
    found = translate_queries(QUERIES, later, path, lambda _, *progress: told.append(progress))
    assert later.asked == [query.text for query in QUERIES[32:]]
    assert [(query.query_id, query.text, query.language) for query in found] == [
        (query.query_id, query.text.upper(), "eng") for query in QUERIES
    ]
    assert told[-1] == (70, 70)
    assert path.read_text().splitlines()[69] == "q69\tSWALI 69"
    again = Upper()
    assert translate_queries(QUERIES, again, path) == found
    assert again.asked == []


def test_line_ends_and_empty_translations_do_no_harm(tmp_path):
    class Odd:
        def translate_all(self, texts):
            return ["two\nlines\tand tabs", ""][: len(texts)]

    found = translate_queries(QUERIES[:2], Odd(), tmp_path / "eng.tsv")
    assert [query.text for query in found] == ["two lines and tabs", "swali 1"]


def test_a_file_of_other_queries_is_refused(tmp_path):
    path = tmp_path / "eng.tsv"
    path.write_text("other\tquestion\n")
    with pytest.raises(ArtefactError, match=r"eng\.tsv: has the query 'other', which is not among"):
        translate_queries(QUERIES, Upper(), path)
    assert path.read_text() == "other\tquestion\n"


def test_agreement_is_full_for_the_reference_itself():
    pytest.importorskip("sacrebleu", reason="sacrebleu is not installed")
    texts = ["the clinic is far from the village", "what are the signs of malaria in a child"]
    assert agreement([text.upper() for text in texts], texts) == pytest.approx({"BLEU": 100.0, "chrF": 100.0})
    assert agreement(["nothing of it"] * 2, texts)["BLEU"] < 10
