"""Words read as something between themselves and English ones: by hand, against plain twins, through whole runs."""

import math

import pytest
import torch
from torch.testing import assert_close

import tiny_models
from opticlir.data import read_dictionary
from opticlir.encoder import load_model, transformer_of
from opticlir.errors import DataError
from opticlir.lab.training import LabTrainConfig, distil, make_config
from opticlir.lab.training.code_switching import CodeSwitchingConfig, Lexicon, SwitchedTexts
from opticlir.lab.training.mixup import WordMixup, mixed_words
from opticlir.lab.training.perturbation import Perturbation, PerturbationConfig
from opticlir.training.bitext_batch import BitextBatch
from opticlir.training.losses import DistillationLoss, Moment
from opticlir.training.objectives import Objective
from opticlir.training.run_folder import RunFolder
from short_runs import PAIRS, config_with_words, killed, weights

TEXTS = ["the child drinks", "the water", "a long road to the clinic before the fever"]
ENTRIES = [("soap", "child"), ("the clean water", "the water"), ("clinic opens", "fever")]
"""Of the tiny encoder's own words, so that both sides of an entry have tokens."""


def table(dtype=torch.float64):
    """Six words of three numbers each, the first of them all zero."""
    values = torch.randn(6, 3, dtype=dtype, generator=torch.Generator().manual_seed(0))
    values[0] = 0
    return torch.nn.Embedding.from_pretrained(values, freeze=False, padding_idx=0)


IDS = torch.tensor([[1, 2, 3], [4, 5, 0]])
PIECES = torch.tensor([[[-1, -1], [4, 5], [-1, -1]], [[1, -1], [-1, -1], [-1, -1]]])
SHARES = torch.tensor([[0.0, 0.25, 0.0], [1.0, 0.0, 0.0]])


def test_a_word_moves_towards_the_mean_of_the_pieces():
    words = table()
    rows = words.weight.detach()
    expected = words(IDS).detach()
    expected[0, 1] = 0.75 * rows[2] + 0.25 * (rows[4] + rows[5]) / 2
    expected[1, 0] = rows[1]
    with mixed_words(words, PIECES, SHARES):
        found = words(IDS)
    assert_close(found, expected)
    still = SHARES == 0
    assert torch.equal(found[still], words(IDS)[still]), "to the bit"


def test_the_gradient_reaches_both_words():
    words = table()

    def mixed(weight):
        with mixed_words(words, PIECES, SHARES):
            return torch.func.functional_call(words, {"weight": weight}, (IDS,))

    def by_hand(weight):
        found = weight[IDS].clone()
        found[0, 1] = 0.75 * weight[2] + 0.25 * (weight[4] + weight[5]) / 2
        found[1, 0] = weight[1]
        return found

    weight = words.weight.detach().clone().requires_grad_()
    looked_at = torch.randn(2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    looked_at[1, 2] = 0  # padding, whose row learns nothing from the table
    (found,), (expected,) = (
        torch.autograd.grad((function(weight) * looked_at).sum(), weight) for function in (mixed, by_hand)
    )
    assert_close(found, expected)
    assert found[1].ne(0).all()


def test_the_table_is_as_before_after_it_even_where_it_fails():
    words = table()
    with pytest.raises(RuntimeError, match="within"), mixed_words(words, PIECES, SHARES):
        raise RuntimeError("within")
    assert not words._forward_hooks
    assert torch.equal(words(IDS), words.weight[IDS])


def test_words_are_mixed_before_they_are_shaken():
    """What an adversary adds to a mixed word is not weighed down by the share."""
    words = table()
    with mixed_words(words, PIECES, SHARES):
        mixed = words(IDS)
    handle = words.register_forward_hook(lambda _module, _inputs, embeddings: embeddings + 7)
    with mixed_words(words, PIECES, SHARES):
        assert_close(words(IDS), mixed + 7)
    handle.remove()


# which tokens


def mixup(model, texts=TEXTS, *, rate=1.0, alpha=1.0, seed=0, epoch=lambda: 0, entries=ENTRIES):
    lexicon = Lexicon(entries, transformer_of(model, "query").tokenizer.backend_tokenizer)
    config = CodeSwitchingConfig(source="plan", rate=rate, mixup_alpha=alpha)
    return WordMixup(texts, lexicon, model, config, seed=seed, epoch=epoch)


def inputs_of(model, texts=TEXTS):
    return model.preprocess(list(texts), prompt=model.prompts.get("query"), task="query")


@pytest.mark.parametrize("kind", ["plain", "other", "stanford", "pylate", "native"])
def test_each_piece_of_a_word_is_mixed_with_the_same_english_by_the_same_share(checkpoints, kind):
    model = load_model(checkpoints[kind])
    tokenizer, inputs = transformer_of(model, "query").tokenizer, inputs_of(model)
    found = mixup(model).of(range(3), inputs)
    pieces, shares = found.pieces, found.shares
    assert pieces.shape[:2] == shares.shape == inputs["input_ids"].shape
    assert torch.equal(shares > 0, pieces[:, :, 0] >= 0)
    for row, (own, english) in enumerate(
        [("child", "soap"), ("the water", "the clean water"), ("fever", "clinic opens")]
    ):
        is_mixed = shares[row] > 0
        assert tokenizer.decode(inputs["input_ids"][row][is_mixed]).strip() == own
        assert len(shares[row][is_mixed].unique()) == 1
        for ids in pieces[row][is_mixed]:
            assert tokenizer.decode(ids[ids >= 0]).strip() == english
    assert len(shares.unique()) == 4, "each word has a share of its own"


def test_padding_before_a_text_moves_it(checkpoints):
    model = load_model(checkpoints["plain"])
    right = mixup(model).of(range(3), inputs_of(model))
    transformer_of(model, "query").tokenizer.padding_side = "left"
    inputs = inputs_of(model)
    left = mixup(model).of(range(3), inputs)
    for row, mask in enumerate(inputs["attention_mask"].bool()):
        n_tokens = int(mask.sum())
        assert mask[-n_tokens:].all()
        assert torch.equal(left.shares[row, -n_tokens:], right.shares[row, :n_tokens])


def test_what_the_encoder_cuts_off_is_not_mixed(checkpoints):
    model = load_model(checkpoints["plain"])
    transformer_of(model, "query").tokenizer.model_max_length = 5
    for module in model:
        if hasattr(module, "query_length"):
            module.query_length = 5
    text = "the water the water"  # a marker stands where the second one would
    inputs = inputs_of(model, [text])
    assert inputs["input_ids"].shape == (1, 5)
    found = mixup(model, [text], entries=[("soap", "water")]).of([0], inputs)
    assert found.shares.gt(0).tolist() == [[False, False, True, False, False]]


def test_they_are_the_words_that_would_be_replaced(checkpoints):
    model = load_model(checkpoints["plain"])
    texts, entries = ["the child drinks the water"] * 40, [("soap", "child"), ("fever", "water")]
    lexicon = Lexicon(entries, transformer_of(model, "query").tokenizer.backend_tokenizer)
    switched = SwitchedTexts(texts, lexicon, rate=0.5, seed=3, epoch=lambda: 2)
    chosen = mixup(model, texts, rate=0.5, seed=3, epoch=lambda: 2, entries=entries)
    shares = chosen.of(range(40), inputs_of(model, texts)).shares
    tokens = transformer_of(model, "query").tokenizer.convert_ids_to_tokens(
        inputs_of(model, texts[:1])["input_ids"][0]
    )
    for word, english in (("child", "soap"), ("water", "fever")):
        replaced = [english in text for text in switched]
        assert shares[:, tokens.index(word)].gt(0).tolist() == replaced
        assert 5 < sum(replaced) < 35


def test_what_is_drawn_follows_from_seed_epoch_and_sentence_alone(checkpoints):
    model, now = load_model(checkpoints["plain"]), 0
    inputs = inputs_of(model)

    def drawn(seed=0, numbers=range(3)):
        given = {name: inputs[name][list(numbers)] for name in ("input_ids", "attention_mask")}
        return mixup(model, rate=0.9, seed=seed, epoch=lambda: now).of(numbers, given).shares

    first = drawn()
    assert torch.equal(drawn(), first)
    assert torch.equal(drawn(numbers=[2, 0]), first[[2, 0]])
    assert not torch.equal(drawn(seed=1), first)
    now = 1
    assert not torch.equal(drawn(), first)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_shares_have_mean_and_variance_of_the_beta_distribution(checkpoints, alpha):
    model, texts = load_model(checkpoints["plain"]), ["child"] * 1500
    found = mixup(model, texts, alpha=alpha).of(range(1500), inputs_of(model, texts)).shares[:, 1]
    assert found.ge(0).all()
    assert found.le(1).all()
    variance = 1 / (4 * (2 * alpha + 1))
    assert found.mean().item() == pytest.approx(0.5, abs=4 * math.sqrt(variance / 1500))
    assert found.var().item() == pytest.approx(variance, rel=0.15)


def test_an_entry_that_the_encoder_cannot_spell_is_left_out(checkpoints):
    model = load_model(checkpoints["plain"])
    found = mixup(model, ["the child"], entries=[("疟", "child")]).of([0], inputs_of(model, ["the child"]))
    assert found.shares.eq(0).all()
    assert found.pieces.eq(-1).all()


# through the loss


def test_a_word_mixed_wholly_is_read_as_the_english_one(checkpoints):
    """Between words of one piece, a share of 1 is code-switching."""
    model = load_model(checkpoints["plain"]).eval()
    words, inputs = transformer_of(model, "query").model.get_input_embeddings(), inputs_of(model)
    found = mixup(model, entries=[("soap", "child"), ("well", "water")]).of(range(3), inputs)
    with torch.no_grad(), mixed_words(words, found.pieces, found.shares.ceil()):
        mixed = model(dict(inputs), task="query")["token_embeddings"]
    with torch.no_grad():
        switched = inputs_of(
            model, [text.replace("child", "soap").replace("water", "well") for text in TEXTS]
        )
        assert_close(mixed, model(dict(switched), task="query")["token_embeddings"])


@pytest.mark.parametrize("is_shaken", [False, True])
def test_runs_of_a_batch_are_mixed_as_the_batch_is(checkpoints, is_shaken):
    model = load_model(checkpoints["plain"]).eval()
    words = transformer_of(model, "query").model.get_input_embeddings()
    texts = ["the water", "the child drinks", "a long road to the fever"]  # by length, as a batch is
    inputs = inputs_of(model, texts)
    found = mixup(model, texts).of(range(3), inputs)
    batch = BitextBatch(
        pairs=torch.arange(3),
        foreign={name: inputs[name] for name in ("input_ids", "attention_mask")},
        teacher_tokens=torch.ones(3, 2, tiny_models.HIDDEN),
        teacher_mask=torch.ones(3, 2, dtype=torch.bool),
    )

    def loss(n_runs, batch):
        first = Objective(lambda tokens: tokens.student[:, :, 0][tokens.student_mask].sum())
        shaken = Perturbation(PerturbationConfig(kind="fgm"), words) if is_shaken else None
        loss = DistillationLoss(model, adversary=shaken, n_runs=n_runs)
        return loss(batch, Moment({"first": (first, 1.0)}))["first"]

    whole = loss(1, batch.with_attached(found))
    if not is_shaken:  # a perturbation has the shape of the whole batch
        assert_close(loss(3, batch.with_attached(found)), whole)
    assert abs(loss(1, batch) - whole) > 0.1
    assert not words._forward_hooks


# through whole runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixup")
    tiny_models.save_encoder(folder / "teacher", positions=64)
    (folder / "words.tsv").write_text("water\tmaji\nchild\tmtoto\nmedicine\tdawa\nhands\tmikono\n")
    return folder


@pytest.mark.parametrize(
    "beside",
    [{"monolingual": 0.25, "transport": {"marginals": "idf"}, "dropout": 0.1},
     {"perturbation": {"kind": "pgd", "steps": 2}, "train": "embeddings"}],
    ids=["hybrid", "shaken"],
)  # fmt: skip
def test_a_run_that_is_killed_ends_in_the_same_bits(folder, tmp_path, beside):
    """SALT's arm: the student's own embeddings propose the words, and they are mixed."""
    config = config_with_words(
        folder / "teacher", code_switching={"source": "embeddings", "rate": 0.8, "mixup_alpha": 1}, **beside
    )
    distil(config, PAIRS, tmp_path / "unbroken")
    killed(config, tmp_path / "broken")
    distil(config, PAIRS, tmp_path / "broken")
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")
    made = tmp_path / "broken" / "run" / "dictionary.tsv"
    assert list(read_dictionary(made))
    distil(config_with_words(folder / "teacher", **beside), PAIRS, tmp_path / "plain")
    assert weights(tmp_path / "plain") != weights(tmp_path / "unbroken")
    hard = config_with_words(
        folder / "teacher", code_switching={"source": "embeddings", "rate": 0.8}, **beside
    )
    distil(hard, PAIRS, tmp_path / "hard")
    assert weights(tmp_path / "hard") != weights(tmp_path / "unbroken")


def test_words_of_a_dictionary_are_mixed_in_bfloat16(folder, tmp_path):
    settings = {"source": "dictionary", "dictionary": str(folder / "words.tsv"), "mixup_alpha": 0.4}
    assert distil(
        config_with_words(folder / "teacher", code_switching=settings, precision="bfloat16"), PAIRS, tmp_path
    ).is_finished
    (line,) = [line for line in RunFolder(tmp_path).read_log() if line["step"] == 5]
    assert math.isfinite(line["loss"])
    assert (
        "mixed with the English one (mixup, alpha 0.4), by a dictionary"
        in (tmp_path / "README.md").read_text()
    )


def test_embeddings_that_propose_nothing_are_an_error(folder, tmp_path):
    pairs = [type(pair)(english=f"{number} .", foreign=pair.foreign) for number, pair in enumerate(PAIRS)]
    config = config_with_words(folder / "teacher", code_switching={"source": "embeddings"})
    with pytest.raises(
        DataError, match="code_switching source is 'embeddings', which found no English word for any"
    ):
        distil(config, pairs, tmp_path / "model")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixup_alpha": 1}, "mixup_alpha is 1.0 and source is 'none': there is no English word to mix with, give "
                             "source = 'plan' or 'embeddings' or 'dictionary'"),
        ({"source": "plan", "mixup_alpha": 0}, "mixup_alpha is 0.0: expected a finite number above 0"),
        ({"source": "plan", "mixup_alpha": math.nan}, "mixup_alpha is nan: expected a finite number above 0"),
        ({"source": "embeddings", "dictionary": "x"}, "source is 'embeddings' and dictionary is 'x': give a file with"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(DataError, match=rf"x\.toml: \[code_switching\]: {message}"):
        make_config({"language": "swa", "code_switching": settings}, source="x.toml")


def test_nothing_is_mixed_unless_it_is_asked_for(checkpoints):
    assert CodeSwitchingConfig().mixup_alpha is None
    mixed = CodeSwitchingConfig(source="plan", mixup_alpha=1.0)
    assert not LabTrainConfig(language="swa", code_switching=mixed).mixes_languages, "its tokens stay foreign"
    lexicon = Lexicon(ENTRIES, tiny_models.wordpiece_tokenizer())
    with pytest.raises(ValueError, match="mixup_alpha is None: words are replaced, not mixed"):
        WordMixup(TEXTS, lexicon, load_model(checkpoints["plain"]), CodeSwitchingConfig(source="plan"), seed=0,
                  epoch=lambda: 0)  # fmt: skip
