import json

import numpy as np
import pytest
from tokenizers import normalizers

import tiny_models
from opticlir.encoder import VocabularyConfig, extend_vocabulary, split_words
from opticlir.errors import DataError
from opticlir.records import SentencePair

SMALL = VocabularyConfig(n_pieces=200, min_piece_frequency=2)


def table_for(tokenizer, *, rows=None, seed=0):
    """(vocabulary, 16) random embeddings of about unit length: far from each other, as in a real table."""
    shape = (rows or tokenizer.get_vocab_size(), 16)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32) / 4


def extend(tokenizer, pairs=tiny_models.PAIRS, config=SMALL, *, embeddings=None):
    return extend_vocabulary(
        tokenizer, table_for(tokenizer) if embeddings is None else embeddings, pairs, config
    )


def tokens_of(tokenizer, text):
    return [tokenizer.id_to_token(number) for number in tokenizer.encode(text, add_special_tokens=False).ids]


def with_markers():
    tokenizer = tiny_models.wordpiece_tokenizer()
    tokenizer.add_tokens(["[Q] ", "[D] "])  # what PyLate does: ids behind the vocabulary of the model
    return tokenizer


@pytest.mark.parametrize(
    "make",
    [tiny_models.wordpiece_tokenizer, with_markers, tiny_models.unigram_tokenizer,
     tiny_models.byte_level_tokenizer],
)  # fmt: skip
def test_the_ids_of_the_teacher_keep_their_numbers(make):
    teacher = make()
    vocabulary = extend(teacher)
    student = vocabulary.tokenizer
    assert {token: student.token_to_id(token) for token in teacher.get_vocab()} == teacher.get_vocab()
    assert sorted(student.get_vocab().values()) == list(range(student.get_vocab_size()))
    assert vocabulary.embeddings.shape == (student.get_vocab_size(), 16)
    assert student.get_vocab_size() > teacher.get_vocab_size()
    assert np.isfinite(vocabulary.embeddings).all()


@pytest.mark.parametrize("make", [tiny_models.wordpiece_tokenizer, with_markers])
def test_a_foreign_word_of_the_bitext_is_one_token(make):
    vocabulary = extend(make())
    assert set(vocabulary.words) == {word for text in tiny_models.SWAHILI for word in text.split()}
    for word in vocabulary.words:
        assert tokens_of(vocabulary.tokenizer, word) == [word]
    assert tokens_of(vocabulary.tokenizer, "Maji ni SAFI!") == ["maji", "ni", "safi", "!"]


def test_words_come_most_frequent_first():
    pairs = [SentencePair("a", "b c"), SentencePair("a", "c a"), SentencePair("a", "c a")]
    assert extend(tiny_models.wordpiece_tokenizer(), pairs).words == ("c", "a", "b")


def test_what_the_teacher_knows_whole_it_spells_as_before():
    teacher = tiny_models.wordpiece_tokenizer()
    student = extend(teacher).tokenizer
    whole = [token for token in teacher.get_vocab() if token.isalpha() and token.islower()]
    assert len(whole) > 60
    for word in whole:
        assert tokens_of(student, word) == tokens_of(teacher, word) == [word]
    sentence = "the nurse weighs the child [SEP]"
    assert student.encode(sentence).ids == teacher.encode(sentence).ids


def test_the_markers_of_a_checkpoint_stay_single_tokens():
    student = extend(with_markers()).tokenizer
    marker = with_markers().token_to_id("[Q] ")
    assert student.encode("[Q] maji", add_special_tokens=False).ids == [marker, student.token_to_id("maji")]


@pytest.mark.parametrize(
    ("foreign", "words"),
    [
        ("पानी साफ़ है", ["पानी", "साफ़", "है"]),
        ("น้ำสะอาด", ["น้ำ", "สะอาด"]),
        ("নিরাপদ পানি", ["নিরাপদ", "পানি"]),
        ("Ẹ̀kọ́ náà dára", ["eko", "naa", "dara"]),
        ("NIÑO ÇA À", ["nino", "ca", "a"]),
        ("Вода чистая, й", ["вода", "чистая", ",", "й"]),
    ],
)
def test_vowel_marks_survive_and_latin_diacritics_fold(foreign, words):
    pairs = [SentencePair("clean water", foreign)]
    vocabulary = extend(tiny_models.wordpiece_tokenizer(), pairs)
    found = tokens_of(vocabulary.tokenizer, foreign)
    unmarked = [word.replace("й", "и") for word in words]  # Cyrillic marks stand in the folded block too
    assert found in (words, unmarked)
    assert split_words(vocabulary.tokenizer, foreign) == found


def test_a_cased_teacher_keeps_case_and_diacritics():
    teacher = tiny_models.wordpiece_tokenizer()
    teacher.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    student = extend(teacher, [SentencePair("the lesson", "Ẹ̀kọ́ náà")]).tokenizer
    assert tokens_of(student, "Ẹ̀kọ́ náà") == ["Ẹ̀kọ́", "náà"]


def test_a_word_that_one_english_token_always_translates_starts_near_it():
    teacher = tiny_models.wordpiece_tokenizer()
    embeddings = table_for(teacher)
    config = VocabularyConfig(n_pieces=200, new_token_prior=0.1)
    vocabulary = extend(teacher, config=config, embeddings=embeddings)
    for foreign, english in (("maji", "water"), ("mtoto", "child"), ("homa", "fever"), ("mikono", "hands")):
        own = vocabulary.embeddings[vocabulary.tokenizer.token_to_id(foreign)]
        cosines = embeddings @ own / np.linalg.norm(embeddings, axis=1)
        assert cosines.argmax() == teacher.token_to_id(english), foreign


def test_the_blend_worked_by_hand():
    """One pair, `water` and `zq`: pieces `z` and `##q`, each linked sqrt(1 * 1/2) times, prior 10 links.

    The word is linked once and its spelling counts as 2 links: a third of `water`, two thirds of its pieces.
    """
    teacher = tiny_models.wordpiece_tokenizer()
    embeddings = table_for(teacher)
    config = VocabularyConfig(n_pieces=10, new_token_prior=2.0, known_token_prior=10.0)
    vocabulary = extend(teacher, [SentencePair("water", "zq")], config, embeddings=embeddings)
    usual = np.linalg.norm(embeddings, axis=1).mean()
    water = embeddings[teacher.token_to_id("water")]
    water = water * usual / np.linalg.norm(water)
    trust = np.sqrt(0.5) / (np.sqrt(0.5) + 10)
    pieces = [trust * water + (1 - trust) * embeddings[teacher.token_to_id(piece)] for piece in ("z", "##q")]
    for piece, expected in zip(("z", "##q"), pieces, strict=True):
        np.testing.assert_allclose(
            vocabulary.embeddings[vocabulary.tokenizer.token_to_id(piece)], expected, rtol=1e-4
        )
    np.testing.assert_allclose(
        vocabulary.embeddings[vocabulary.tokenizer.token_to_id("zq")],
        water / 3 + (pieces[0] + pieces[1]) / 3,
        rtol=1e-4,
    )


def test_without_links_a_token_is_what_it_was_or_what_its_spelling_says():
    teacher = tiny_models.wordpiece_tokenizer()
    embeddings = table_for(teacher)
    unlinked = {"n_pieces": 200, "min_piece_frequency": 2, "threshold": 1.0}
    pieces, whole = (
        extend(teacher, config=VocabularyConfig(**unlinked, min_word_frequency=least), embeddings=embeddings)
        for least in (10**6, 1)
    )
    np.testing.assert_array_equal(whole.embeddings[: len(embeddings)], embeddings)
    spelled = pieces.tokenizer.encode("daktari", add_special_tokens=False).ids
    assert len(spelled) > 1
    np.testing.assert_allclose(
        whole.embeddings[whole.tokenizer.token_to_id("daktari")],
        pieces.embeddings[spelled].mean(axis=0),
        rtol=1e-5,
    )


def test_a_pair_of_weight_2_counts_like_the_pair_twice():
    teacher = tiny_models.wordpiece_tokenizer()
    config = VocabularyConfig(n_pieces=10, min_piece_frequency=10**6)
    first = tiny_models.PAIRS[0]
    weighted = extend(
        teacher, [SentencePair(first.english, first.foreign, 2.0), *tiny_models.PAIRS[1:]], config
    )
    repeated = extend(teacher, [first, *tiny_models.PAIRS], config)
    for word in weighted.words:
        np.testing.assert_allclose(
            weighted.embeddings[weighted.tokenizer.token_to_id(word)],
            repeated.embeddings[repeated.tokenizer.token_to_id(word)],
            rtol=1e-3, atol=1e-5,
        )  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [tiny_models.unigram_tokenizer, tiny_models.byte_level_tokenizer, tiny_models.gemma_tokenizer,
     tiny_models.llama_tokenizer],
)  # fmt: skip
def test_other_tokenizers_gain_whole_words(make):
    teacher = make()
    student = extend(teacher).tokenizer
    assert len(json.loads(student.to_str())["added_tokens"]) == 5  # those of the teacher
    for text in tiny_models.SWAHILI:
        encoding = student.encode(text)
        words = [token.strip("▁Ġ") for token in tokens_of(student, text)]
        assert words == text.split()  # and no token for the spaces between them
        assert encoding.ids[0] == student.token_to_id("<s>")
        assert encoding.ids[-1] == student.token_to_id("</s>")
    assert student.encode("umbrella").ids == teacher.encode("umbrella").ids


def test_rare_words_are_left_in_pieces_and_still_known():
    config = VocabularyConfig(n_pieces=10, min_word_frequency=3)
    vocabulary = extend(tiny_models.wordpiece_tokenizer(), config=config)
    assert tokens_of(vocabulary.tokenizer, "mtoto") == ["mtoto"]  # five times in the bitext
    assert len(tokens_of(vocabulary.tokenizer, "daktari")) > 1  # once
    assert "daktari" in vocabulary.words


def test_no_word_may_be_frequent_enough():
    teacher = tiny_models.wordpiece_tokenizer()
    config = VocabularyConfig(n_pieces=200, min_piece_frequency=2, min_word_frequency=10**6)
    vocabulary = extend(teacher, config=config)
    assert vocabulary.tokenizer.get_vocab_size() > teacher.get_vocab_size()
    assert "mtoto" in vocabulary.words
    assert not extend(tiny_models.unigram_tokenizer(), config=config).tokenizer.token_to_id("mtoto")


@pytest.mark.parametrize("letters", ["z", "ab", "水", "กขค", "ß"])
def test_no_stretch_of_letters_is_unknown_because_it_is_long(letters):
    pairs = [SentencePair("water", letters), SentencePair("well", "q" * 100)]
    student = extend(tiny_models.wordpiece_tokenizer(), pairs).tokenizer
    for length in (99, 100, 101, 250, 20_000):
        found = tokens_of(student, letters * length)
        assert "[UNK]" not in found
        assert len(found) >= len(letters) * length / 100
    assert tokens_of(student, "q" * 100) == ["q" * 100]


def test_a_letter_that_the_bitext_does_not_have_makes_no_word_unknown():
    pairs = [SentencePair("the sons", "ɗa ƙasa"), SentencePair("water", "вода")]
    student = extend(tiny_models.wordpiece_tokenizer(), pairs).tokenizer
    for word in ("ƴan", "ɓera", "ŋa", "ɖe", "щука", "ґрунт"):
        assert "[UNK]" not in tokens_of(student, word)


def test_a_table_longer_than_the_vocabulary_keeps_its_spare_rows_out_of_it():
    """Many published models pad their table to a multiple of 64: the spare rows mean nothing."""
    teacher = tiny_models.wordpiece_tokenizer()
    plain = extend(teacher)
    for spare in (1, 300):  # fewer and more than there are new tokens
        embeddings = np.concatenate([table_for(teacher), np.full((spare, 16), 1e6, np.float32)])
        padded = extend(teacher, embeddings=embeddings)
        assert padded.tokenizer.get_vocab() == plain.tokenizer.get_vocab()
        np.testing.assert_allclose(padded.embeddings, plain.embeddings, rtol=1e-5)


def test_the_padding_of_the_teacher_is_kept_and_its_truncation_left_to_the_encoder():
    teacher = tiny_models.wordpiece_tokenizer()
    teacher.enable_padding(pad_id=0, pad_token="[PAD]", length=7)
    teacher.enable_truncation(5)
    student = extend(teacher).tokenizer
    assert student.padding == teacher.padding
    assert student.truncation is None


def test_longer_bitext_is_thinned_evenly():
    pairs = [SentencePair("water", f"neno{'abcdefghij'[number]}") for number in range(10)]
    config = VocabularyConfig(n_pieces=10, alignment_pairs=4)
    assert set(extend(tiny_models.wordpiece_tokenizer(), pairs, config).words) == {
        "nenoa", "nenod", "nenog", "nenoj"
    }  # fmt: skip
    everything = VocabularyConfig(n_pieces=10, alignment_pairs=10)
    assert len(extend(tiny_models.wordpiece_tokenizer(), pairs, everything).words) == 10


def test_the_result_follows_from_its_input_alone():
    """A run that is killed and started again reads its checkpoint's rows by the ids it makes anew."""
    first, *others = [extend(tiny_models.wordpiece_tokenizer()) for _ in range(5)]
    for other in others:
        assert other.tokenizer.to_str() == first.tokenizer.to_str()
        np.testing.assert_array_equal(other.embeddings, first.embeddings)


def test_the_tokenizer_of_the_teacher_is_not_changed():
    teacher = tiny_models.wordpiece_tokenizer()
    before = teacher.to_str()
    extend(teacher)
    assert teacher.to_str() == before


def test_without_a_pair_there_is_no_vocabulary():
    with pytest.raises(DataError, match="no sentence pair to learn a vocabulary from"):
        extend(tiny_models.wordpiece_tokenizer(), [])
