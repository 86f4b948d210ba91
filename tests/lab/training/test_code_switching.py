"""English words in foreign sentences: which, from where, and through whole runs."""

import re

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers

import tiny_models
from opticlir.data import read_dictionary
from opticlir.encoder import VocabularyConfig, encode_pieces, new_student, vocabulary_for
from opticlir.errors import DataError
from opticlir.lab.training import LabTrainConfig, distil, make_config
from opticlir.lab.training.code_switching import CodeSwitchingConfig, Lexicon, SwitchedTexts
from opticlir.lab.training.plan_dictionary import dictionary_from_plan
from opticlir.records import SentencePair
from opticlir.training.objectives import TransportConfig, transport_plan
from short_runs import PAIRS, config_with_words, killed, weights

ENTRIES = [("clean water", "maji safi"), ("water", "maji"), ("the waters", "maji"), ("child", "Mtoto")]


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_models.wordpiece_tokenizer()


def switch(tokenizer, text, *, rate=1.0, seed=0, entries=ENTRIES):
    return Lexicon(entries, tokenizer).switched(text, rate, np.random.default_rng(seed))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Maji safi!", "clean water!"),
        ("maji, safi", "(water|the waters), safi"),
        ("  MTOTO  anakunywa maji safi.", "  child  anakunywa clean water."),
        ("njia ndefu", "njia ndefu"),
        ("safi", "safi"),
        ("", ""),
        ("mtoto maji safi", "child clean water"),
    ],
)
def test_the_longest_entry_at_each_place_is_replaced_and_all_else_stays_as_it_is_written(
    tokenizer, text, expected
):
    assert re.fullmatch(expected, switch(tokenizer, text))


def test_one_of_several_meanings_is_drawn(tokenizer):
    found = {switch(tokenizer, "maji", seed=seed) for seed in range(20)}
    assert found == {"water", "the waters"}


def test_words_are_compared_as_the_tokenizer_sees_them():
    """Where it keeps diacritics they tell words apart, where it drops them they do not."""
    keeps, drops = Tokenizer(models.WordLevel()), Tokenizer(models.WordLevel())
    keeps.normalizer = normalizers.NFC()
    drops.normalizer = normalizers.BertNormalizer()
    entries = [("hoe", "ọkọ")]  # o with a dot below, as one code point; plain oko is none of it
    assert switch(keeps, "ọkọ oko", entries=entries) == "hoe oko"
    assert switch(drops, "ọkọ oko", entries=entries) == "hoe hoe"


def test_the_rate_is_met_on_average(tokenizer):
    texts = SwitchedTexts(["mtoto"] * 2000, Lexicon(ENTRIES, tokenizer), rate=0.3, seed=0, epoch=lambda: 0)
    n_switched = sum(text == "child" for text in texts)
    assert n_switched / 2000 == pytest.approx(0.3, abs=0.031)  # three standard errors
    assert {switch(tokenizer, "mtoto", rate=1.0, seed=seed) for seed in range(50)} == {"child"}


def test_what_is_drawn_follows_from_seed_epoch_and_sentence_alone(tokenizer):
    now = 0

    def texts(seed):
        written = ["mtoto maji mtoto maji mtoto maji"] * 30
        return SwitchedTexts(written, Lexicon(ENTRIES, tokenizer), rate=0.5, seed=seed, epoch=lambda: now)

    first = list(texts(0))
    assert [texts(0)[number] for number in reversed(range(30))] == first[::-1]
    assert texts(0)[3:5] == first[3:5]
    assert len(set(first)) > 10
    assert list(texts(1)) != first
    now = 1
    assert list(texts(0)) != first


# a dictionary out of plans


def slow_dictionary(student, teacher, pairs):
    """The same pair by pair and piece by piece, in plain words."""
    mass = {}
    for pair in pairs:
        sides = []
        for model, text in ((student, pair.foreign), (teacher, pair.english)):
            encoded, words = encode_pieces(model, text, "query"), []
            for piece in encoded.pieces:
                words.append(words.pop() + piece.text if piece.is_continuation else piece.text)
            numbers = np.cumsum([not piece.is_continuation for piece in encoded.pieces]) - 1
            sides.append((encoded.tokens, words, numbers))
        (own, foreign, rows), (other, english, columns) = sides
        cost = torch.from_numpy(1 - own @ other.T)[None]
        margins = (torch.full((1, size), 1 / size) for size in cost.shape[1:])
        plan = transport_plan(cost, *margins, TransportConfig())[0]
        for row, word in enumerate(foreign):
            moved = {}
            for piece, column in np.ndindex(*plan.shape):
                if rows[piece] == row:
                    at = columns[column]
                    moved[at] = moved.get(at, 0) + plan[piece, column].item()
            for at, amount in moved.items():
                shares = mass.setdefault(word, {})
                shares[english[at]] = shares.get(english[at], 0) + amount / sum(moved.values())
    best = {word: max(shares, key=shares.get) for word, shares in mass.items()}
    return [
        (best[word], word)
        for word in sorted(best)
        if mass[word][best[word]] >= 0.3 * sum(mass[word].values())
    ]


def test_the_plan_of_an_initialised_student_gives_a_dictionary(teacher):
    vocabulary = vocabulary_for(
        teacher, tiny_models.PAIRS, VocabularyConfig(n_pieces=200, min_piece_frequency=2)
    )
    student = new_student(teacher, vocabulary)
    found = dictionary_from_plan(student, teacher, tiny_models.PAIRS, TransportConfig())
    assert found == slow_dictionary(student, teacher, tiny_models.PAIRS)
    foreign = {word for text in tiny_models.SWAHILI for word in text.split()}
    english = {word for text in tiny_models.ENGLISH for word in text.split()}
    assert {word for _, word in found} <= foreign
    assert {word for word, _ in found} <= english
    assert len(found) > len(foreign) / 4


def test_a_student_that_is_the_teacher_finds_each_word_in_itself(teacher):
    pairs = [SentencePair(text, text) for text in tiny_models.ENGLISH]
    entries = dictionary_from_plan(teacher, teacher, pairs, TransportConfig())
    assert entries
    assert all(english == foreign for english, foreign in entries)


# through whole runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("switching")
    tiny_models.save_encoder(folder / "teacher", positions=64)
    (folder / "words.tsv").write_text("water\tmaji\nchild\tmtoto\nmedicine\tdawa\nhands\tmikono\n")
    return folder


@pytest.mark.parametrize("source", ["dictionary", "plan"])
def test_a_run_that_is_killed_ends_in_the_same_bits(source, folder, tmp_path):
    file = str(folder / "words.tsv") if source == "dictionary" else None
    settings = {"source": source, "rate": 0.5} | ({"dictionary": file} if file else {})
    config = config_with_words(
        folder / "teacher", code_switching=settings, monolingual=0.25, transport={"marginals": "idf"}
    )
    distil(config, PAIRS, tmp_path / "unbroken")
    killed(config, tmp_path / "broken")
    distil(config, PAIRS, tmp_path / "broken")
    assert weights(tmp_path / "broken") == weights(tmp_path / "unbroken")
    made = tmp_path / "broken" / "run" / "dictionary.tsv"
    assert made.exists() == (source == "plan")
    if source == "plan":
        assert list(read_dictionary(made))
    distil(
        config_with_words(folder / "teacher", monolingual=0.25, transport={"marginals": "idf"}),
        PAIRS,
        tmp_path / "plain",
    )
    assert weights(tmp_path / "plain") != weights(tmp_path / "unbroken")


def test_a_dictionary_of_another_language_or_none_is_refused(folder, tmp_path):
    other = tmp_path / "other.tsv"
    other.write_text("water\tеау\n")
    config = config_with_words(
        folder / "teacher", code_switching={"source": "dictionary", "dictionary": str(other)}
    )
    with pytest.raises(DataError, match=r"other\.tsv: none of its foreign words is in the bitext: .* in swa"):
        distil(config, PAIRS, tmp_path / "model")
    config = config_with_words(
        folder / "teacher", code_switching={"source": "dictionary", "dictionary": str(tmp_path / "no")}
    )
    with pytest.raises(DataError, match="no"):
        distil(config, PAIRS, tmp_path / "second")


def test_another_dictionary_is_another_run(folder, tmp_path):
    file = tmp_path / "words.tsv"
    file.write_text("water\tmaji\n")
    config = config_with_words(
        folder / "teacher", code_switching={"source": "dictionary", "dictionary": str(file)}, epochs=0
    )
    distil(config, PAIRS, tmp_path / "model")
    file.write_text("waters\tmaji\n")
    with pytest.raises(DataError.__base__, match=r"was trained on other files: .*words\.tsv has"):
        distil(config, PAIRS, tmp_path / "model")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"code_switching": {"source": "web"}}, "code_switching source is 'web': expected 'none' or 'plan' or 'emb"),
        ({"code_switching": {"source": "plan", "rate": 0}}, "rate is 0.0: expected above 0, at most 1"),
        ({"code_switching": {"rate": 1.1}}, "rate is 1.1: expected above 0, at most 1"),
        ({"code_switching": {"source": "dictionary"}}, "source is 'dictionary' and dictionary is None: give a file"),
        ({"code_switching": {"source": "plan", "dictionary": "x"}}, "source is 'plan' and dictionary is 'x': give"),
        ({"code_switching": {"source": "plan"}, "monolingual": 1}, "monolingual is 1: no foreign sentence is read"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused_by_name(settings, message):
    with pytest.raises(DataError, match=message):
        make_config({"language": "swa", **settings}, source="x.toml")


def test_nothing_is_replaced_unless_it_is_asked_for():
    assert not LabTrainConfig(language="swa").mixes_languages
    assert LabTrainConfig(language="swa", code_switching=CodeSwitchingConfig(source="plan")).mixes_languages
