import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from opticlir.encoder import load_model
from opticlir.training.length_runs import encode_in_runs

DIM = 3


def positions(inputs, _cut=None):
    """An encoder whose vectors say which token they are of."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    return ids[:, :, None].expand(-1, -1, DIM).float() * mask[:, :, None], mask.bool()


def batch(lengths, *, padding_side="right"):
    width = max(lengths)
    starts = [width - length if padding_side == "left" else 0 for length in lengths]
    mask = torch.tensor(
        [
            [int(start <= column < start + length) for column in range(width)]
            for start, length in zip(starts, lengths, strict=True)
        ]
    )
    return {"input_ids": torch.arange(1, mask.numel() + 1).reshape(mask.shape), "attention_mask": mask}


@given(
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any),
    n_runs=st.integers(1, 15),
    padding_side=st.sampled_from(["left", "right"]),
)
@settings(deadline=None)
def test_the_vectors_are_those_of_the_batch_in_their_places(lengths, n_runs, padding_side):
    inputs = batch(lengths, padding_side=padding_side)
    tokens, mask = encode_in_runs(positions, inputs, n_runs)
    expected_tokens, expected_mask = positions(inputs)
    assert torch.equal(tokens, expected_tokens)
    assert torch.equal(mask, expected_mask)


@pytest.mark.parametrize(("padding_side", "first_columns"), [("right", [0, 0, 0]), ("left", [7, 4, 0])])
def test_a_run_is_padded_to_its_own_longest_text(padding_side, first_columns):
    shapes, cuts = [], []
    whole = batch([1, 2, 2, 5, 8, 9], padding_side=padding_side)

    def encode(inputs, cut):
        shapes.append(tuple(inputs["attention_mask"].shape))
        cuts.append(cut)
        assert inputs["task"] == "query"
        assert torch.equal(inputs["input_ids"], whole["input_ids"][cut])
        return positions(inputs)

    encode_in_runs(encode, {**whole, "task": "query"}, 3)
    assert shapes == [(2, 2), (2, 5), (2, 9)]
    assert [rows.tolist() for rows, _ in cuts] == [[0, 1], [2, 3], [4, 5]]
    assert [columns.start for _, columns in cuts] == first_columns


@pytest.mark.parametrize("kind", ["plain", "native", "pylate", "stanford"])
@pytest.mark.parametrize("n_runs", [1, 2, 5])
def test_a_model_reads_runs_as_it_reads_the_batch(checkpoints, kind, n_runs):
    model = load_model(checkpoints[kind])
    texts = sorted(tiny_models.ENGLISH, key=len)
    inputs = model.preprocess(texts, task="query")

    def encode(part, _cut=None):
        encoded = model(part, task="query")
        return encoded["token_embeddings"], encoded["attention_mask"].bool()

    with torch.no_grad():
        whole, mask = encode(dict(inputs))
        tokens, kept = encode_in_runs(encode, inputs, n_runs)
    assert torch.equal(kept, mask)
    torch.testing.assert_close(tokens[kept], whole[mask], atol=1e-5, rtol=1e-4)
