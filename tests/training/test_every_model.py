"""Every kind of model that users bring, as teacher and as student: three steps, and stock software opens the result."""

import numpy as np
import pytest

import tiny_models
from opticlir.encoder import encode_documents, encode_queries, load_model
from opticlir.lab.training import distil, make_config
from tiny_architectures import save_architecture
from without_opticlir import stock_vectors

QUERIES = ["maji ni safi.", "mtoto ana homa", "the water is clean"]
DOCUMENTS = ["the water is clean.", "the child has a fever, and pain in the head"]

# teacher and width, student and width, vocabulary, weights that are trained
TRAININGS = [
    ("stanford", 16, "xlmr", 24, "extend", "all"),
    ("stanford", 16, "mbert", 16, "keep", "all"),
    ("pylate", 16, "distilbert", 24, "keep", "embeddings"),
    ("pylate_before_5", 16, "modernbert", 16, "extend", "all"),
    ("labse", 16, "mmbert", 24, "extend", "all"),
    ("embeddinggemma", 24, "distilbert", 24, "extend", "all"),
    ("mbert", 24, "labse", 16, "keep", "all"),
    ("xlmr", 24, "qwen3", 24, "keep", "all"),
    ("qwen3", 24, "pylate_before_5", 16, "extend", "all"),
    ("modernbert", 16, "stanford", 24, "extend", "all"),
    ("mmbert", 24, "pylate", 24, "keep", "all"),
    ("distilbert", 16, "embeddinggemma", 24, "keep", "all"),
    ("distilbert", 24, "mbert", 16, "extend", "adapters"),
]
NAMES = ["-".join(map(str, training)) for training in TRAININGS]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    root, folders = tmp_path_factory.mktemp("architectures"), {}

    def folder_of(name, width):
        if (name, width) not in folders:
            folders[name, width] = save_architecture(root / f"{name}-{width}", name, width=width, seed=width)
        return folders[name, width]

    return folder_of


@pytest.fixture(scope="module")
def trained(saved, tmp_path_factory):
    """The model folder of each training."""
    root = tmp_path_factory.mktemp("trained")
    return {
        name: train(saved, training, root / name) for name, training in zip(NAMES, TRAININGS, strict=True)
    }


def train(saved, training, out):
    teacher, teacher_width, student, student_width, vocabulary, weights = training
    config = make_config({
        "language": "swa", "teacher": str(saved(teacher, teacher_width)), "batch_size": 4, "steps": 3,
        "student": str(saved(student, student_width)), "vocabulary": vocabulary, "train": weights,
        "checkpoint_steps": 2, "precision": "float32", "words": {"n_pieces": 200, "min_piece_frequency": 2},
    }, source="test")  # fmt: skip
    assert distil(config, tiny_models.PAIRS, out).is_finished
    return out


@pytest.fixture(scope="module")
def by_stock_software(trained):
    return dict(zip(trained, stock_vectors(list(trained.values()), QUERIES, DOCUMENTS), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_of_models_trains_and_stock_software_gives_the_same_vectors(
    trained, by_stock_software, saved, name
):
    training = TRAININGS[NAMES.index(name)]
    model = load_model(trained[name])
    expected = [*encode_queries(model, QUERIES), *encode_documents(model, DOCUMENTS)]
    for found, wanted in zip(by_stock_software[name], expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=2e-6)  # it pads; the last bits differ
    assert {matrix.shape[1] for matrix in expected} == {training[1]}
    teacher = load_model(saved(training[0], training[1]))
    for found, wanted in zip(
        encode_documents(model, DOCUMENTS), encode_documents(teacher, DOCUMENTS), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
