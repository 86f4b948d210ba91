"""Links between the tokens of a batch: what the word table says, piece by piece, and where it says nothing."""

import numpy as np
import pytest
import torch

import tiny_models
from opticlir.data import PairTable
from opticlir.encoder import VocabularyConfig, load_model, new_student, vocabulary_for
from opticlir.encoder.alignment import learn_translation_table
from opticlir.errors import DataError
from opticlir.lab.training import LabTrainConfig, distil, extension, make_config
from opticlir.lab.training.word_guide import Links, WordGuide
from opticlir.records import SentencePair
from short_runs import PAIRS, config_of, killed, training_data_of, weights

CONFIG = VocabularyConfig(n_pieces=200, min_piece_frequency=2)
TABLE = PairTable(tiny_models.PAIRS)


@pytest.fixture(scope="module")
def student(teacher):
    return new_student(teacher, vocabulary_for(teacher, tiny_models.PAIRS, CONFIG))


def inputs_of(model, texts):
    return model.preprocess(list(texts), prompt=model.prompts.get("query"), task="query")["input_ids"]


def slow_table(pairs):
    """p(English word | foreign word) by the letters of both, from words told apart by spaces."""
    sides = [[pair.foreign.split() for pair in pairs], [pair.english.split() for pair in pairs]]
    names = [sorted({word for words in side for word in words}) for side in sides]
    numbers = [
        [np.array([known.index(word) for word in words], np.int32) for words in side]
        for known, side in zip(names, sides, strict=True)
    ]
    weights_ = np.array([pair.weight for pair in pairs], np.float32)
    sizes = {"n_foreign": len(names[0]), "n_english": len(names[1])}
    table = learn_translation_table(*numbers, weights_, **sizes)
    return {
        (word, names[1][english]): float(p)
        for number, word in enumerate(names[0])
        for english, p in zip(*table.row(number), strict=True)
    }


def test_links_are_those_of_the_words(teacher, student):
    guide = WordGuide(student, teacher, TABLE, CONFIG)
    known = slow_table(tiny_models.PAIRS)
    numbers = [3, 0, 7]
    links = guide.links(inputs_of(student, [TABLE.foreign[number] for number in numbers]), numbers)
    n_linked = 0
    for row, number in enumerate(numbers):
        foreign, english = TABLE.foreign[number].split(), TABLE.english[number].split()
        for i, word in enumerate(foreign):  # each is a token of its own, behind [CLS]
            for j, other in enumerate(english):
                assert links[row, 1 + i, j].item() == pytest.approx(known.get((word, other), 0.0), abs=1e-6)
                n_linked += (word, other) in known
        assert links[row, 0].eq(0).all()
        assert links[row, 1 + len(foreign) :].eq(0).all()
        assert links[row, :, len(english) :].eq(0).all()
    assert n_linked > 10
    assert links.shape[2] == max(len(TABLE.english[number].split()) for number in numbers)


def test_pieces_have_what_their_word_has(teacher):
    """A student with the teacher's tokenizer breaks foreign words into pieces, the teacher some English ones."""
    pairs = [*tiny_models.PAIRS, SentencePair("waterfulness is clean", "ubichi ni safi")] * 2
    guide = WordGuide(teacher, teacher, PairTable(pairs), CONFIG)
    last = len(pairs) - 1
    ids = inputs_of(teacher, ["ubichi ni safi"])
    links = guide.links(ids, [last])[0]
    foreign = teacher.tokenizer.convert_ids_to_tokens(ids[0].tolist())[1:-1]
    english = teacher.tokenizer.tokenize("waterfulness is clean")
    begins = [0, *(i for i in range(1, len(foreign)) if not foreign[i].startswith("##")), len(foreign)]
    assert begins[1] > 1
    assert english[1].startswith("##")
    first = links[1 : 1 + begins[1], : len(english) - 2]
    assert first.min() == first.max() > 0
    assert links[1 : 1 + begins[1], -1].unique().numel() == 1


def test_a_pair_counts_as_often_as_its_weight_says(teacher, student):
    heavy = [
        SentencePair(pair.english, pair.foreign, 3.0 if n < 4 else 1.0)
        for n, pair in enumerate(tiny_models.PAIRS)
    ]
    repeated = [*tiny_models.PAIRS, *tiny_models.PAIRS[:4], *tiny_models.PAIRS[:4]]
    ids = inputs_of(student, TABLE.foreign)
    numbers = list(range(len(TABLE)))
    by_weight, by_number, plain = (
        WordGuide(student, teacher, PairTable(pairs), CONFIG).links(ids, numbers)
        for pairs in (heavy, repeated, tiny_models.PAIRS)
    )
    torch.testing.assert_close(by_weight, by_number)
    assert not torch.allclose(by_weight, plain)


def test_a_word_that_is_not_in_the_table_has_no_link(teacher, student):
    guide = WordGuide(student, teacher, TABLE, CONFIG)
    assert guide.links(inputs_of(student, ["zzzz qqqq"]), [0]).eq(0).all()


def test_longer_bitext_is_thinned(teacher, student):
    few = VocabularyConfig(alignment_pairs=5)
    chosen = np.linspace(0, len(TABLE) - 1, 5).astype(int)
    thinned = WordGuide(student, teacher, TABLE, few)
    alone = WordGuide(student, teacher, TABLE.take(chosen), few)
    ids = inputs_of(student, [TABLE.foreign[number] for number in chosen.tolist()])
    assert torch.equal(thinned.links(ids, chosen.tolist()), alone.links(ids, list(range(5))))


def test_another_kind_of_tokenizer_has_words_too(checkpoints, teacher):
    other = load_model(checkpoints["other"])
    guide = WordGuide(other, teacher, TABLE, CONFIG)
    links = guide.links(inputs_of(other, TABLE.foreign), list(range(len(TABLE))))
    assert (links > 0).any(dim=2).sum() > 2 * len(TABLE)


# in batches and through whole runs


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return str(tiny_models.save_encoder(tmp_path_factory.mktemp("teacher"), positions=64))


def training_data(plain, tmp_path, **settings):
    return training_data_of(config_of(plain, **settings), load_model(plain), tmp_path)


def links_of(batch):
    (found,) = (each.probabilities for each in batch.attached if isinstance(each, Links))
    return found


def test_links_have_the_shape_of_tokens_of_both_sides(plain, tmp_path):
    found = training_data(plain, tmp_path, transport={"guide": "prior"})
    batch = found.collator([found.rows[row] for row in (5, 1, 2)])
    links = links_of(batch)
    assert links.shape == (*batch.foreign["input_ids"].shape, batch.teacher_tokens.shape[1])
    taking_part = batch.foreign["attention_mask"].bool()[:, :, None] & batch.teacher_mask[:, None]
    assert links[~taking_part].eq(0).all()
    assert links.any()


def test_a_monolingual_batch_is_not_guided(plain, tmp_path):
    found = training_data(plain, tmp_path, transport={"guide": "mixture"}, monolingual=0.5)
    across, alone = (found.collator([found.rows[row] for row in rows]) for rows in ((1, 3), (9, 11)))
    assert across.has(Links)
    assert not alone.has(Links)


def test_an_english_word_in_the_place_of_a_foreign_one_has_no_link(plain, tmp_path):
    """The words that stay have those they had."""
    file = tmp_path / "words.tsv"
    file.write_text("mosquito\tmaji\n")
    switching = {"source": "dictionary", "dictionary": str(file), "rate": 1.0}
    switched = training_data(plain, tmp_path / "a", transport={"guide": "prior"}, code_switching=switching)
    usual = training_data(plain, tmp_path / "b", transport={"guide": "prior"})
    before, after = (links_of(found.collator([found.rows[0]]))[0] for found in (usual, switched))
    tokenizer = load_model(plain).tokenizer
    n_before, n_after = (len(tokenizer.tokenize(word)) for word in ("maji", "mosquito"))
    assert before[1 : 1 + n_before].any()
    assert after[1 : 1 + n_after].eq(0).all()
    assert torch.equal(after[1 + n_after :], before[1 + n_before :])


def test_nothing_is_learned_unless_a_plan_is_guided(plain, tmp_path):
    assert training_data(plain, tmp_path / "a", transport={"guide": "none"}).collator.transforms == []
    assert not LabTrainConfig(language="swa").is_guided


@pytest.mark.parametrize(
    "settings",
    [
        {"transport": {"guide": "prior", "marginals": "word"}, "dropout": 0.1},
        {"transport": {"guide": "mixture", "guide_weight": 0.8, "solver": "sinkhorn"}, "monolingual": 0.4},
    ],
    ids=["prior", "mixture"],
)
def test_a_guided_run_that_is_killed_ends_in_the_same_bits(settings, plain, tmp_path):
    config = config_of(plain, **settings)
    distil(config, PAIRS, tmp_path / "unbroken")
    killed(config, tmp_path / "broken")
    distil(config, PAIRS, tmp_path / "broken")
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")


def test_each_guide_trains_another_student_and_one_without_weight_the_same(plain, tmp_path):
    def trained(name, **transport):
        distil(config_of(plain, transport=transport), PAIRS, tmp_path / name)
        return weights(tmp_path / name)["query_0_Transformer"]

    none = trained("none")
    assert trained("weightless", guide="prior", guide_weight=0.0) == none
    guided = {trained(guide, guide=guide, guide_weight=0.5) for guide in ("prior", "mixture")}
    assert len(guided | {none}) == 3


@pytest.mark.parametrize(
    ("method", "shares"),
    [
        ("optical", [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6]),
        ("optical,contrastive", [0, 1 / 3, 2 / 3]),
        ("contrastive,optical", [0, 1 / 3, 2 / 3]),
    ],
)
def test_a_mixture_hears_how_much_of_its_stage_is_done(method, shares, plain, tmp_path, monkeypatch):
    heard, usual = [], extension.guided_optical

    def listening(batch, *rest):
        heard.append(batch.share_of_stage)
        return usual(batch, *rest)

    monkeypatch.setattr(extension, "guided_optical", listening)
    distil(config_of(plain, method=method, transport={"guide": "mixture"}), PAIRS, tmp_path)
    assert heard == pytest.approx(shares)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"transport": {"guide": "tables"}}, r"x\.toml: \[transport\]: transport guide is 'tables': expected 'none'"),
        ({"transport": {"guides": "prior"}}, r"\[transport\]: unknown key 'guides'; did you mean 'guide'\?"),
        ({"transport": {"guide": "mixture", "guide_weight": 2}}, r"guide_weight is 2\.0: expected a share"),
        ({"transport": {"guide": "prior"}, "monolingual": 1}, "monolingual is 1: no foreign sentence is read, so"),
        ({"transport": {"guide": "prior"}, "method": "greedy"}, "guide is 'prior', which only optical uses"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(DataError, match=message):
        make_config({"language": "swa", **settings}, source="x.toml")
