"""Which weights of a student are trained: all, its embeddings, or embeddings and adapters. A new projection always."""

from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense
from torch import nn

from opticlir.encoder import add_adapter, transformer_of
from opticlir.training.config import TrainConfig


def make_trainable(
    student: MultiVectorEncoder, config: TrainConfig, *, has_new_projection: bool = False
) -> None:
    """Make the weights that `config.train` names trainable, and set the dropout of the student.

    Args:
        student: changed in place.
        config: the settings.
        has_new_projection: whether the last Dense module is new. If so, it is always trained.

    Raises:
        SetupError: peft is not installed, for adapters.
        DataError: an adapter's target is not a layer of the student.
    """
    for module in student.modules():
        if isinstance(module, nn.Dropout):
            module.p = config.dropout
    if config.train == "all":
        return
    student.requires_grad_(False)
    if config.train == "adapters":
        add_adapter(student, config.adapters)
    transformer_of(student, "query").model.get_input_embeddings().requires_grad_(True)
    if has_new_projection:
        [*(module for module in student if isinstance(module, Dense))][-1].requires_grad_(True)
