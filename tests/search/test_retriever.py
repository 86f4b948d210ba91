"""A model with its index, as a notebook uses it: tiny encoders, real folders."""

import hashlib
import unicodedata
from collections import Counter

import numpy as np
import pytest

import tiny_models
from opticlir.encoder import encode_documents, encode_queries, load_model
from opticlir.errors import ArtefactError, DataError
from opticlir.maxsim import maxsim_exact
from opticlir.records import Document, Query
from opticlir.search import Hits, Retriever, questions
from opticlir.search.tokens import StoredTokens

TEXTS = list(tiny_models.ENGLISH)


@pytest.fixture(scope="module")
def model(checkpoints):
    return load_model(checkpoints["crosslingual"])


@pytest.fixture
def built(model, tmp_path):
    return Retriever.build(TEXTS, model, tmp_path / "index")


def test_a_list_of_texts_is_indexed_and_answers(built):
    hits = built.search("the mosquito brings malaria", k=3)
    assert isinstance(hits, Hits)
    assert len(hits) == 3
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert TEXTS[int(hits[0].doc_id)] == hits[0].text == hits[0].snippet
    assert hits[:2] == hits.hits[:2]
    assert len(built) == 20
    assert built.counts["documents"] == 20


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (Document("d", "text", "title"), Document("d", "text", "title")),
        (("d", "text"), Document("d", "text")),
        (("d", "title", "text"), Document("d", "text", "title")),
        ({"_id": "d", "title": "title", "text": "text"}, Document("d", "text", "title")),
        ({"id": "d", "text": "text"}, Document("d", "text")),
        ("text", Document("0", "text")),
    ],
)
def test_documents_come_in_many_forms(model, tmp_path, document, expected):
    assert Retriever.build([document], model, tmp_path / "i").document(expected.doc_id) == expected


@pytest.mark.parametrize("document", [1, ("d",), ("d", 2), {"text": "no id"}, ("a", "b", "c", "d")])
def test_what_is_no_document_is_named(model, tmp_path, document):
    with pytest.raises(TypeError, match="document 1 is "):
        Retriever.build(iter(["text", document]), model, tmp_path / "i")
    with pytest.raises(TypeError, match="expected a list of documents, found one text"):
        Retriever.build("one text", model, tmp_path / "i")


def test_a_model_of_another_document_encoder_is_refused(built, checkpoints, tmp_path):
    with pytest.raises(ArtefactError, match="use the model that built the index"):
        Retriever.open(tmp_path / "index", checkpoints["native"])
    with pytest.raises(ArtefactError, match="use the model that built the index"):
        Retriever(built.index, load_model(checkpoints["native"]))


def test_two_query_models_share_one_index(built, checkpoints, tmp_path):
    other = Retriever.open(tmp_path / "index", checkpoints["plain"])  # the teacher of the cross-lingual model
    assert other.search(TEXTS[3], k=1)[0].doc_id == "3"
    assert len(built.search(tiny_models.SWAHILI[3])) == 10


def test_a_question_has_one_form_however_it_is_typed(built):
    composed = "the café has wåter"
    decomposed = unicodedata.normalize("NFD", composed)
    assert decomposed != composed
    assert built.search(decomposed) == built.search(composed)
    assert built.rank([("1", decomposed)]) == built.rank([("1", composed)])
    assert built.explain(decomposed, "0") == built.explain(composed, "0")


def test_a_run_is_the_search_of_many_questions(built):
    asked = {f"q{at}": text for at, text in enumerate(tiny_models.SWAHILI[:5])}
    told = []
    runs = built.rank_by_each(asked, 5, progress=lambda *event: told.append(event))
    assert told == [("encoding queries", 0, 5), ("encoding queries", 5, 5), ("searching", 5, 5)]
    for ranking, run in runs.items():
        assert built.rank(asked, 5, ranking) == run
        for query_id, text in asked.items():
            hits = built.search(text, 5, ranking)
            assert run[query_id] == pytest.approx({hit.doc_id: hit.score for hit in hits}, abs=1e-5)
    assert built.rank([Query(*each, "swa") for each in asked.items()]) == built.rank(asked)
    assert list(built.rank(list(asked.values()))) == ["0", "1", "2", "3", "4"]
    with pytest.raises(TypeError, match="query 0 is 1: expected a Query"):
        built.rank(iter([1]))
    with pytest.raises((ValueError, TypeError), match="sparse"):
        built.search("x", ranking="sparse")


def test_bm25_needs_no_vectors(built, monkeypatch):
    monkeypatch.setattr(questions, "encode_queries", None)
    assert list(built.rank({"q": "malaria"}, ranking="bm25")["q"]) == ["9"]
    assert [hit.doc_id for hit in built.search("malaria", ranking="bm25")] == ["9"]
    assert len(built.search("zzz", ranking="bm25")) == 0


def test_documents_are_added_and_deleted(built, tmp_path, checkpoints):
    built.add([("net", "Bed nets", "a net with holes"), ("soap", "soap and water")])
    assert built.search("a net with holes", k=1)[0].doc_id == "net"
    built.delete(["net"])
    assert len(built) == 21
    assert "net" not in built.rank({"q": "a net with holes"})["q"]
    with pytest.raises(DataError, match="the index holds no document 'net'"):
        built.document("net")
    assert len(Retriever.open(tmp_path / "index", checkpoints["crosslingual"])) == 21
    with pytest.raises(DataError, match="'soap' comes twice"):
        built.add([("soap", "again")])
    built.verify()


def test_long_texts_show_the_passage_that_answers(model, tmp_path):
    filler = " ".join(f"{text.capitalize()}." for text in TEXTS[13:20])
    text = f"{filler} A mosquito brings malaria. {filler}"
    built = Retriever.build([("d", "Title", text), ("short", "soap")], model, tmp_path / "i")
    (hit,) = [each for each in built.search("a mosquito brings malaria") if each.doc_id == "d"]
    assert "mosquito brings malaria" in hit.snippet
    assert len(hit.snippet) <= 242
    assert hit.snippet.startswith("…")
    assert hit.snippet.strip("…").strip() in text
    assert hit.text == text


# why a document was found


@pytest.mark.parametrize("kind", ["crosslingual", "native", "pylate", "stanford"])
def test_an_explanation_adds_up(checkpoints, tmp_path, kind):
    model = load_model(checkpoints[kind])
    built = Retriever.build(
        [(f"d{at}", text) for at, text in enumerate(TEXTS)], model, tmp_path / "i", store="float32"
    )
    question = "the mosquito brings malaria, Doctor"
    found = built.explain(question, "d9")
    (tokens,), (matrix,) = encode_queries(model, [question]), encode_documents(model, [TEXTS[9]])
    assert found.parts.dense == pytest.approx(maxsim_exact(tokens, [matrix])[0])
    shares = sum(match.share for match in found.tokens) + found.special_share
    assert shares == pytest.approx(1.0)
    assert sum(match.share for match in found.words) + found.special_share == pytest.approx(1.0)
    assert sum(match.similarity for match in found.tokens) == pytest.approx(
        found.parts.dense * (1 - found.special_share)
    )
    assert (found.special_share > 0) == (kind != "crosslingual")
    for match in (*found.tokens, *found.words):
        assert question[slice(*match.query_span)] == match.query
        if match.document_span:
            assert found.document.content[slice(*match.document_span)] == match.document
    assert [match.query for match in found.words if match.query in ("malaria", "Doctor")] == [
        "malaria",
        "Doctor",
    ]
    assert set(found.grams) > {"<mala", "laria"}
    assert sum(found.grams.values()) == pytest.approx(found.parts.lexical, abs=1e-4)
    parts = found.parts
    assert parts.hybrid == pytest.approx(parts.dense_z + 0.1 * parts.lexical_z)
    score = next(hit.score for hit in built.search(question, 20) if hit.doc_id == "d9")
    assert parts.hybrid == pytest.approx(score, abs=1e-4)


def test_a_second_question_repeats_no_work(model, tmp_path, monkeypatch):
    """One forward pass, one tokeniser call per side, no checksum, and only the shown documents are read."""
    retriever = Retriever.build([f"{text}. " * 20 for text in TEXTS], model, tmp_path / "index")
    retriever.search(tiny_models.SWAHILI[0], k=2)
    calls = Counter()

    def count(owner, name, amount=lambda *_: 1):
        usual = getattr(owner, name)

        def counted(*arguments, **options):
            calls[name] += amount(*arguments)
            return usual(*arguments, **options)

        monkeypatch.setattr(owner, name, counted)

    count(model, "forward")
    count(model, "preprocess")
    count(hashlib, "sha256")
    count(StoredTokens, "__getitem__", lambda _, rows: rows.stop - rows.start)
    hits = retriever.search(tiny_models.SWAHILI[3], k=2)
    assert all(hit.snippet != hit.text for hit in hits)
    rows_read = calls.pop("__getitem__")
    assert calls == {"forward": 1, "preprocess": 2}
    assert rows_read < retriever.counts["tokens"] / 2


def test_an_exact_copy_meets_itself(model, tmp_path):
    found = Retriever.build(TEXTS, model, tmp_path / "i").explain(TEXTS[5], "5")
    assert found.parts.lexical > 0
    assert all(match.document for match in found.words)


def test_what_cannot_be_explained_is_refused(built):
    with pytest.raises(DataError, match="the index holds no document 'd99'"):
        built.explain("malaria", "d99")
    with pytest.raises(DataError, match="has no tokens"):
        built.explain("", "0")


UNKNOWN = ("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "ߒߞߏ ߞߊ߲", "🦟🦠", "ꦲꦏ꧀ꦱꦫ?", "ⵜⴰⵎⴰⵣⵉⵖⵜ")


@pytest.mark.parametrize("question", UNKNOWN)
def test_a_question_of_unknown_letters_is_ranked_by_bm25_alone_and_says_so(built, question):
    hits = built.search(question)
    assert "the model knows no word of this question" in repr(hits)
    assert "the model knows no word of this question" in hits._repr_html_()
    assert [hit.doc_id for hit in hits] == [hit.doc_id for hit in built.search(question, ranking="bm25")]
    assert not built.search(question, ranking="dense")
    named = built.search(f"{question} malaria")
    assert named.notes == ()
    with pytest.raises(DataError, match="the model knows no word of the question"):
        built.explain(question, "0")
    with pytest.raises(DataError, match="the model knows no word of the question"):
        built.rerank(question, ["water"])


def test_a_foreign_script_finds_names_by_bm25(built):
    hits = built.search("ማላሪያ")  # malaria in Ethiopic letters
    assert hits.notes
    assert hits[0].text == "a mosquito brings malaria"


def test_unknown_questions_of_a_file_are_counted_and_named(built, caplog):
    runs = built.rank_by_each({"a": "ᏣᎳᎩ", "b": "malaria", "c": "🦟"})
    assert (
        "the model knows no word of 2 of 3 questions, which BM25 alone ranks: the first is 'a'" in caplog.text
    )
    assert list(runs["hybrid"]) == ["a", "b", "c"]
    assert runs["hybrid"]["a"] == runs["bm25"]["a"]
    assert runs["dense"]["a"] == {}
    assert runs["hybrid"]["b"] == pytest.approx(built.rank({"b": "malaria"})["b"], abs=1e-5)


SPELLINGS = [
    ("ｍａｌａｒｉａ", "malaria"), ("ﬁnd oﬃce", "find office"), ("𝐟𝐞𝐯𝐞𝐫 𝕨𝕒𝕥𝕖𝕣", "fever water"),
    ("ⓦⓐⓣⓔⓡ", "water"), ("１２３", "123"), ("wa\u00adter", "water"), ("CO₂", "co2"),
    ("water\u3000child", "water child"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "plain"), SPELLINGS)
def test_letters_that_are_drawn_in_another_way_find_the_same(built, typed, plain):
    for ranking in ("hybrid", "dense", "bm25"):
        assert built.rank({"q": typed}, ranking=ranking) == built.rank({"q": plain}, ranking=ranking)


# how it shows itself


def test_answers_show_themselves_and_escape_what_they_hold(model, tmp_path):
    built = Retriever.build(
        [("<i>", "T<b>", "evil <script>x</script> \x1b[31m text"), ("d", "two")], model, tmp_path / "i"
    )
    hits = built.search("evil <script>")
    for markup in (hits._repr_html_(), built.explain("evil <script>", "<i>")._repr_html_()):
        assert "<table>" in markup
        assert "<script>" not in markup
        assert "<b>" not in markup
        assert "\x1b" not in markup
        assert "&lt;script&gt;" in markup
    for text in (repr(hits), repr(built.explain("evil <script>", "<i>"))):
        assert "\x1b" not in text
        assert "T<b>" in text
    assert repr(Hits("x", "bm25", ())) == "nothing found"
    assert repr(built) == "Retriever(2 documents, lexical_weight=0.1)"


# other candidates


def test_texts_are_reranked_without_an_index(built, model):
    hits = built.rerank(TEXTS[4], ["smoke hurts the eyes", TEXTS[4], ("x", "the net")])
    assert hits[0].doc_id == "1"
    assert hits[0].text == TEXTS[4]
    assert {hit.doc_id for hit in hits} == {"0", "1", "x"}
    assert hits[0].score <= 1.0
    (tokens,), (matrix,) = encode_queries(model, [TEXTS[4]]), encode_documents(model, ["the net"])
    score = next(hit.score for hit in hits if hit.doc_id == "x")
    assert score == pytest.approx(float((tokens @ matrix.T).max(axis=1).mean()), abs=1e-6)
    assert len(built.rerank("malaria", [])) == 0
    with pytest.raises(DataError, match="document '0' has no tokens"):
        built.rerank("malaria", [""])


def test_a_damaged_model_is_refused_by_its_first_question(built, monkeypatch):
    monkeypatch.setattr(questions, "encode_queries", lambda *_: [np.full((2, 32), np.nan, np.float32)])
    for ask in (built.search, lambda text: built.explain(text, "0"), lambda text: built.rerank(text, ["x"])):
        with pytest.raises(ArtefactError, match="its embedding holds NaN"):
            ask("malaria")


def test_two_models_do_not_share_one_index(built, model, checkpoints, tmp_path):
    Retriever.build(TEXTS[:3], checkpoints["other"], tmp_path / "index")
    with pytest.raises(ArtefactError, match="was built with document encoder"):
        built.add([("new", "boil the water")])
    with pytest.raises(ArtefactError, match="was built with document encoder"):
        built.delete(["1"])
    assert len(Retriever.open(tmp_path / "index", checkpoints["other"])) == 3


@pytest.mark.parametrize("query_id", ["q\n1", "q\t1", "q\0", " "])
def test_a_query_id_that_no_file_could_hold_is_refused(built, query_id):
    with pytest.raises(DataError, match=r"the query id .* (is blank|contains NUL, a line end or a tab)"):
        built.rank({query_id: "mbu"})


def test_a_folder_that_is_no_model_is_refused_before_its_files_are_listed(built, tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.rglob", lambda *_: pytest.fail("the whole disk would be read"))
    with pytest.raises(
        ArtefactError, match=r"/: no modules\.json and no config\.json, so this is not a model"
    ):
        Retriever.open(tmp_path / "index", "/")


@pytest.mark.parametrize("folder", [".", ""])
def test_the_current_folder_may_be_the_index(model, tmp_path, monkeypatch, folder):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    built = Retriever.build(TEXTS[:3], model, folder)
    built.add(TEXTS[3:4])
    built.delete(["0"])
    assert len(Retriever.open(tmp_path / "here", model)) == 3
    with pytest.raises(ArtefactError, match="is the root of the file system"):
        Retriever.build(TEXTS[:3], model, "/")


def test_documents_are_encoded_as_a_stream(model, tmp_path, monkeypatch):
    """A corpus larger than the memory can be indexed: few documents are taken before the first is stored."""
    for name in ("_AHEAD", "_CHUNK_TEXTS"):
        monkeypatch.setattr(f"opticlir.encoder.encode.{name}", 8)
    taken, ahead = [], []

    def documents():
        for number in range(64):
            taken.append(number)
            yield Document(f"d{number}", TEXTS[number % len(TEXTS)])

    Retriever.build(
        documents(), model, tmp_path / "index", progress=lambda _, done, __: ahead.append(len(taken) - done)
    )
    assert len(ahead) == 64
    assert max(ahead) <= 9
