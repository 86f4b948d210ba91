"""`--model PACK`: a language pack searches as the model does that it was made of."""

import json

import pytest

import tiny_models
from opticlir.encoder import (
    VocabularyConfig,
    cross_lingual_model,
    load_model,
    new_student,
    save_language_pack,
    save_model,
    vocabulary_for,
)


@pytest.fixture
def encoder(tmp_path):
    return tiny_models.save_encoder(tmp_path / "english")


@pytest.fixture
def pack(encoder, tmp_path):
    teacher = load_model(encoder)
    vocabulary = vocabulary_for(teacher, tiny_models.PAIRS, VocabularyConfig(n_pieces=200))
    student = new_student(teacher, vocabulary)
    (tmp_path / "model").mkdir()
    save_model(cross_lingual_model(student, teacher), tmp_path / "model")
    save_language_pack(student, teacher, tmp_path / "pack", language="swa", encoder=encoder)
    return tmp_path / "pack"


@pytest.fixture
def index(opticlir, encoder, tmp_path):
    lines = [json.dumps({"_id": f"d{n}", "text": text}) for n, text in enumerate(tiny_models.ENGLISH)]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    done = opticlir("index", tmp_path / "corpus.jsonl", "--model", encoder, "--out", tmp_path / "index")
    assert done.code == 0, done
    return tmp_path / "index"


def test_a_pack_searches_the_index_of_its_encoder(opticlir, pack, index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)  # the encoder is found from any folder
    ask = "search", index, "chemsha maji kabla ya kunywa", "--json", "--model"
    whole, by_pack = (
        json.loads(opticlir(*ask, model).stdout)["hits"] for model in (tmp_path / "model", pack)
    )
    assert [hit["doc_id"] for hit in by_pack] == [hit["doc_id"] for hit in whole]
    assert len(by_pack) == 10


def test_a_changed_encoder_is_refused(opticlir, pack, index, encoder):
    tiny_models.save_encoder(encoder, seed=1)
    error = opticlir("search", index, "maji", "--model", pack).error
    assert f"{pack} was made for another English encoder than {encoder}" in error


def test_a_lost_encoder_says_where_to_name_it(opticlir, pack, index, encoder):
    encoder.rename(encoder.with_name("moved"))
    error = opticlir("search", index, "maji", "--model", pack).error
    assert f"needs its English encoder '{encoder}'" in error
    assert f"change `encoder` in {pack / 'language_pack.json'}" in error
    manifest = json.loads((pack / "language_pack.json").read_text())
    (pack / "language_pack.json").write_text(
        json.dumps(manifest | {"encoder": str(encoder.with_name("moved"))})
    )
    assert opticlir("search", index, "maji", "--model", pack).code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder": ""}, "does not record its English encoder"),
        ({"format_version": 9}, "format version 9, this opticlir reads 1 and 2"),
        ({"vocabulary": 10**12}, "does not fit its encoder: 1000000000000 tokens"),
        ({"files": {"../secret": ""}}, "is damaged: copy the pack again"),
        ({"colour": "red"}, "is damaged: copy the pack again"),
    ],
)
def test_a_pack_with_a_wrong_manifest_is_refused(opticlir, pack, index, change, message):
    manifest = json.loads((pack / "language_pack.json").read_text())
    (pack / "language_pack.json").write_text(json.dumps(manifest | change))
    assert message in opticlir("search", index, "maji", "--model", pack).error
