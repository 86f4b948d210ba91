"""Each objective: a case worked by hand, laws it keeps, a slow twin or another library's own arithmetic."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from sentence_transformers.multi_vector_encoder.losses import MultiVectorMultipleNegativesRankingLoss
from sentence_transformers.multi_vector_encoder.scoring import mean_colbert_scores
from sentence_transformers.sentence_transformer import losses as stock
from torch.testing import assert_close

from opticlir.lab.training import LabTrainConfig
from opticlir.lab.training.config import READ_ENGLISH
from opticlir.lab.training.english_side import EnglishInputsOfBatch, EnglishSide
from opticlir.lab.training.extension import LabExtension
from opticlir.lab.training.lancer import lancer
from opticlir.lab.training.pooled import contrastive_pooled
from opticlir.lab.training.retention import retention
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.losses import DistillationLoss, Moment
from opticlir.training.objectives import (
    Objective,
    PlanCounter,
    TokenBatch,
    TransportConfig,
    contrastive,
    greedy,
    greedy_alignment,
    mean_pooled,
    mse,
    optical,
    score_kl,
    transport_plan,
)
from opticlir.transport import uniform

NAMES = LabTrainConfig.known_objectives
SHARP = TransportConfig(max_iterations=200)


def objective(name, temperature=0.1, **options):
    settings = {"temperature": temperature, "score_temperature": temperature, **options}
    config = LabTrainConfig(language="swa", method="optical+contrastive", **settings)
    return LabExtension(config).objectives(config, PlanCounter())[name]


def english_of(batch):
    return batch.get(EnglishSide)


def side(generator, batch, tokens, dtype=torch.float64, dim=6):
    """Random unit rows, and a mask that leaves one to all tokens of each text."""
    vectors = torch.randn(batch, tokens, dim, generator=generator, dtype=dtype)
    lengths = torch.randint(1, tokens + 1, (batch, 1), generator=generator)
    return torch.nn.functional.normalize(vectors, dim=2), torch.arange(tokens)[None] < lengths


def random_batch(seed=0, batch=4, m=5, n=7, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    student, teacher = side(generator, batch, m, dtype), side(generator, batch, n, dtype)
    if batch == 4:  # the English of two is cut alike, that of the others not
        own, own_mask = side(generator, batch, n, dtype)
        own_mask[:2] = teacher[1][:2]
        is_same = torch.tensor([True, True, False, False])
    else:
        own, own_mask = side(generator, batch, m, dtype)
        is_same = torch.zeros(batch, dtype=torch.bool)
    return TokenBatch(*student, *teacher, (EnglishSide(own, own_mask, is_same),))


def marginals(batch):
    return uniform(batch.student_mask), uniform(batch.teacher_mask)


def changed(batch, change):
    """The same batch with `change` done to each pair of tokens and mask."""
    english = EnglishSide(
        *change(english_of(batch).tokens, english_of(batch).mask), english_of(batch).is_same
    )
    return TokenBatch(
        *change(batch.student, batch.student_mask), *change(batch.teacher, batch.teacher_mask), (english,)
    )


def test_optical_of_tokens_in_another_order_is_nothing():
    batch = TokenBatch(
        torch.eye(3)[None].flip(1), torch.ones(1, 3).bool(), torch.eye(3)[None], torch.ones(1, 3).bool()
    )
    assert optical(batch, SHARP).item() == pytest.approx(0.0, abs=1e-6)


def test_optical_gradient_is_the_plan_over_the_teacher():
    """d<P, C> / d student = -P T / batch, by hand."""
    batch = random_batch()
    batch.student.requires_grad_()
    optical(batch, TransportConfig()).backward()
    cost = 1 - batch.student.detach() @ batch.teacher.mT
    plan = transport_plan(cost, *marginals(batch), TransportConfig())
    assert_close(batch.student.grad, -plan @ batch.teacher / 4)


@pytest.mark.parametrize("solver", ["proximal", "sinkhorn"])
def test_the_plan_of_either_solver_sums_to_one(solver):
    batch = random_batch(dtype=torch.float32)
    cost = 1 - batch.student @ batch.teacher.mT
    plan = transport_plan(cost, *marginals(batch), TransportConfig(solver=solver, epsilon=0.1))
    assert_close(plan.sum((1, 2)), torch.ones(4), atol=1e-4, rtol=0)


def test_greedy_takes_the_nearest_pair_first_and_drops_what_is_left():
    # cosines: (0, 0) .8, (0, 1) .6, (1, 0) 1, (1, 1) 0, and the third student token is left over
    student = torch.tensor([[[0.8, 0.6], [1.0, 0.0], [-1.0, 0.0]]])
    batch = TokenBatch(student, torch.ones(1, 3).bool(), torch.eye(2)[None], torch.ones(1, 2).bool())
    # (1, 0) at distance 0, then (0, 1): ((.8 - 0)^2 + (.6 - 1)^2) / 2 dimensions = .4; mean of 2 tokens
    assert greedy(batch).item() == pytest.approx(0.2)


def slow_greedy(batch):
    """Pair by pair, token by token, in Python's own float64."""
    total = 0.0
    for row in range(len(batch.student)):
        student = batch.student[row][batch.student_mask[row]].tolist()
        teacher = batch.teacher[row][batch.teacher_mask[row]].tolist()
        left = {(i, j) for i in range(len(student)) for j in range(len(teacher))}
        errors = []
        while left:
            i, j = max(
                left, key=lambda ij: sum(map(math.prod, zip(student[ij[0]], teacher[ij[1]], strict=True)))
            )
            left = {(a, b) for a, b in left if a != i and b != j}
            errors.append(
                sum((x - y) ** 2 for x, y in zip(student[i], teacher[j], strict=True)) / len(student[i])
            )
        total += sum(errors) / len(errors)
    return total / len(batch.student)


@pytest.mark.parametrize("seed", range(20))
def test_greedy_equals_its_slow_twin(seed):
    batch = random_batch(seed, batch=3, m=1 + seed % 6, n=1 + seed % 4)
    assert greedy(batch).item() == pytest.approx(slow_greedy(batch), rel=1e-12)


def test_greedy_uses_each_token_once():
    batch = random_batch()
    aligned = greedy_alignment(batch.student @ batch.teacher.mT, batch.student_mask, batch.teacher_mask)
    for row in range(4):
        pairs = aligned.is_pair[row]
        expected = min(batch.student_mask[row].sum(), batch.teacher_mask[row].sum())
        assert pairs.sum() == expected
        assert len(set(aligned.source[row][pairs].tolist())) == expected
        assert len(set(aligned.target[row][pairs].tolist())) == expected


def test_mse_by_hand():
    student = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])  # mean (.5, .5)
    batch = TokenBatch(
        student, torch.ones(1, 2).bool(), torch.tensor([[[1.0, 0.0]]]), torch.ones(1, 1).bool()
    )
    assert mse(batch).item() == pytest.approx((0.5**2 + 0.5**2) / 2)


def pooled(batch):
    return mean_pooled(batch.student, batch.student_mask), mean_pooled(batch.teacher, batch.teacher_mask)


def test_mse_is_that_of_sentence_transformers():
    foreign, english = pooled(batch := random_batch())
    theirs = stock.MSELoss(torch.nn.Identity()).compute_loss_from_embeddings([foreign], [english])
    assert_close(mse(batch), theirs)


def test_contrastive_pooled_is_that_of_sentence_transformers():
    foreign, english = pooled(batch := random_batch())
    theirs = stock.MultipleNegativesRankingLoss(
        torch.nn.Identity(), scale=20.0, directions=("query_to_doc", "doc_to_query"),
        partition_mode="per_direction",
    )  # fmt: skip
    expected = theirs.compute_loss_from_embeddings([foreign, english], None)
    assert_close(contrastive_pooled(batch, 1 / 20), expected)


class Encoded(torch.nn.Module):
    """A model that is given what it would encode."""

    def forward(self, features, **_):
        return features


def test_contrastive_is_that_of_sentence_transformers():
    """By MaxSim per query token, of texts of different lengths; and so is its gradient. Theirs is of float32."""
    batch = random_batch()
    student = batch.student.clone().requires_grad_()
    sides = ((student, batch.student_mask), (batch.teacher, batch.teacher_mask))
    theirs = MultiVectorMultipleNegativesRankingLoss(
        Encoded(), scale=20.0, similarity_fct=mean_colbert_scores
    )([{"token_embeddings": tokens, "attention_mask": mask.long()} for tokens, mask in sides])
    ours = contrastive(dataclasses.replace(batch, student=student), 1 / 20)
    assert_close(ours, theirs.double(), rtol=1e-5, atol=1e-6)
    (expected,) = torch.autograd.grad(theirs, student)
    (found,) = torch.autograd.grad(ours, student)
    assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_contrastive_by_hand():
    """The first foreign side sits between both English sides, the second on its own."""
    foreign = torch.tensor([[[0.8, 0.6]], [[0.0, 1.0]]])
    one = torch.ones(2, 1).bool()
    batch = TokenBatch(foreign, one, torch.eye(2)[:, None], one)
    first = math.log(1 + math.exp((0.6 - 0.8) / 0.5))
    second = math.log(1 + math.exp((0.0 - 1.0) / 0.5))
    assert contrastive(batch, 0.5).item() == pytest.approx((first + second) / 2, rel=1e-6)
    back_first = math.log(1 + math.exp((0.0 - 0.8) / 0.5))
    back_second = math.log(1 + math.exp((0.6 - 1.0) / 0.5))
    both = (first + second + back_first + back_second) / 4
    assert contrastive(batch, 0.5, both_directions=True).item() == pytest.approx(both, rel=1e-6)


@pytest.mark.parametrize("padding", [0.0, 7.0])
def test_a_copy_of_the_english_side_is_no_wrong_answer(padding):
    """The third pair has the English side of the first: each chooses between its own and that of the second."""
    foreign = torch.tensor([[[0.8, 0.6]], [[0.0, 1.0]], [[1.0, 0.0]]])
    first, second = [1.0, 0.0], [0.0, 1.0]
    padded = torch.tensor([[first, [0.0, 0.0]], [second, [0.0, 0.0]], [first, [padding, padding]]])
    one, half = torch.ones(3, 1).bool(), torch.tensor([[True, False]] * 3)
    batch = TokenBatch(foreign, one, padded, half)
    assert batch.copies().nonzero().tolist() == [[0, 2], [2, 0]]
    there = [math.log(1 + math.exp((0.6 - 0.8) / 0.5)), 0.0, math.log(1 + math.exp(-1 / 0.5))]
    there[1] = math.log(
        1 + 2 * math.exp(-1 / 0.5)
    )  # both rows of the first sentence are wrong for the second
    assert contrastive(batch, 0.5).item() == pytest.approx(sum(there) / 3, rel=1e-6)
    back = [there[0], 0.0, there[2]]
    back[0], back[2] = (math.log(1 + math.exp((0.0 - own) / 0.5)) for own in (0.8, 1.0))
    back[1] = math.log(1 + math.exp((0.6 - 1) / 0.5) + math.exp((0.0 - 1) / 0.5))
    both = (sum(there) + sum(back)) / 6
    assert contrastive(batch, 0.5, both_directions=True).item() == pytest.approx(both, rel=1e-6)
    assert contrastive_pooled(batch, 0.5).item() == pytest.approx(both, rel=1e-6)


def test_score_kl_by_hand():
    """The teacher tells its own sentence from the other by cosines 1 and 0, the student by .8 and .6."""
    foreign = torch.tensor([[[0.8, 0.6]], [[0.0, 1.0]]])
    one = torch.ones(2, 1).bool()
    batch = TokenBatch(foreign, one, torch.eye(2)[:, None], one)
    p, q = 1 / (1 + math.exp(-1 / 0.5)), 1 / (1 + math.exp(-0.2 / 0.5))
    divergence = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    assert score_kl(batch, 0.5).item() == pytest.approx(divergence / 2, rel=1e-5)  # the second pair agrees


def test_score_kl_of_the_teacher_itself_is_nothing():
    batch = random_batch()
    same = TokenBatch(batch.teacher, batch.teacher_mask, batch.teacher, batch.teacher_mask)
    assert score_kl(same, 0.1).item() == pytest.approx(0.0, abs=1e-12)


def test_retention_goes_token_by_token_where_the_tokens_are_the_same():
    teacher, mask = torch.eye(2)[None], torch.ones(1, 2).bool()
    swapped = teacher.flip(1)

    def loss(*, is_same):
        english = EnglishSide(swapped, mask, torch.tensor([is_same]))
        return retention(TokenBatch(teacher, mask, teacher, mask, (english,)), SHARP).item()

    assert loss(is_same=True) == pytest.approx(1.0)
    assert loss(is_same=False) == pytest.approx(0.0, abs=1e-6), "the plan may swap them"


def test_retention_counts_tokens_that_take_part_wherever_padding_is():
    tokens = torch.tensor([[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]])
    english = EnglishSide(tokens, torch.tensor([[False, True, True]]), torch.tensor([True]))
    two = torch.ones(1, 2).bool()
    batch = TokenBatch(torch.eye(2)[None], two, torch.eye(2)[None], two, (english,))
    assert retention(batch, SHARP).item() == pytest.approx(0.0)


def test_retention_without_its_english_says_so():
    batch = random_batch()
    bare = TokenBatch(batch.student, batch.student_mask, batch.teacher, batch.teacher_mask)
    with pytest.raises(ValueError, match="retention needs the English side"):
        retention(bare, TransportConfig())


@pytest.mark.parametrize("function", [contrastive, contrastive_pooled, score_kl])
def test_a_temperature_of_nothing_is_refused(function):
    with pytest.raises(ValueError, match=r"temperature is 0\.0: expected a finite number > 0"):
        function(random_batch(), 0.0)


def test_lancer_is_the_mean_correlation_with_either_column_of_the_languages():
    """numpy's own correlation, feature by feature and language by language."""
    batch = random_batch()
    sides = (batch.student, batch.student_mask), (english_of(batch).tokens, english_of(batch).mask)
    features = torch.cat([mean_pooled(*side) for side in sides]).numpy()
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    languages = np.repeat(np.eye(2), 4, axis=0)
    found = [abs(np.corrcoef(feature, language)[0, 1]) for feature in features.T for language in languages.T]
    assert lancer(batch).item() == pytest.approx(np.mean(found))


def test_lancer_of_sides_that_say_the_same_is_nothing_and_its_gradient_finite():
    batch = random_batch()
    tokens = batch.student.clone().requires_grad_()
    own = EnglishSide(batch.student, batch.student_mask, english_of(batch).is_same)
    loss = lancer(TokenBatch(tokens, batch.student_mask, batch.teacher, batch.teacher_mask, (own,)))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-12)
    assert torch.isfinite(tokens.grad).all()
    still = torch.ones(2, 1, 3, dtype=torch.float64, requires_grad=True)
    one = torch.ones(2, 1).bool()
    side = EnglishSide(still.detach(), one, torch.ones(2).bool())
    lancer(TokenBatch(still, one, still.detach(), one, (side,))).backward()
    assert torch.isfinite(still.grad).all()


def test_lancer_falls_as_a_student_follows_it():
    batch = random_batch()
    shift = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    optimizer, losses = torch.optim.Adam([shift], lr=0.02), []
    for _ in range(60):
        tokens = torch.nn.functional.normalize(batch.student + shift, dim=2)
        loss = lancer(dataclasses.replace(batch, student=tokens))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_lancer_without_its_english_says_so():
    batch = random_batch()
    with pytest.raises(ValueError, match=r"lancer needs the English side .*none is attached"):
        lancer(dataclasses.replace(batch, attached=()))


@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing(name):
    def pad(tokens, mask):
        noise = torch.randn(len(tokens), 3, tokens.shape[2], dtype=tokens.dtype)
        return torch.cat([tokens, noise], 1), torch.cat([mask, torch.zeros(len(mask), 3).bool()], 1)

    batch = random_batch()
    assert_close(objective(name)(changed(batch, pad)), objective(name)(batch), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_pairs_changes_nothing(name):
    order = torch.tensor([2, 0, 3, 1])
    batch = random_batch()
    shuffled = changed(batch, lambda tokens, mask: (tokens[order], mask[order]))
    english = EnglishSide(
        english_of(shuffled).tokens, english_of(shuffled).mask, english_of(batch).is_same[order]
    )
    shuffled = TokenBatch(
        shuffled.student, shuffled.student_mask, shuffled.teacher, shuffled.teacher_mask, (english,)
    )
    assert_close(objective(name)(shuffled), objective(name)(batch), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 6), (6, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_one_token_is_a_sentence(name, m, n):
    batch = random_batch(batch=3, m=m, n=n, dtype=torch.float32)
    batch.student.requires_grad_()
    english_of(batch).tokens.requires_grad_()
    loss = objective(name, both_directions=True)(batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert loss >= 0
    assert torch.isfinite((english_of(batch).tokens if name in READ_ENGLISH else batch.student).grad).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("optical", "retention")])
def test_the_gradient_is_right(name):
    """Transport has its own test: its plan is held fixed, which finite differences cannot do."""
    batch = random_batch()

    def loss(student):
        return objective(name, both_directions=True)(dataclasses.replace(batch, student=student))

    assert torch.autograd.gradcheck(loss, batch.student.clone().requires_grad_())


def test_the_gradient_of_retention_is_right_where_the_plan_is_known():
    batch = random_batch()

    def loss(tokens):
        english = EnglishSide(tokens[:2], english_of(batch).mask[:2], english_of(batch).is_same[:2])
        rows = TokenBatch(
            batch.student[:2], batch.student_mask[:2], batch.teacher[:2], batch.teacher_mask[:2], (english,)
        )
        return retention(rows, TransportConfig())

    assert torch.autograd.gradcheck(loss, english_of(batch).tokens.clone().requires_grad_())


class Echo(torch.nn.Module):
    """A student whose vectors are its inputs, and which counts its forward passes."""

    n_passes = 0

    def forward(self, inputs, task):
        assert task == "query"
        self.n_passes += 1
        return {"token_embeddings": inputs["input_ids"], "attention_mask": inputs["attention_mask"]}


def features(batch):
    side = english_of(batch)
    return BitextBatch(
        pairs=torch.tensor([7, 3, 11, 5]),
        foreign={"input_ids": batch.student, "attention_mask": batch.student_mask},
        teacher_tokens=batch.teacher,
        teacher_mask=batch.teacher_mask,
        attached=(
            EnglishInputsOfBatch(
                inputs={"input_ids": side.tokens, "attention_mask": side.mask}, is_same=side.is_same
            ),
        ),
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_that_is_not_finite_is_named_by_its_pair(name):
    batch = random_batch(dtype=torch.float32)
    (english_of(batch).tokens if name in READ_ENGLISH else batch.student)[2, 0] = math.nan
    moment = Moment({name: (objective(name), 1.0)})
    with pytest.raises(FloatingPointError, match=rf"the {name} loss is nan on pairs \[11\]"):
        DistillationLoss(Echo())(features(batch), moment)


def test_the_terms_are_weighed_and_the_english_side_is_encoded_only_where_it_is_asked_for():
    batch = random_batch(dtype=torch.float32)
    student = Echo()
    loss = DistillationLoss(student)
    found = loss(features(batch), Moment({"mse": (Objective(mse), 1.0), "greedy": (Objective(greedy), 0.25)}))
    assert_close(found, {"mse": mse(batch), "greedy": 0.25 * greedy(batch)})
    assert student.n_passes == 1
    loss(features(batch), Moment({"retention": (objective("retention"), 1.0)}))
    assert student.n_passes == 3
