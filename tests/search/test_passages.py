"""Long documents: nothing of them is lost, and they are found by their best passage."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import tiny_models
from opticlir.encoder import Windows, load_model, token_counts
from opticlir.errors import DataError, SettingsError
from opticlir.search import ExactIndex, Retriever

ANSWER = "A mosquito brings malaria."
FILLER = "The road to the clinic is long. Clean hands keep the child well. "


@pytest.fixture(scope="module")
def model(checkpoints):
    return load_model(checkpoints["crosslingual"])


def long_text(before, after=2000):
    return f"{FILLER * (before // len(FILLER))}{ANSWER} {FILLER * (after // len(FILLER))}"


@pytest.fixture(scope="module")
def english():
    return load_model("minilm")


@pytest.mark.parametrize("before", [0, 4000])
def test_an_answer_is_found_wherever_it_stands_in_a_long_document(english, tmp_path, before):
    others = ((f"d{at}", text) for at, text in enumerate(tiny_models.ENGLISH) if "malaria" not in text)
    texts = [("answer", "Title", long_text(before)), *others]
    built = Retriever.build(texts, english, tmp_path / "i", window=64)
    for ranking in ("dense", "hybrid"):
        hits = built.search("which insect causes malaria?", k=21, ranking=ranking)
        assert hits[0].doc_id == "answer"
        assert [hit.doc_id for hit in hits].count("answer") == 1
        assert ANSWER in hits[0].snippet
    explained = built.explain("which insect causes malaria?", "answer")
    assert {"mosquito", "malaria"} <= {match.document for match in explained.words}
    for match in explained.tokens:
        if match.document_span:
            assert explained.document.content[slice(*match.document_span)] == match.document
    (reranked, *_) = built.rerank(
        "which insect causes malaria?", [*tiny_models.ENGLISH[:5], long_text(before)]
    )
    assert reranked.doc_id == "5"
    assert ANSWER in reranked.snippet
    built.verify()


def test_documents_that_fit_have_the_same_vectors_beside_long_ones(model, tmp_path):
    alone = Retriever.build(tiny_models.ENGLISH, model, tmp_path / "alone")
    beside = Retriever.build([*tiny_models.ENGLISH, long_text(9000)], model, tmp_path / "beside")
    for row in range(20):
        np.testing.assert_array_equal(alone.index.document_tokens(row), beside.index.document_tokens(row))


def test_an_index_made_in_steps_is_the_index_made_at_once(model, tmp_path):
    texts = [*tiny_models.ENGLISH, long_text(3000), "soap"]
    once = Retriever.build(texts, model, tmp_path / "once", window=64)
    steps = Retriever.build(texts[:7], model, tmp_path / "steps", window=64)
    steps.add(texts[7:20])
    steps.add(texts[20:])
    steps.delete(["3"])
    once.delete(["3"])
    for each in (once, steps):
        each.optimize()
    for name in ("tokens.bin", "offsets.npy", "passages.npy", "documents.jsonl"):
        first, second = (
            next((tmp_path / which / "versions").glob(f"*/*/{name}")) for which in ("once", "steps")
        )
        assert first.read_bytes() == second.read_bytes()
    assert once.counts == steps.counts


def test_the_numbers_of_passages_are_in_the_manifest(model, tmp_path):
    built = Retriever.build([long_text(3000), "soap", "", long_text(9000)], model, tmp_path / "i")
    counts = built.counts
    assert (counts["documents"], counts["long_documents"], counts["cut_documents"]) == (3, 2, 0)
    assert counts["passages"] > 10
    assert counts["empty_documents"] == 1
    config = built.index.manifest.config
    assert (config["window"], config["stride"]) == (512, 256)
    assert built.long_documents == (
        f"2 of 3 documents are longer than 512 tokens: they are in the index as {counts['passages'] - 1} passages"
    )


def test_a_stride_of_0_keeps_the_first_passage_and_says_so(model, tmp_path):
    built = Retriever.build([long_text(9000), "soap"], model, tmp_path / "i", stride=0)
    assert built.counts["passages"] == 2
    assert built.long_documents == (
        "1 of 2 documents are longer than 512 tokens: of 1 only the beginning is in the index"
    )
    built.add([long_text(12_000)])
    assert built.counts["cut_documents"] == 2
    assert "malaria" in built.search("mosquito malaria", ranking="bm25")[0].text  # BM25 reads all of it


def test_bm25_counts_a_long_document_once(model, tmp_path):
    texts = [long_text(9000), "soap and a mosquito"]
    small = Retriever.build(texts, model, tmp_path / "small", window=32)
    large = Retriever.build(texts, model, tmp_path / "large")
    rankings = [each.rank({"q": "mosquito"}, ranking="bm25") for each in (small, large)]
    assert rankings[0] == rankings[1]


def test_a_long_document_scores_as_its_best_passage_in_every_ranking(model, tmp_path):
    texts = [long_text(9000), *tiny_models.ENGLISH]
    built = Retriever.build(texts, model, tmp_path / "i", window=100)
    for question in ("a mosquito brings malaria", tiny_models.SWAHILI[3]):
        found = built.rank_by_each({"q": question}, 21)
        searched = {name: built.search(question, 21, name) for name in found}
        for name, hits in searched.items():
            assert [hit.doc_id for hit in hits] == list(found[name]["q"])
        explained = built.explain(question, "0").parts
        assert explained.dense == pytest.approx(found["dense"]["q"]["0"], rel=1e-12)
        reranked = {hit.doc_id: hit.score for hit in built.rerank(question, texts)}
        n_tokens = explained.dense / reranked["0"]
        assert n_tokens == pytest.approx(round(n_tokens), rel=1e-3)


def test_one_question_has_one_score_in_search_rank_and_explain(model, tmp_path):
    built = Retriever.build(tiny_models.ENGLISH, model, tmp_path / "i")
    questions = {f"q{at}": text for at, text in enumerate(tiny_models.SWAHILI[:6])}
    runs = built.rank_by_each(questions, 20)
    for query_id, question in questions.items():
        for name in ("dense", "hybrid"):
            searched = {hit.doc_id: hit.score for hit in built.search(question, 20, name)}
            for doc_id, score in list(runs[name][query_id].items())[::5]:
                parts = built.explain(question, doc_id).parts
                assert searched[doc_id] == pytest.approx(score, rel=0, abs=0 if name == "dense" else 1e-5)
                assert getattr(parts, name) == pytest.approx(score, rel=0, abs=0 if name == "dense" else 1e-5)


def test_a_question_longer_than_the_model_reads_is_said(model, tmp_path, caplog):
    built = Retriever.build(tiny_models.ENGLISH, model, tmp_path / "i")
    long = "maji ni safi " * 1000
    hits = built.search(long)
    assert len(hits.notes) == 1
    assert re.fullmatch(
        r"the question has [\d,]+ tokens, the model reads 64: .* left out of the dense score", hits.notes[0]
    )
    assert repr(hits).startswith("note: the question has ")
    assert "<p><bdi>the question has " in hits._repr_html_()
    assert built.search("maji ni safi").notes == built.search(long, ranking="bm25").notes == ()
    built.rank({"a": long, "b": "maji", "c": f"homa {long}"})
    assert "2 of 3 questions are longer than the 64 tokens that the model reads" in caplog.text


def test_a_document_of_100_000_tokens_takes_little_memory(model, tmp_path):
    import tracemalloc

    text = f"{FILLER * 7000}{ANSWER}"
    assert token_counts(model, [text], "document")[0] > 100_000
    Retriever.build([text[:5000]], model, tmp_path / "warm")
    tracemalloc.start()
    built = Retriever.build([("long", text), ("short", "soap")], model, tmp_path / "i")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert built.counts["passages"] > 350
    assert peak < 120e6


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"window": 513}, "the model reads 512 of a document: give 512 or less"),
        ({"window": 5}, "the window is 5 tokens: give 10 or more"),
        ({"window": 100, "stride": 101}, "a stride longer than the window would lose text"),
        ({"stride": -1}, "give 512 or less, or 0"),
    ],
)  # fmt: skip
def test_windows_that_cannot_be_are_refused_before_anything_is_encoded(model, tmp_path, sizes, message):
    with pytest.raises(SettingsError, match=message):
        Retriever.build(["text"], model, tmp_path / "i", **sizes)
    assert not (tmp_path / "i").exists()


def test_an_index_of_format_2_is_added_to(tmp_path):
    old = shutil.copytree(Path(__file__).parents[1] / "old_versions" / "0.1.0", tmp_path / "old")
    retriever = Retriever.open(old / "index", old / "model", device="cpu")
    n_empty = retriever.counts["empty_documents"]
    assert retriever.long_documents == ""
    retriever.add([("long", long_text(9000)), ("none", "")])
    assert retriever.counts["cut_documents"] == 1  # as those before it
    assert retriever.counts["empty_documents"] == n_empty + 1
    assert retriever.index.manifest.format_version == 5
    retriever.delete(["d1"])
    retriever.verify()


# windows of a text


@pytest.mark.parametrize("kind", ["crosslingual", "native", "pylate", "other"])
@pytest.mark.parametrize("size", [20, 40])
def test_windows_cover_a_text_and_fit_the_model(checkpoints, kind, size):
    model = load_model(checkpoints[kind])
    texts = [
        long_text(1000), FILLER.replace(" ", ""), "x" * 300, " " * 300, "", f"{' ' * 300}soap", "ก" * 300,
        "…" * 300, "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 100,
    ]  # fmt: skip
    for text in texts:
        for stride in (None, size):
            windows = list(Windows(model, size, stride).cut(text, head=0))
            assert windows
            assert token_counts(model, [window.of(text) for window in windows], "document").max() <= size
            covered = 0
            for window in windows:
                assert window.start <= covered or not text[covered : window.start].strip()
                covered = max(covered, window.end)
            assert covered >= len(text.rstrip())


def test_a_text_longer_than_a_block_is_cut_at_words(checkpoints):
    windows = Windows(load_model(checkpoints["plain"]))
    for text in (" " * 300_000, f"{' ' * 200_000}soap", f"{FILLER * 2500}{ANSWER}", "soap\n" * 40_000):
        found = list(windows.cut(text))
        covered = 0
        for window in found:
            assert window.start <= covered
            assert window.start == 0 or text[window.start - 1].isspace() or text[window.start].isspace()
            covered = max(covered, window.end)
        assert covered == len(text)
        assert (
            token_counts(
                load_model(checkpoints["plain"]), [each.of(text) for each in found], "document"
            ).max()
            <= 512
        )


def test_later_windows_repeat_the_title(model, tmp_path):
    built = Retriever.build([("d", "Malaria in short", long_text(3000))], model, tmp_path / "i", window=64)
    content = built.document("d").content
    first, *others = [passage.window.of(content) for passage in built.index._passages_of(0)]
    assert first.startswith("Malaria in short The road")
    assert all(other.startswith("Malaria in short ") for other in others)
    long_title = Retriever.build([("d", FILLER * 9, long_text(3000))], model, tmp_path / "j", window=64)
    assert all(passage.window.head == 0 for passage in long_title.index._passages_of(0))


# what an index refuses and counts


def test_ids_that_look_alike_are_refused(model, tmp_path):
    for first, second in (("é", "e\u0301"), ("d1", " d1"), ("d1", "d1\u00a0"), ("\u1e69", "s\u0323\u0307")):
        with pytest.raises(DataError, match="look alike"):
            Retriever.build([(first, "one"), (second, "two")], model, tmp_path / "i")
    built = Retriever.build([("é", "one")], model, tmp_path / "i")
    with pytest.raises(DataError, match="look alike"):
        built.add([("e\u0301", "two")])


def test_an_empty_document_counts_once(model, tmp_path):
    built = Retriever.build([("a", "one"), ("none", ""), ("blank", " \u3000")], model, tmp_path / "i")
    assert built.counts["empty_documents"] == 2
    built.add([("none", ""), ("b", "two")])
    built.add([("other", "")])
    assert built.counts["empty_documents"] == 3
    built.add([("none", "now it has a text")])
    assert built.counts["empty_documents"] == 2
    assert ExactIndex.open(tmp_path / "i").counts["documents"] == 3


def test_a_ranking_that_is_named_twice_is_refused_by_its_name(model, tmp_path):
    built = Retriever.build(["one"], model, tmp_path / "i")
    with pytest.raises(ValueError, match="ranking 'dense' comes twice"):
        built.rank_by_each(["maji"], rankings=["dense", "dense"])
