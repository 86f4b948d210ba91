import json

import pytest
from safetensors.torch import load_file, save_file

import tiny_models


@pytest.fixture
def word_alignment(opticlir, tmp_path, checkpoints):
    """Every sentence is its own translation, and word n translates word n."""
    bitext, gold = tmp_path / "test.tsv", tmp_path / "test.gold"
    bitext.write_text("".join(f"{text}\t{text}\n" for text in tiny_models.ENGLISH))
    rows = [" ".join(f"{n}-{n}" for n in range(len(text.split()))) for text in tiny_models.ENGLISH]
    gold.write_text("".join(f"{row}\n" for row in rows))

    def run(*words, model=None):
        return opticlir(
            "lab", "word-alignment", "--bitext", bitext, "--gold", gold, "--language", "swa",
            "--model", model or checkpoints["plain"], *words,
        )  # fmt: skip

    return run


def test_a_text_is_aligned_with_itself(word_alignment):
    found = json.loads(word_alignment("--json").stdout)
    assert found["pairs"] == 20
    assert found["words_without_vector"] == 0
    for rule in ("intersection", "threshold", "nearest"):
        assert found[rule]["AER"] < 0.05, "the same vectors on both sides"
        assert found[rule]["precision"] > 0.95
    assert found["intersection"]["links"] == pytest.approx(
        sum(len(text.split()) for text in tiny_models.ENGLISH), abs=3
    )


def test_the_table(word_alignment):
    lines = word_alignment("--threshold", 1.0).stdout.splitlines()
    assert lines[0].split() == ["precision", "recall", "AER", "links"]
    assert [line[:14] for line in lines[1:4]] == ["plan, most of ", "plan, a share ", "no plan, neare"]
    assert lines[4].startswith("20 pairs, ")


def test_numbers_are_of_the_side_that_is_named(word_alignment, tmp_path):
    (tmp_path / "test.tsv").write_text("the clean water\tmaji safi\n")
    (tmp_path / "test.gold").write_text("2-0 1-1\n")
    assert json.loads(word_alignment("--json").stdout)["pairs"] == 1
    assert "names word 2 of the foreign side" in word_alignment("--foreign-first").error


def test_words_behind_the_limit_are_counted(word_alignment, tmp_path):
    (tmp_path / "test.tsv").write_text(f"water\t{'water ' * 70}\n")
    (tmp_path / "test.gold").write_text("0-0\n")
    done = word_alignment("--json")
    assert json.loads(done.stdout)["words_without_vector"] == 70 - 62
    assert "8 words have no vector" in word_alignment().stderr


def test_what_cannot_be_scored(word_alignment, tmp_path, checkpoints):
    model = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    weights = {
        name: each.fill_(float("nan")) for name, each in load_file(model / "model.safetensors").items()
    }
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    assert (
        "model: a vector of the foreign text 'the water is clean' is not finite"
        in word_alignment(model=model).error
    )
    (tmp_path / "test.gold").write_text("0-0\n")
    assert "test.gold: 1 lines of links for 20 sentence pairs" in word_alignment().error
    (tmp_path / "test.tsv").write_text("water\tmaji\nwater\t\n")
    assert "test.tsv: 1 with an empty side (first: " in word_alignment().error
    (tmp_path / "test.gold").unlink()
    assert "--gold" in word_alignment().usage
