import json

import pytest
from safetensors.torch import load_file, save_file

import tiny_models


@pytest.fixture
def geometry(opticlir, bitext, checkpoints):
    def run(*words, model=None):
        return opticlir(
            "lab",
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
    assert found["language_identity"] == 0.5, "a sentence and itself are told alike"
    assert "layers" not in found


def test_layers(geometry, bitext, tmp_path):
    bitext.write_text("".join(f"{text}\t{text}\n" for text in tiny_models.ENGLISH))
    done = geometry("--layers", "--html", tmp_path / "layers.html", "--json")
    found = json.loads(done.stdout)
    assert len(found["layers"]) == 3, "word embeddings and two layers"
    assert found["layers"][-1]["uniformity_cross"] == pytest.approx(found["uniformity_cross"], abs=1e-5)
    assert all(each["alignment"] == pytest.approx(0, abs=1e-9) for each in found["layers"])
    page = (tmp_path / "layers.html").read_text()
    assert page.count("<polyline") == 6
    assert ">layer</text>" in page
    lines = geometry("--layers").stdout.splitlines()
    assert lines[-4].split()[:2] == ["layer", "alignment"]
    assert [line.split()[0] for line in lines[-3:]] == ["0", "1", "2"]


def test_layers_of_encoders_that_are_not_alike(geometry, checkpoints, monkeypatch):
    from opticlir import encoder

    whole = encoder.layer_vectors
    monkeypatch.setattr(
        encoder, "layer_vectors", lambda *words: whole(*words)[: 2 if words[2] == "query" else 3]
    )
    assert "have 2 layers of 32 and 3 layers of 32 dimensions" in geometry("--layers").error
    assert "--html" in geometry("--html", "x.html").usage


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
