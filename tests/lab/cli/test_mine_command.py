import json

import pytest

import tiny_models


@pytest.fixture
def corpora(tmp_path):
    """BUCC where the model's own language stands on both sides: even sentences come again, odd ones do not."""

    def write(split="training", n=20, gold=None):
        folder = tmp_path / "bucc2018" / "de-en"
        folder.mkdir(parents=True, exist_ok=True)
        foreign = [f"de-{row}\t{text}\n" for row, text in enumerate(tiny_models.ENGLISH[:n])]
        english = [f"en-{row}\t{text}\n" for row, text in enumerate(tiny_models.ENGLISH[:n]) if not row % 2]
        pairs = gold or [f"de-{row}\ten-{row}\n" for row in range(0, n, 2)]
        for side, lines in (("de", foreign), ("en", english), ("gold", pairs)):
            (folder / f"de-en.{split}.{side}").write_text("".join(lines))
        return tmp_path

    return write


@pytest.fixture
def mine(opticlir, checkpoints):
    def run(data, *words):
        return opticlir(
            "lab", "mine", "--data", data, "--model", checkpoints["plain"], "--language", "deu", *words
        )

    return run


def test_what_comes_again_is_found(mine, corpora, tmp_path):
    done = mine(corpora(), "--out", tmp_path / "mined.tsv", "--json")
    found = json.loads(done.stdout)
    assert (found["foreign"], found["english"], found["gold"]) == (20, 10, 10)
    assert found["f1"] == found["precision"] == found["recall"] == 1
    assert found["threshold_of"] == "training"
    pairs = [line.split("\t") for line in (tmp_path / "mined.tsv").read_text().splitlines()]
    assert sorted(pairs) == sorted([text, text] for text in tiny_models.ENGLISH[:20:2])


def test_the_threshold_of_another_split(mine, corpora):
    corpora("sample", n=6, gold=["de-0\ten-0\n"])
    chosen = json.loads(mine(corpora(), "--split", "sample", "--json").stdout)["threshold"]
    found = json.loads(mine(corpora(), "--threshold-split", "sample", "--json").stdout)
    assert found["threshold"] == chosen
    assert found["threshold_of"] == "sample"


def test_for_people(mine, corpora):
    lines = mine(corpora()).stdout.splitlines()
    assert lines[0] == "F1 1.0000  precision 1.0000  recall 1.0000"
    assert lines[1].endswith("the best threshold of training")
    assert lines[2] == "10 translations in 20 and 10 sentences"


def test_a_sentence_that_cannot_be_seen_is_refused_with_its_line(mine, corpora):
    folder = corpora()
    with (folder / "bucc2018/de-en/de-en.training.de").open("a") as file:
        file.write("de-empty\t\u200b\n")
    done = mine(folder, "--json")
    assert done.code == 1
    assert "de-en.training.de:21: query 'de-empty' has no text" in done.stderr


@pytest.mark.parametrize(
    ("gold", "message"),
    [
        ("de-99\ten-0\n", r"de-en.training.gold:1: sentence 'de-99' is not in"),
        ("de-0\ten-1\n", r"de-en.training.gold:1: sentence 'en-1' is not in"),
        ("de-0\n", r"de-en.training.gold:1: expected 2 columns"),
    ],
)
def test_gold_of_other_corpora(mine, corpora, gold, message):
    done = mine(corpora(gold=[gold]))
    assert done.code == 1
    assert message in done.stderr


def test_corpora_that_are_not_there(mine, tmp_path):
    done = mine(tmp_path)
    assert done.code == 1
    assert "comparable.limsi.fr/bucc2018" in done.stderr
