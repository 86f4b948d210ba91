import json

import pytest

import tiny_models

LABELS = ["typos 5 %", "typos 10 %", "drop diacritics", "romanised", "drop words 20 %"]
SWITCHED = ["code switch 20 %", "code switch 40 %"]


@pytest.fixture
def robustness(opticlir, tmp_path, checkpoints):
    """Twenty English sentences that are asked for in Swahili, one question with marks on its letters."""
    folder = tmp_path / "data"
    folder.mkdir()
    asked = ["mají ni safi", *tiny_models.SWAHILI[1:]]
    rows = {
        "collection.tsv": [f"d{at}\t\t{text}" for at, text in enumerate(tiny_models.ENGLISH)],
        "queries.swa.tsv": [f"q{at}\t{text}" for at, text in enumerate(asked)],
        "qrels.txt": [f"q{at} 0 d{at} 1" for at in range(len(asked))],
    }
    for name, lines in rows.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def run(*words, name="ntrex-clir"):
        return opticlir(
            "lab", "robustness", name,
            "--data", folder, "--model", checkpoints["crosslingual"], "--language", "swa", *words,
        )  # fmt: skip

    return run


def test_json_is_one_object(robustness, bitext):
    done = json.loads(robustness("--bitext", bitext, "--json").stdout)
    assert (done["queries"], done["documents"], done["measure"]) == (20, 20, "AP")
    assert list(done["changed"]) == [*LABELS, *SWITCHED]
    assert done["changed"]["drop diacritics"] == done["changed"]["romanised"] == 1
    assert done["changed"]["typos 10 %"] == 20
    assert done["changed"]["code switch 40 %"] >= done["changed"]["code switch 20 %"] > 0
    for ranking in ("hybrid", "dense", "bm25"):
        whole = done[ranking]
        assert list(whole["noisy"]) == [*LABELS, *SWITCHED]
        for each in whole["noisy"].values():
            assert 0 <= each["overlap"] <= 1
            if whole["clean"]:
                assert each["relative_drop"] == pytest.approx(1 - each["score"] / whole["clean"])
        # the one question it changes is the same without marks, to an encoder that takes them off
        assert whole["noisy"]["romanised"] == whole["noisy"]["drop diacritics"]


def test_the_clean_score_is_that_of_the_benchmark(robustness, opticlir, tmp_path, checkpoints):
    words = (
        "--data",
        tmp_path / "data",
        "--model",
        checkpoints["crosslingual"],
        "--language",
        "swa",
        "--json",
    )
    expected = json.loads(opticlir("lab", "benchmark", "ntrex-clir", *words).stdout)
    found = json.loads(robustness("--json").stdout)
    assert found["hybrid"]["clean"] == expected["AP"]
    assert found["dense"]["clean"] == expected["dense"]["AP"]


def test_the_table_and_the_picture(robustness, tmp_path):
    done = robustness("--ranking", "dense", "--measure", "RR@10", "--png", tmp_path / "decline.png")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["dense,", "RR@10", "score", "lost", "RBO", "changed"]
    assert lines[1].startswith("no noise")
    assert [line[:22].strip() for line in lines[2:7]] == LABELS
    assert lines[-2].startswith("worst: ")
    assert lines[-1] == "20 queries, 20 documents"
    assert "no words switched to English: give --bitext or --dictionary" in done.stderr
    assert (tmp_path / "decline.png").read_bytes().startswith(b"\x89PNG")


def test_words_are_switched_by_a_dictionary(robustness, tmp_path):
    entries = tmp_path / "entries.tsv"
    entries.write_text("water\tmaji\nchild\tmtoto\n")
    done = json.loads(robustness("--dictionary", entries, "--json").stdout)
    known = [
        text
        for text in ["mají ni safi", *tiny_models.SWAHILI[1:]]
        if {"maji", "mtoto", "mají"} & set(text.split())
    ]
    assert done["changed"]["code switch 40 %"] == len(known)


def test_wrong_usage(robustness, bitext):
    assert "expected hybrid, dense, bm25" in robustness("--ranking", "sparse").usage
    assert "--measure" in robustness("--measure", "APP").usage
    assert "not both" in robustness("--bitext", bitext, "--dictionary", bitext).usage
    assert "unknown benchmark 'ntrex'" in robustness(name="ntrex").error


def test_the_own_document_of_a_question_is_left_out(robustness, tmp_path, caplog):
    """Each question has the id of a document that is not relevant to it; only the other documents are ranked."""
    for name in ("queries.swa.tsv", "qrels.txt"):
        path = tmp_path / "data" / name
        lines = path.read_text().splitlines()[:2]
        path.write_text("".join(line.replace("q0", "d1").replace("q1", "d0") + "\n" for line in lines))
    robustness()
    assert caplog.text.count("2 of 2 queries have the id of a document: that document is left out") == 1
