import json

import pytest
from safetensors.torch import load_file, save_file

import tiny_models


@pytest.fixture
def geometry(opticlir, bitext, checkpoints):
    def run(*words, model=None):
        return opticlir(
            "geometry",
            "--bitext",
            bitext,
            "--language",
            "swa",
            "--model",
            model or checkpoints["plain"],
            *words,
        )

    return run


def test_json_is_one_object_that_follows_from_the_vectors(geometry, bitext):
    bitext.write_text("".join(f"{text}\t{text}\n" for text in tiny_models.ENGLISH))
    found = json.loads(geometry("--json").stdout)
    assert found["pairs"] == 20
    assert found["alignment"] == pytest.approx(0, abs=1e-9), "a sentence is its own translation"
    assert found["cosine_pairs"] == pytest.approx(1)
    assert found["csls_to_english"] == found["csls_from_english"] > 0.5
    assert found["uniformity_english"] == pytest.approx(found["uniformity_foreign"])
    assert found["uniformity_english"] < 0 < found["cosine_margin"]
    assert found["cosine_margin"] == pytest.approx(1 - found["cosine_random"])


def test_a_draw_is_made_once_and_for_all(geometry):
    first, again, other = (geometry("--pairs", 5, "--seed", seed, "--json").stdout for seed in (1, 1, 2))
    assert json.loads(first)["pairs"] == 5
    assert first == again != other
    lines = geometry().stdout.splitlines()
    assert lines[0].startswith("alignment")
    assert lines[-1] == "20 pairs"


def test_what_cannot_be_measured(geometry, bitext, checkpoints, tmp_path):
    model = tiny_models.copy_folder(checkpoints["plain"], tmp_path / "model")
    weights = {
        name: each.fill_(float("nan")) for name, each in load_file(model / "model.safetensors").items()
    }
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    assert "model: sentence 0 has no direction" in geometry(model=model).error
    bitext.write_text("water\tmaji\nwater\tmaji\n")
    assert "pairs.tsv: one sentence pair alone has no geometry: give 2 or more" in geometry().error
    bitext.unlink()
    assert "pairs.tsv: no such file" in geometry().error
    assert "--pairs" in geometry("--pairs", 1).usage
