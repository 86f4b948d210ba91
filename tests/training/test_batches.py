from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from opticlir.encoder import encode_queries, transformer_of
from opticlir.training.batches import BitextCollator, LengthBuckets, n_tokens, pad_tokens
from opticlir.training.teacher_cache import TeacherCache


def buckets_for(weights, *, lengths=None, batch_size=4, seed=0, n_runs=1):
    weights = np.array(weights, dtype=np.float64)
    lengths = np.arange(len(weights)) if lengths is None else lengths
    return LengthBuckets(
        np.array(lengths, dtype=np.int64), weights, batch_size=batch_size, seed=seed, n_runs=n_runs
    )


def epoch_of(buckets, epoch):
    buckets.set_epoch(epoch)
    return list(buckets)


@given(
    weights=st.lists(st.integers(1, 5), min_size=1, max_size=60),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 5),
    epoch=st.integers(0, 5),
    n_runs=st.integers(0, 5),
)
@settings(max_examples=150, deadline=None)
def test_every_pair_comes_exactly_as_often_as_its_weight_says(weights, batch_size, seed, epoch, n_runs):
    buckets = buckets_for(weights, batch_size=batch_size, seed=seed, n_runs=n_runs)
    batches = epoch_of(buckets, epoch)
    assert Counter(pair for batch in batches for pair in batch) == dict(enumerate(weights))
    assert len(batches) == len(buckets)
    sizes = {len(batch) for batch in batches}
    assert 1 <= min(sizes) <= max(sizes) <= batch_size
    assert max(sizes) - min(sizes) <= 1


@given(
    weights=st.lists(st.floats(0.01, 3), min_size=1, max_size=60),
    batch_size=st.integers(1, 9),
    epoch=st.integers(0, 9),
)
@settings(max_examples=150, deadline=None)
def test_a_fractional_weight_is_rounded_up_or_down_and_every_epoch_has_as_many_batches(
    weights, batch_size, epoch
):
    buckets = buckets_for(weights, batch_size=batch_size)
    batches = epoch_of(buckets, epoch)
    counts = Counter(pair for batch in batches for pair in batch)
    for pair, weight in enumerate(weights):
        assert np.floor(weight) <= counts[pair] <= np.floor(weight) + 1
    assert sum(weights) - 1e-5 <= sum(counts.values()) < sum(weights) + 1 + 1e-5
    assert sum(counts.values()) == sum(map(len, epoch_of(buckets, epoch + 1)))
    assert len(batches) == len(buckets)
    assert all(1 <= len(batch) <= batch_size for batch in batches)


def test_fractional_weights_are_met_on_average():
    weights = [0.2, 0.5, 1.3, 2.0, 0.9] * 4
    buckets = buckets_for(weights)
    counts = Counter(pair for epoch in range(2000) for batch in epoch_of(buckets, epoch) for pair in batch)
    # 2000 draws: the standard error of a mean is at most .011; and 8 pairs are drawn for shares of 7.6
    for pair, weight in enumerate(weights):
        assert counts[pair] / 2000 == pytest.approx(weight, abs=0.07)
    assert sum(counts.values()) == 2000 * (4 * 3 + 8)


def test_a_pair_of_weight_0_is_never_drawn():
    batches = epoch_of(buckets_for([1, 0, 2, 0, 0.5]), 0)
    assert {pair for batch in batches for pair in batch} == {0, 2, 4}


def test_the_order_follows_from_seed_and_epoch_alone():
    weights = [1, 2, 1.5, 1] * 10
    there, back = buckets_for(weights, seed=3), buckets_for(weights, seed=3)
    first = {epoch: epoch_of(there, epoch) for epoch in (0, 1, 2)}
    np.random.default_rng().random(5)
    assert {epoch: epoch_of(back, epoch) for epoch in (2, 0, 1)} == first
    assert first[0] != first[1]
    assert epoch_of(buckets_for(weights, seed=4), 0) != first[0]


def test_lengths_are_alike_within_a_batch():
    lengths = np.random.default_rng(0).integers(1, 100, size=400)
    batches = epoch_of(buckets_for([1] * 400, lengths=lengths, batch_size=10), 0)
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 15  # by chance it would be about 81
    starts = [lengths[batch].min() for batch in batches]
    assert starts != sorted(starts)  # short and long ones in turn


def test_a_batch_of_runs_has_short_and_long_pairs_and_each_run_is_alike_in_length():
    lengths = np.random.default_rng(0).integers(1, 100, size=800)
    batches = epoch_of(buckets_for([1] * 800, lengths=lengths, batch_size=20, n_runs=4), 0)
    for batch in batches:
        found = lengths[batch]
        assert found.tolist() == sorted(found)
        assert found[4] < 33 < 66 < found[-5]  # a quarter each from the quarters of a pool
        assert abs(found.mean() - lengths.mean()) < 12
    runs = [run for batch in batches for run in np.split(lengths[batch], 4)]
    assert (
        np.mean([np.ptp(run) for run in runs]) < 4
    )  # 25 pairs of 100 lengths in 20 runs: by chance about 24


def test_a_bitext_smaller_than_a_batch_is_one_batch():
    buckets = buckets_for([1, 1, 1], batch_size=64)
    assert len(buckets) == 1
    assert [sorted(batch) for batch in epoch_of(buckets, 0)] == [[0, 1, 2]]


# the tokens


def test_tokens_are_counted_without_markers_and_a_few_texts_at_a_time(teacher, monkeypatch):
    tokenizer = transformer_of(teacher, "query").tokenizer
    texts = ["", *tiny_models.ENGLISH[:4]]
    monkeypatch.setattr("opticlir.training.batches._CHUNK", 2)
    found = n_tokens(tokenizer, texts)
    assert found.dtype == np.int64
    assert found.tolist() == [len(tokenizer.tokenize(text)) for text in texts]
    assert n_tokens(tokenizer, []).tolist() == []


# the collator


@pytest.fixture
def collator(teacher, tmp_path):
    tokens = TeacherCache(tmp_path, teacher).encode(tiny_models.ENGLISH)
    return BitextCollator(
        preprocess_fn=teacher.preprocess, texts=tiny_models.SWAHILI, teacher_tokens=tokens, prompt=None
    )


def test_a_batch_holds_both_sides_of_its_pairs(collator, teacher):
    batch = collator([{"pair": 1}, {"pair": 0}, {"pair": 14}])
    tokenizer = transformer_of(teacher, "query").tokenizer
    expected = tokenizer(
        [tiny_models.SWAHILI[pair] for pair in (1, 0, 14)], padding=True, return_tensors="pt"
    )
    assert torch.equal(batch.foreign["input_ids"], expected["input_ids"])
    assert torch.equal(batch.foreign["attention_mask"], expected["attention_mask"])
    assert batch.pairs.tolist() == [1, 0, 14]
    english = encode_queries(teacher, [tiny_models.ENGLISH[pair] for pair in (1, 0, 14)])
    assert batch.teacher_mask.sum(dim=1).tolist() == [len(matrix) for matrix in english]
    for tokens, mask, matrix in zip(batch.teacher_tokens, batch.teacher_mask, english, strict=True):
        np.testing.assert_allclose(tokens[mask], matrix, atol=2e-3)  # kept as float16
        assert not tokens[~mask].any()


def test_the_prompt_stands_before_the_foreign_side(collator, teacher):
    collator.prompt = "soap "
    first = transformer_of(teacher, "query").tokenizer.convert_tokens_to_ids("soap")
    assert collator([{"pair": 0}]).foreign["input_ids"][0, 1] == first


def test_tokens_are_at_unit_length_whatever_half_precision_made_of_them():
    rng = np.random.default_rng(0)
    matrices = [rng.standard_normal((length, 8)).astype(np.float16) for length in (3, 1, 5)]
    tokens, mask = pad_tokens(matrices)
    assert tokens.dtype == torch.float32
    assert mask.tolist() == [[number < length for number in range(5)] for length in (3, 1, 5)]
    torch.testing.assert_close(tokens.norm(dim=2), mask.float())


def test_a_side_without_tokens_is_all_padding():
    tokens, mask = pad_tokens([np.zeros((0, 4), np.float16), np.ones((2, 4), np.float16)])
    assert mask.tolist() == [[False, False], [True, True]]
    assert not tokens[0].any()
    tokens, mask = pad_tokens([np.zeros((0, 4), np.float16)])
    assert tokens.shape[0] == mask.shape[0] == 1
    assert not mask.any()


def test_batches_are_drawn_evenly_over_the_lengths():
    lengths = np.random.default_rng(1).integers(1, 100, size=800)
    buckets = LengthBuckets(lengths, np.ones(800), batch_size=8, seed=0)
    (short, *_, long) = means = [lengths[batch].mean() for batch in buckets.spread(4)]
    assert means == sorted(means)
    assert short < 30
    assert long > 70
    assert np.mean(means) == pytest.approx(lengths.mean(), rel=0.1)
    assert len(LengthBuckets(lengths[:5], np.ones(5), batch_size=8, seed=0).spread(4)) == 4
