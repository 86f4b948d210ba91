"""Extends a vocabulary by a language that the encoder does not know, with word alignment.

No multilingual pre-training is needed. The tokenizer of the teacher gets subwords learned from the foreign side of
the bitext, and every foreign word of it. Each new token starts as the mean of the English tokens it translates to.
Known spellings, above all names, keep their tokens and are found as before.
"""

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from tokenizers import Tokenizer, models, trainers

from opticlir.encoder.alignment import Ids, TranslationTable, learn_translation_table
from opticlir.encoder.segmentation import LONGEST_WORD, split_into_words
from opticlir.encoder.spelling import with_one_spelling
from opticlir.encoder.vocabulary_entries import n_ids, with_tokens, with_words
from opticlir.errors import DataError
from opticlir.records import SentencePair
from opticlir.settings import AT_LEAST_ONE, AT_LEAST_ZERO, FRACTION, POSITIVE, check_ranges, setting
from opticlir.words import split_words

Matrix = npt.NDArray[np.float32]

_CHUNK = 8192
_BLOCK = 256
"""Code points; most alphabets have one or two such blocks."""
_NO_ALPHABETS = 0x3000
"""Code points from here are kana, Han and Hangul, which have thousands of letters."""


@dataclass(frozen=True, kw_only=True)
class VocabularyConfig:
    """How a vocabulary is extended. The defaults come from Hausa, Igbo, Zulu and Yoruba development data."""

    n_pieces: int = setting(
        8_000,
        "Subwords learned from the foreign side, including those the teacher already has.",
        AT_LEAST_ONE,
    )
    min_piece_frequency: int = setting(3, "Least frequency of a subword in the bitext.", AT_LEAST_ONE)
    min_word_frequency: int = setting(
        1, "Least frequency of a foreign word that becomes a token.", AT_LEAST_ONE
    )
    iterations: int = setting(5, "Expectation-maximisation rounds of the word alignment.", AT_LEAST_ZERO)
    threshold: float = setting(0.05, "Less probable translations are ignored.", FRACTION)
    new_token_prior: float = setting(
        2.0, "Weight of the spelling of a new token, in links to English.", POSITIVE
    )
    known_token_prior: float = setting(
        10.0, "Weight of the own meaning of a token that the teacher knows, in links to English.", POSITIVE
    )
    alignment_pairs: int = setting(
        200_000,
        "Longer bitext is thinned evenly to this many pairs before alignment, since memory grows with them.",
        AT_LEAST_ONE,
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer and the input embeddings of its tokens. Ids of the teacher do not change."""

    tokenizer: Tokenizer
    embeddings: Matrix
    """(vocabulary, hidden) float32"""
    words: tuple[str, ...]
    """The foreign words of the bitext, normalised, most frequent first."""


def extend_vocabulary(
    tokenizer: Tokenizer,
    embeddings: Matrix,
    pairs: Sequence[SentencePair],
    config: VocabularyConfig,
    *,
    languages: Sequence[str] = (),
) -> Vocabulary:
    """Add the words of a new language to a tokenizer and an embedding table.

    Args:
        tokenizer: tokenizer of the teacher. WordPiece gets subwords and words. Other models only get words, since
            their merges cannot be extended without retraining.
        embeddings: (vocabulary, hidden), input embeddings of the teacher; spare rows at the end are left out.
        pairs: the bitext; the weight of a pair is its weight in the alignment.
        config: sizes and priors.
        languages: ISO 639-3 codes of the foreign side; they decide where an apostrophe is a letter.

    Raises:
        DataError: there is no pair.
    """
    if not pairs:
        raise DataError("no sentence pair to learn a vocabulary from")
    pairs = _thin(pairs, config.alignment_pairs)
    teacher = _bare(tokenizer)
    embeddings = embeddings[: n_ids(teacher)]
    student = with_one_spelling(_bare(tokenizer), (pair.foreign for pair in pairs), languages)
    segmented = [[sys.intern(word) for word in split_words(student, pair.foreign)] for pair in pairs]
    counts = Counter(word for words in segmented for word in words)
    words = tuple(word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    if _is_wordpiece(student):
        student = _with_pieces(student, segmented, config)
    student = split_into_words(student, words)
    english = _encode(teacher, [pair.english for pair in pairs])
    weights = np.array([pair.weight for pair in pairs], dtype=np.float32)
    table = learn_translation_table(
        _encode(student, [pair.foreign for pair in pairs]), english, weights,
        n_foreign=n_ids(student), n_english=len(embeddings),
        iterations=config.iterations, threshold=config.threshold,
    )  # fmt: skip
    teacher.normalizer = student.normalizer  # it now reads new pieces
    piece_embeddings = _place_pieces(student, teacher, embeddings, table, config)

    frequent = [
        word for word in words if counts[word] >= config.min_word_frequency and len(word) <= LONGEST_WORD
    ]
    ids = {word: number for number, word in enumerate(frequent)}
    table = learn_translation_table(
        [np.array([ids[word] for word in row if word in ids], dtype=np.int32) for row in segmented],
        english, weights, n_foreign=len(frequent), n_english=len(embeddings),
        iterations=config.iterations, threshold=config.threshold,
    )  # fmt: skip
    word_embeddings = _place_words(student, frequent, embeddings, piece_embeddings, table, config)
    return _with_words(student, tokenizer, piece_embeddings, frequent, word_embeddings, words)


def _thin(pairs: Sequence[SentencePair], most: int) -> Sequence[SentencePair]:
    if len(pairs) <= most:
        return pairs
    return [pairs[number] for number in np.linspace(0, len(pairs) - 1, most).astype(int)]


def _bare(tokenizer: Tokenizer) -> Tokenizer:
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.no_padding()
    copy.no_truncation()
    return copy


def _is_wordpiece(tokenizer: Tokenizer) -> bool:
    return isinstance(tokenizer.model, models.WordPiece)


def _with_pieces(
    tokenizer: Tokenizer, segmented: Iterable[Sequence[str]], config: VocabularyConfig
) -> Tokenizer:
    """Add WordPiece subwords learned from words to the vocabulary of a tokenizer."""
    unknown = tokenizer.model.unk_token
    learner = Tokenizer(models.WordPiece(unk_token=unknown))
    segmented = list(segmented)
    inner = sorted({letter for words in segmented for word in words for letter in word[1:]})
    learner.train_from_iterator(
        segmented,
        trainers.WordPieceTrainer(
            vocab_size=config.n_pieces, min_frequency=config.min_piece_frequency,
            # the trainer numbers inner letters in the order of a hash map, which changes between processes, and
            # breaks ties between merges by number: named here, they have the same numbers in every run
            special_tokens=[unknown, *(f"##{letter}" for letter in inner)],
            show_progress=False,
        ),
    )  # fmt: skip
    learned = learner.get_vocab()
    letters = _alphabet({letter for words in segmented for word in words for letter in word})
    letters = [letter for letter in letters if tokenizer.normalizer.normalize_str(letter) == letter]
    pieces = sorted(learned, key=lambda piece: learned[piece])
    return with_tokens(tokenizer, [*pieces, *letters, *(f"##{letter}" for letter in letters)])


def _alphabet(letters: set[str]) -> list[str]:
    """The letters, and for alphabets those that the bitext does not have: a word with one of them is not unknown."""
    blocks = {ord(letter) // _BLOCK for letter in letters if ord(letter) < _NO_ALPHABETS}
    others = (chr(block * _BLOCK + place) for block in blocks for place in range(_BLOCK))
    return sorted(letters.union(each for each in others if unicodedata.category(each)[0] in "LMN"))


def _encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Ids]:
    return [
        np.array(encoding.ids, dtype=np.int32)
        for start in range(0, len(texts), _CHUNK)  # an encoding takes kilobytes, its ids little
        for encoding in tokenizer.encode_batch(texts[start : start + _CHUNK], add_special_tokens=False)
    ]


def _expected_embeddings(table: TranslationTable, embeddings: Matrix) -> Matrix:
    """(n_foreign, hidden): the mean English embedding of each row, scaled to the usual length.

    A mean of several vectors is shorter than each of them, and the encoder has never seen short ones.
    """
    shape = len(table.starts) - 1, len(embeddings)
    means = csr_array((table.probabilities, table.english_ids, table.starts), shape=shape) @ embeddings
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    usual = np.linalg.norm(embeddings, axis=1).mean()
    return np.divide(means * usual, lengths, out=np.zeros_like(means), where=lengths > 0)


def _blend(expected: Matrix, prior: Matrix, counts: Matrix, strength: npt.NDArray[np.float64]) -> Matrix:
    """C / (c + k) of the expected embedding plus k / (c + k) of the prior; without links, only the prior."""
    trust = np.where(expected.any(axis=1), counts / (counts + strength), 0.0)[:, None]
    return (trust * expected + (1 - trust) * prior).astype(np.float32)


def _place_pieces(
    student: Tokenizer,
    teacher: Tokenizer,
    embeddings: Matrix,
    table: TranslationTable,
    config: VocabularyConfig,
) -> Matrix:
    """(vocabulary, hidden): known tokens start from their own vector, new ones from their spelling."""
    size, known = n_ids(student), len(embeddings)
    prior = np.zeros((size, embeddings.shape[1]), dtype=np.float32)
    prior[:known] = embeddings
    added = [str(student.id_to_token(new)).removeprefix("##") for new in range(known, size)]
    for new, spelled in enumerate(_encode(teacher, added), start=known):
        if len(spelled):
            prior[new] = embeddings[spelled].mean(axis=0)
    strength = np.where(np.arange(size) < known, config.known_token_prior, config.new_token_prior)
    return _blend(_expected_embeddings(table, embeddings), prior, table.expected_counts, strength)


def _place_words(
    student: Tokenizer,
    words: list[str],
    embeddings: Matrix,
    pieces: Matrix,
    table: TranslationTable,
    config: VocabularyConfig,
) -> Matrix:
    """(words, hidden): words start from the mean of their pieces."""
    prior = np.zeros((len(words), pieces.shape[1]), dtype=np.float32)
    for row, spelled in enumerate(_encode(student, words)):
        if len(spelled):
            prior[row] = pieces[spelled].mean(axis=0)
    strength = np.full(len(words), config.new_token_prior)
    return _blend(_expected_embeddings(table, embeddings), prior, table.expected_counts, strength)


def _with_words(
    student: Tokenizer,
    original: Tokenizer,
    pieces: Matrix,
    words: list[str],
    vectors: Matrix,
    all_words: tuple[str, ...],
) -> Vocabulary:
    student, numbers = with_words(student, words)
    embeddings = np.zeros((n_ids(student), pieces.shape[1]), dtype=np.float32)
    embeddings[: len(pieces)] = pieces
    embeddings[list(numbers)] = vectors[list(numbers.values())]
    if original.padding:
        student.enable_padding(**original.padding)
    return Vocabulary(student, embeddings, all_words)
