import math

import bm25s
import numpy as np
import pytest

from opticlir.search.grams import GramWriter, StoredGrams, character_grams
from opticlir.search.lexical import K1, B, LexicalIndex, LiveWeights

TEXTS = ["Michael Jackson was a singer", "the singer sang", "Kampala is the capital of Uganda", "..."]


def build(folder, texts):
    writer = GramWriter(folder)
    for text in texts:
        writer.append(text)
    counts = StoredGrams(folder, len(texts), writer.finish())
    return LexicalIndex(LiveWeights([(counts, np.arange(len(texts)))]))


@pytest.mark.parametrize(
    ("text", "grams"),
    [
        ("", []),
        (" .,!? ", []),
        ("a", ["<a>"]),
        ("abc", ["<abc>"]),
        ("abcd", ["<abcd", "abcd>"]),
        ("ABC-abc", ["<abc>", "<abc>"]),
        ("Straße", ["<stra", "stras", "trass", "rasse", "asse>"]),
        ("ﬁn", ["<fin>"]),
        ("ọ́jọ́", ["<ojo>"]),
        ("हिन्दी", ["<hind", "hindi", "indi>"]),
        ("می\u200cروم", ["<myrw", "myrwm", "yrwm>"]),  # a joiner separates nothing
        ("Обама", ["<obam", "obama", "bama>"]),
        ("კამპალა", ["<kamp", "kampa", "ampal", "mpala", "pala>"]),  # k'amp'ala
        ("don't", ["<don>", "<t>"]),
        ("北京", ["<beij", "beiji", "eijin", "ijing", "jing>"]),
        ("\U000e0001\u0378", []),  # a tag, and a code point that is no letter
        ("BBC2", ["<bbc2", "bbc2>"]),
    ],
)
def test_grams(text, grams):
    assert list(character_grams(text)) == grams


def test_grams_do_not_depend_on_the_normal_form():
    assert list(character_grams("Café")) == list(character_grams("Cafe\u0301"))


def test_a_name_is_found_across_scripts(tmp_path):
    index = build(tmp_path, TEXTS)
    for name in ("Кампала", "काम्पाला", "ካምፓላ", "კამპალა"):
        assert index.scores([name])[0].argmax() == 2, name


def test_scores_are_those_of_bm25s(tmp_path):
    """Lucene's BM25 on the same grams, repeated query grams counted each time."""
    peer = bm25s.BM25(k1=K1, b=B)
    peer.index([list(character_grams(text)) for text in TEXTS], show_progress=False)
    queries = ["Micheal Jackson singer singer", "Kampala", "unknown zebra"]
    found = build(tmp_path, TEXTS).scores(queries)
    for query, row in zip(queries, found, strict=True):
        known = [gram for gram in character_grams(query) if gram in peer.vocab_dict]
        expected = peer.get_scores(known) if known else np.zeros(len(TEXTS))
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    assert found[0].argmax() == 0
    assert found[2].tolist() == [0, 0, 0, 0]


def test_one_score_by_hand(tmp_path):
    """Gram <ab> in one of two documents of one gram: idf ln(1 + 1.5/1.5), tf 1 / (1 + .9)."""
    scores = build(tmp_path, ["ab", "cd"]).scores(["AB"])
    assert scores[0].tolist() == [pytest.approx(math.log(2) / 1.9), 0.0]


def test_nothing_to_index_and_nothing_asked(tmp_path):
    index = build(tmp_path, ["...", "!"])
    assert index.scores(["abc", ""]).tolist() == [[0, 0], [0, 0]]
    assert index.scores([]).shape == (0, 2)


def test_equal_documents_score_equally_wherever_they_stand(tmp_path):
    index = build(tmp_path, [*TEXTS, *TEXTS[::-1]])
    scores = index.scores(["michael the singer of kampala"])[0]
    assert scores[:4].tolist() == scores[4:][::-1].tolist()


def test_no_file_is_a_pickle(tmp_path):
    build(tmp_path, TEXTS)
    for path in tmp_path.iterdir():
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)
    assert {path.suffix for path in tmp_path.iterdir()} == {".npy", ".json", ".bin"}
