"""The training report: what it shows, that it never stops a training, and that a resumed run draws the same."""

import json
import logging
import sys

import numpy as np
import pytest
import torch

import tiny_models
from killed_training import PowerCut, power_cut_before
from opticlir.encoder import encode_pieces, new_student, vocabulary_for
from opticlir.encoder.vocabulary import VocabularyConfig
from opticlir.lab.training import distil, make_config
from opticlir.pictures import align_words
from opticlir.records import SentencePair
from opticlir.storage import sha256_file
from opticlir.training.examples import align_examples, example_pairs
from opticlir.training.run_folder import RunFolder
from opticlir.training.training_report import draw_training_report, training_report

PAIRS = tiny_models.PAIRS * 8
training_report_module = sys.modules["opticlir.training.training_report"]


@pytest.fixture(scope="module")
def config(checkpoints):
    return make_config(
        {
            "language": "swa", "teacher": str(checkpoints["plain"]), "batch_size": 20, "steps": 7,
            "checkpoint_steps": 5, "precision": "float32", "dropout": 0.1, "held_out": 3,
            "method": "optical+0.5*contrastive", "words": {"n_pieces": 200, "min_piece_frequency": 2},
        },
        source="test",
    )  # fmt: skip


@pytest.fixture
def student(teacher):
    words = VocabularyConfig(n_pieces=200, min_piece_frequency=2)
    return new_student(teacher, vocabulary_for(teacher, tiny_models.PAIRS, words))


def weights(out):
    return sha256_file(out / "query_0_Transformer" / "model.safetensors")


def examples(out):
    return {line["step"]: line["examples"] for line in RunFolder(out).report_log.read() if "examples" in line}


def test_the_report_shows_curves_and_the_alignment_of_held_out_pairs_at_each_evaluation(config, tmp_path):
    distil(config, PAIRS, tmp_path)
    report = (tmp_path / "run" / "report.html").read_text()
    for part in ("optical", "contrastive", "loss", "RR", "accuracy", "pairs per second"):
        assert f">{part} " in report, part
    for step in (0, 5, 7):
        assert report.count(f"step {step}: cosine distance") == 3
    assert "A query encoder for Swahili" in report
    assert "http" not in report.replace("http-equiv", "")
    found = examples(tmp_path)
    assert list(found) == [0, 5, 7]
    for example in found[7]:
        foreign, english = example["texts"]
        assert SentencePair(english, foreign) in tiny_models.PAIRS
        assert "".join(example["foreign"]) == foreign.replace(" ", "")
        assert example["english"] == english.split()
        assert np.sum(example["plan"]) == pytest.approx(1, abs=0.02)


def test_the_plans_are_those_of_the_student_as_it_stands_against_the_cached_teacher(student, teacher):
    (pair,) = tiny_models.PAIRS[2:3]
    student.train()
    (example,) = align_examples([pair], student, teacher)
    assert student.training
    student.eval()
    expected = align_words(
        encode_pieces(student, pair.foreign, "query"), encode_pieces(teacher, pair.english, "query")
    )
    np.testing.assert_allclose(example["plan"], expected.plan, atol=1e-5)
    assert example["cost"] == pytest.approx(expected.cost, abs=1e-5)


def test_examples_are_the_pairs_nearest_to_ten_words_in_their_order(student):
    long = SentencePair("the child " * 20, "mtoto " * 20)
    empty = SentencePair("\u200b", "\u200b")
    nine = SentencePair("drink the medicine twice a day in the morning", "kunywa dawa")
    pairs = [empty, long, *tiny_models.PAIRS[:2], nine]
    assert example_pairs(pairs, student) == [tiny_models.PAIRS[0], tiny_models.PAIRS[1], nine]
    assert example_pairs([empty], student) == [empty]
    assert align_examples([empty], student, student) == []
    assert example_pairs([], student) == []


def test_right_to_left_words_keep_their_direction_to_themselves(config, tmp_path):
    arabic = [SentencePair(english, "ماء نظيف للطفل") for english in tiny_models.ENGLISH] * 8
    distil(config, arabic, tmp_path)
    report = (tmp_path / "run" / "report.html").read_text()
    assert '<th scope="row"><bdi>ماء</bdi></th>' in report
    assert "<h3><bdi>ماء نظيف للطفل</bdi></h3>" in report


def test_without_held_out_pairs_there_are_curves_alone(config, tmp_path):
    distil(config, tiny_models.PAIRS, tmp_path)
    report = (tmp_path / "run" / "report.html").read_text()
    assert ">optical " in report
    assert "Alignment of" not in report


def test_the_report_does_not_touch_the_weights(config, tmp_path, monkeypatch):
    distil(config, PAIRS, tmp_path / "with")
    with monkeypatch.context() as patch:
        patch.setattr(training_report_module, "align_examples", lambda *_: [])
        distil(config, PAIRS, tmp_path / "without")
    assert weights(tmp_path / "with") == weights(tmp_path / "without")


@pytest.mark.parametrize("moment", [0, 3, 5, 6])
def test_a_resumed_run_draws_the_report_of_an_unbroken_one(config, memory_path, moment, unbroken_report):
    """Killed at each step: the same evaluations, the same alignments; only the speed is of this machine and hour."""
    with power_cut_before(moment), pytest.raises(PowerCut):
        distil(config, PAIRS, memory_path)
    distil(config, PAIRS, memory_path)
    assert examples(memory_path) == unbroken_report[0]
    assert speedless_report(memory_path) == unbroken_report[1]


@pytest.fixture(scope="module")
def unbroken_report(config, tmp_path_factory):
    out = tmp_path_factory.mktemp("unbroken")
    distil(config, PAIRS, out)
    return examples(out), speedless_report(out)


def speedless_report(out):
    log = out / "run" / "report.jsonl"
    lines = [line for line in map(json.loads, log.read_text().splitlines()) if "examples" in line]
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return training_report(RunFolder(out))


@pytest.mark.parametrize("broken", ["training_report", "align_examples"])
def test_what_fails_in_a_picture_stops_no_training(config, tmp_path, monkeypatch, caplog, broken):
    distil(config, PAIRS, tmp_path / "whole")

    def fail(*_):
        torch.rand(3)  # draws, as a library might
        raise RuntimeError("no ink")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="opticlir"):
        patch.setattr(training_report_module, broken, fail)
        assert distil(config, PAIRS, tmp_path / "broken").is_finished
    assert "the training report was not updated: RuntimeError: no ink" in caplog.text
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")


def test_a_report_that_is_gone_is_drawn_again_by_the_same_command(config, tmp_path):
    distil(config, PAIRS, tmp_path)
    report = tmp_path / "run" / "report.html"
    before = report.read_text()
    report.unlink()
    distil(config, PAIRS, tmp_path)
    assert report.read_text() == before


def test_a_damaged_record_is_a_warning(tmp_path, caplog):
    run = RunFolder(tmp_path)
    run.folder.mkdir()
    (run.folder / "run.json").write_text("{")
    draw_training_report(run)
    assert "run.json is damaged" in caplog.text
    assert not run.report.exists()
