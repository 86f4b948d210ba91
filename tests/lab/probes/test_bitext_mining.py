"""Rankings and pairs of one collection by one model, without the command line around them."""

import tiny_models
from opticlir.lab.collections.bucc import ComparableCorpora
from opticlir.lab.probes import bitext_mining
from opticlir.lab.probes.bitext_mining import run_mining
from opticlir.records import Document, Query


def test_mining_says_of_both_sides_how_far_it_is_to_the_end(teacher, monkeypatch):
    monkeypatch.setattr(bitext_mining, "CHUNK", 2)
    texts = tiny_models.ENGLISH[:4]
    corpora = ComparableCorpora(
        name="de-en",
        foreign=[Query(f"de-{row}", text, "deu") for row, text in enumerate(texts)],
        english=[Document(f"en-{row}", text) for row, text in enumerate(texts[:3])],
        gold=[(f"de-{row}", f"en-{row}") for row in range(3)],
    )
    told = []
    mined, gold = run_mining(corpora, teacher, progress=lambda *event: told.append(event))
    assert {(pair.foreign, pair.english) for pair in mined} >= gold == {(0, 0), (1, 1), (2, 2)}
    foreign, english = "encoding the foreign side", "encoding the English side"
    assert told == [
        (foreign, 0, 4), (foreign, 2, 4), (foreign, 4, 4), (english, 0, 3), (english, 2, 3), (english, 3, 3)
    ]  # fmt: skip
