import random

import numpy as np
import pytest
from scipy import sparse

from opticlir.data.audit import misalignment
from opticlir.data.audit.misalignment import Block, ShiftedStretch, check_alignment
from opticlir.records import SentencePair

# a made-up language: each English word has one foreign word
VOCABULARY = {f"w{number:03d}word": f"{number:03d}neno" for number in range(300)}


def corpus(n_pairs, seed=0):
    chooser = random.Random(seed)
    english = [chooser.sample(sorted(VOCABULARY), 8) for _ in range(n_pairs)]
    foreign = [[VOCABULARY[word] for word in line] for line in english]
    return [" ".join(line) for line in english], [" ".join(line) for line in foreign]


def blocks(english, foreign, size=200):
    pairs = [SentencePair(*sides) for sides in zip(english, foreign, strict=True)]
    return [Block("f", at + 1, tuple(pairs[at : at + size])) for at in range(0, len(pairs), size)]


def shifted_stretches(parts):
    return check_alignment(parts).stretches


def test_aligned_text_is_not_suspect():
    assert shifted_stretches(blocks(*corpus(1000))) == []


@pytest.mark.parametrize("offset", [-2, -1, 1, 2])
def test_a_shifted_stretch_is_found_with_its_offset(offset):
    english, foreign = corpus(1000)
    foreign[440:500] = foreign[440 - offset : 500 - offset]  # the line of 440 stands at 440 + offset
    (found,) = shifted_stretches(blocks(english, foreign))
    assert found.offset == offset
    assert abs(found.first_pair - 441) <= 5
    assert abs(found.last_pair - 500) <= 5


def test_half_a_file_may_be_off():
    english, foreign = corpus(1000)
    del foreign[500]
    del english[-1]
    (found,) = shifted_stretches(blocks(english, foreign))  # the edges of blocks are bridged
    assert found.offset == -1
    assert abs(found.first_pair - 501) <= 5
    assert abs(found.last_pair - 999) <= 5


def test_names_that_stand_on_both_sides_are_enough():
    """No word twice: nothing can be learned, but names are written alike."""
    english = [f"said a{number} Name{number} b{number}" for number in range(300)]
    foreign = [f"x{number} Name{number} alisema" for number in range(300)]
    assert shifted_stretches(blocks(english, foreign, 300)) == []
    foreign[100:150] = foreign[101:151]
    (found,) = shifted_stretches(blocks(english, foreign, 300))
    assert found == ShiftedStretch("f", found.first_pair, found.last_pair, -1)
    assert abs(found.first_pair - 101) <= 5


def test_unrelated_lines_are_not_called_shifted():
    english, _ = corpus(600, seed=1)
    _, foreign = corpus(600, seed=2)
    found = check_alignment(blocks(english, foreign))
    assert found.stretches == []
    assert found.fit < 0.05
    assert not found.is_bitext


def test_the_fit_of_translations():
    found = check_alignment(blocks(*corpus(1000)))
    assert found.is_bitext
    assert 0.9 < found.fit < 1.0
    assert found.n_pairs == 1000


def test_stretches_do_not_reach_over_blocks():
    """The last line of one block is no neighbour of the first of the next: they are samples."""
    english, foreign = corpus(600)
    parts = blocks(english, foreign, 5)
    assert shifted_stretches(parts) == []  # shorter than a window


def test_too_few_pairs_to_tell():
    assert check_alignment(blocks(*corpus(199))) is None
    assert check_alignment([]) is None


def test_no_words_at_all():
    assert shifted_stretches(blocks(["..."] * 300, ["--"] * 300)) == []


def test_the_lexicon_by_hand():
    """`e` stands in three lines, `f` in two of them: Dice 2*2/(3+2), and 2*1/(2+1) without one of those."""
    english = sparse.csr_array(np.array([[1.0], [1.0], [1.0], [0.0]]))
    foreign = sparse.csr_array(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    lexicon, elsewhere = misalignment._dice_lexicons(english, foreign)
    assert lexicon.toarray() == pytest.approx(np.array([[4 / 5, 0.0]]))  # once together is chance
    assert elsewhere.toarray() == pytest.approx(np.array([[2 / 3, 0.0]]))


def test_stretches_are_joined_and_short_ones_dropped():
    def stretch(first, last, offset=1, path="f"):
        return ShiftedStretch(path, first, last, offset)

    found = [
        stretch(1, 5),
        stretch(14, 20),
        stretch(30, 33),
        stretch(34, 40, -1),
        stretch(50, 51),
        stretch(52, 60, 1, "g"),
    ]
    assert misalignment._joined(found) == [
        stretch(1, 20), stretch(30, 33), stretch(34, 40, -1), stretch(52, 60, 1, "g")
    ]  # fmt: skip
