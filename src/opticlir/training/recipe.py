"""What a run minimises, by its settings."""

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import transformer_of
from opticlir.lab.training.discriminator import LanguageDiscriminator
from opticlir.lab.training.perturbation import Perturbation
from opticlir.training.config import TrainConfig
from opticlir.training.losses import DistillationLoss, Parts
from opticlir.training.objectives import objectives


def parts_of(config: TrainConfig) -> list[Parts]:
    """Objectives and weights of each stage."""
    functions = objectives(
        config.transport, config.temperature,
        score_temperature=config.score_temperature, both_directions=config.both_directions,
    )  # fmt: skip
    return [
        {name: (functions[name], weight) for name, weight in stage.weights.items()}
        for stage in config.schedule
    ]


def loss_of(config: TrainConfig, student: MultiVectorEncoder, parts: Parts) -> DistillationLoss:
    """The loss of the first stage, with the adversaries that the settings ask for.

    Args:
        config: every setting.
        student: whose word embeddings are shaken or mixed, and whose vectors are judged.
        parts: objectives and weights of the first stage.
    """
    perturbation = discriminator = None
    table = transformer_of(student, "query").model.get_input_embeddings()
    if config.perturbation.kind != "none":
        perturbation = Perturbation(config.perturbation, table)
    if config.discriminator.weight:
        width = student.get_embedding_dimension()
        discriminator = LanguageDiscriminator(config.discriminator, width, seed=config.seed)
    return DistillationLoss(student, parts, perturbation, discriminator, n_runs=config.read_runs, table=table)
