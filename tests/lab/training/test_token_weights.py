"""Marginals in training: which token weighs what, and that the loss hears of it."""

import pytest
import torch

import tiny_models
from opticlir.encoder import encode_queries, load_model, scored_ids, transformer_of, word_beginnings
from opticlir.lab.training import distil, make_config
from opticlir.lab.training.guided import LabTransportConfig, guided_optical
from opticlir.lab.training.token_weights import SideWeights, TokenWeights, weights_of_texts
from opticlir.records import SentencePair
from opticlir.storage import sha256_file
from opticlir.training.objectives import TokenBatch

PAIRS = [
    SentencePair(english=english, foreign=foreign)
    for english, foreign in zip(tiny_models.ENGLISH[:8], tiny_models.SWAHILI[:8], strict=True)
]
TEXTS = [*tiny_models.ENGLISH[:8], tiny_models.ENGLISH[0] * 3]


@pytest.mark.parametrize("kind", ["plain", "stanford", "pylate", "native"])
def test_scored_ids_are_those_of_the_rows_of_the_vectors(checkpoints, kind):
    model = load_model(checkpoints[kind])
    matrices = encode_queries(model, TEXTS)
    assert [len(ids) for ids in scored_ids(model, TEXTS, "query")] == [len(matrix) for matrix in matrices]


def test_a_word_weighs_alike_whatever_its_number_of_pieces(teacher):
    tokenizer = transformer_of(teacher, "query").tokenizer
    broken = "waterfulness"
    n_pieces = len(tokenizer.tokenize(broken))
    assert n_pieces > 1
    weights = TokenWeights("word", teacher, ())
    (found,) = weights_of_texts(weights, teacher, [f"water {broken} water"])
    assert found == pytest.approx([1 / 3, *[1 / 3 / n_pieces] * n_pieces, 1 / 3])


def test_beginnings_of_words_are_told_by_the_decoder(teacher):
    tokenizer = transformer_of(teacher, "query").tokenizer
    begins = word_beginnings(teacher, "query")
    for token, number in tokenizer.get_vocab().items():
        if token.startswith("##") and token[2].isalpha():
            assert not begins[number], token
        elif token.isalpha():
            assert begins[number], token


def test_what_few_sentences_hold_weighs_more(teacher):
    texts = ["water is clean", "water is far", "water is cold", "the clinic is far"]
    weights = TokenWeights("idf", teacher, texts)
    water, _, clean = weights_of_texts(weights, teacher, ["water is clean"])[0]
    assert clean > water > 0


def test_uniform_weighs_all_alike(teacher):
    (found,) = weights_of_texts(TokenWeights("uniform", teacher, ()), teacher, ["water is clean"])
    assert found.tolist() == [1.0, 1.0, 1.0]


def test_the_loss_moves_mass_by_its_weight():
    """One student token on the first axis; the teacher's two tokens on both: only the second costs, 1."""
    student, teacher = torch.tensor([[[1.0, 0.0]]]), torch.eye(2)[None]
    masks = torch.ones(1, 1).bool(), torch.ones(1, 2).bool()
    alike = TokenBatch(student, masks[0], teacher, masks[1])
    weighed = TokenBatch(
        student,
        masks[0],
        teacher,
        masks[1],
        (SideWeights(student=torch.ones(1, 1), teacher=torch.tensor([[9.0, 1.0]])),),
    )
    assert guided_optical(alike, LabTransportConfig()).item() == pytest.approx(0.5)
    assert guided_optical(weighed, LabTransportConfig()).item() == pytest.approx(0.1)


@pytest.mark.parametrize("solver", ["proximal", "sinkhorn", "annealed", "exact", "unbalanced"])
def test_every_solver_finds_tokens_in_another_order(solver):
    masks = torch.ones(1, 3).bool()
    batch = TokenBatch(torch.eye(3)[None].flip(1), masks, torch.eye(3)[None], masks)
    config = LabTransportConfig(solver=solver, epsilon=0.02, max_iterations=200)
    assert guided_optical(batch, config).item() == pytest.approx(0.0, abs=1e-3)


def test_unbalanced_leaves_unmoved_what_costs_more_than_its_penalty():
    masks = torch.ones(1, 2).bool()
    batch = TokenBatch(torch.eye(4)[None, :2], masks, torch.eye(4)[None, 1:3], masks)
    cheap = guided_optical(
        batch, LabTransportConfig(solver="unbalanced", marginal_penalty=0.1, max_iterations=500)
    )
    assert cheap.item() < 0.1 < guided_optical(batch, LabTransportConfig()).item()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "sinkorn"}, r"solver is 'sinkorn'.*'proximal' or 'sinkhorn' or 'annealed'"),
        ({"marginals": "words"}, r"marginals is 'words'.*'uniform' or 'word' or 'idf'"),
        ({"marginal_penalty": 0.0}, r"marginal_penalty is 0\.0: expected a finite number above 0"),
    ],
)
def test_what_no_transport_is(settings, message):
    with pytest.raises(ValueError, match=message):
        LabTransportConfig(**settings)


@pytest.fixture
def trained(checkpoints, tmp_path):
    def train(**transport):
        out = tmp_path / "-".join(transport.values())
        settings = {
            "language": "swa", "teacher": str(checkpoints["plain"]), "batch_size": 4, "epochs": 2,
            "precision": "float32", "words": {"n_pieces": 60, "min_piece_frequency": 2}, "transport": transport,
        }  # fmt: skip
        broken = SentencePair(english="waterfulness and water", foreign=PAIRS[0].foreign)
        distil(make_config(settings, source="test"), [*PAIRS, broken], out)
        return sha256_file(out / "query_0_Transformer" / "model.safetensors")

    return train


def test_each_solver_and_marginal_trains_another_student(trained):
    found = {
        trained(solver="proximal"),
        *(trained(solver=solver) for solver in ("sinkhorn", "annealed", "exact", "unbalanced")),
        *(trained(marginals=marginals) for marginals in ("word", "idf")),
    }
    assert len(found) == 7


def test_uniform_marginals_are_the_default(trained):
    assert trained(marginals="uniform") == trained(solver="proximal")
