"""A small cross-lingual model, random but whole: its query route has foreign words, its document route none."""

import pytest

from opticlir.encoder import VocabularyConfig, cross_lingual_model, load_model, new_student, vocabulary_for
from opticlir.records import SentencePair
from tiny_models import ENGLISH, SWAHILI, save_encoder


@pytest.fixture(scope="session")
def tiny_teacher(tmp_path_factory):
    return load_model(save_encoder(tmp_path_factory.mktemp("teacher")))


@pytest.fixture(scope="session")
def tiny_cross_lingual(tiny_teacher):
    pairs = [SentencePair(english, foreign) for english, foreign in zip(ENGLISH, SWAHILI, strict=True)]
    config = VocabularyConfig(n_pieces=100, min_piece_frequency=2)
    return cross_lingual_model(
        new_student(tiny_teacher, vocabulary_for(tiny_teacher, pairs, config)), tiny_teacher
    )
