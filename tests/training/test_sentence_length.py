"""While training, both sides of a pair are read whole: a query route is made for questions."""

import json
import logging

import numpy as np
import pytest
import torch

import tiny_models
from opticlir import maxsim
from opticlir.encoder import encode_queries, load_model, new_student, token_counts, transformer_of
from opticlir.records import SentencePair
from opticlir.training import distil, make_config
from opticlir.training.events import SentencesCounted
from opticlir.training.sentence_length import cut_sentences, sentence_tokens, whole_sentences

LONG = " ".join(tiny_models.ENGLISH[:6])  # longer than 12 tokens, the query of the ColBERT checkpoints
LONGER = " ".join(tiny_models.ENGLISH)  # longer than 40, their document


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OPTICLIR_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("kind", ["stanford", "pylate", "native", "plain", "crosslingual"])
def test_a_sentence_is_read_whole_and_a_question_as_before(checkpoints, kind):
    model = load_model(checkpoints[kind])
    before = [encode_queries(model, [text])[0] for text in ("soap", LONG, LONGER)]
    with whole_sentences(model, new_student(model), model):
        within = [encode_queries(model, [text])[0] for text in ("soap", LONG, LONGER)]
        if kind in ("stanford", "pylate"):  # no token is left out of their queries
            assert [len(matrix) for matrix in within] == [12, token_counts(model, [LONG], "query")[0], 40]
            assert len(before[1]) == 12
    after = [encode_queries(model, [text])[0] for text in ("soap", LONG, LONGER)]
    np.testing.assert_allclose(within[0], before[0], atol=1e-6)
    assert len(within[2]) >= len(before[2])
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)


def test_lengths_are_restored_after_an_error(checkpoints):
    model = load_model(checkpoints["stanford"])
    transformer = transformer_of(model, "query")
    before = transformer.query_length, transformer.query_expansion

    def fail():
        with whole_sentences(model):
            assert transformer.query_expansion["strategy"] == "min"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (transformer.query_length, transformer.query_expansion) == before


def test_cut_sentences_are_counted_by_side(checkpoints):
    teacher, student = load_model(checkpoints["stanford"]), load_model(checkpoints["other"])
    english = ["soap", LONG, LONGER]
    found = cut_sentences(student, teacher, ["maji", LONGER * 20, LONGER * 20], english)
    assert (found.n_pairs, found.english, found.foreign) == (3, 1, 2)
    assert (
        (found.english_tokens, found.foreign_tokens)
        == (sentence_tokens(teacher), sentence_tokens(student))
        == (40, 512)
    )


def test_a_training_reads_long_sentences_and_says_which_it_cuts(checkpoints, tmp_path, caplog):
    pairs = [*tiny_models.PAIRS, SentencePair(LONG, LONG), SentencePair(LONGER, LONGER)] * 3
    config = make_config(
        {"language": "swa", "teacher": str(checkpoints["stanford"]), "steps": 2, "batch_size": 8},
        source="test",
    )
    events = []
    with caplog.at_level(logging.WARNING):
        distil(config, pairs, tmp_path / "out", on_event=events.append)
    (cut,) = [event.cut for event in events if isinstance(event, SentencesCounted)]
    assert (cut.n_pairs, cut.english, cut.english_tokens) == (66, 3, 40)
    assert "3 English sides are longer than 40 tokens" in caplog.text
    assert json.loads((tmp_path / "out" / "run" / "cut.json").read_text())["english"] == 3
    assert (
        "3 English sides are longer than 40 tokens" in (tmp_path / "out" / "run" / "report.html").read_text()
    )
    saved, teacher = load_model(tmp_path / "out"), load_model(checkpoints["stanford"])
    for task in ("query", "document"):
        trained, untrained = transformer_of(saved, task), transformer_of(teacher, task)
        assert trained.query_length == untrained.query_length
        assert trained.query_expansion == untrained.query_expansion
        assert trained.document_length == untrained.document_length


def test_a_training_without_long_sentences_warns_of_nothing(checkpoints, tmp_path, caplog):
    config = make_config({"language": "swa", "teacher": str(checkpoints["plain"]), "steps": 0}, source="test")
    distil(config, tiny_models.PAIRS * 3, tmp_path / "out")
    assert "longer than" not in caplog.text
    assert (
        "0 English sides are longer than 512 tokens" in (tmp_path / "out" / "run" / "report.html").read_text()
    )


def test_maxsim_in_blocks_is_maxsim(monkeypatch):
    torch.manual_seed(0)
    queries, documents = torch.randn(5, 3, 4), torch.randn(6, 7, 4)
    masks = torch.rand(5, 3) > 0.3, torch.rand(6, 7) > 0.3

    def scored():
        inputs = [queries.clone().requires_grad_(), documents.clone().requires_grad_()]
        scores = maxsim.maxsim(inputs[0], masks[0], inputs[1], masks[1])
        finite = scores.masked_fill(~scores.isfinite(), 0.0)
        (finite**2).sum().backward()
        return scores, inputs[0].grad, inputs[1].grad

    whole = scored()
    monkeypatch.setattr(maxsim, "_SIMILARITIES", 2 * 3 * 6 * 7)
    for first, second in zip(whole, scored(), strict=True):
        torch.testing.assert_close(first, second)
