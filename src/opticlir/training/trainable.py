"""Which weights of a student are trained: all, its embeddings, or those and adapters."""

from sentence_transformers import MultiVectorEncoder
from torch import nn

from opticlir.encoder import add_adapter, transformer_of
from opticlir.training.config import TrainConfig


def make_trainable(student: MultiVectorEncoder, config: TrainConfig) -> None:
    """Make the weights trainable that `config.train` names, and set the dropout of the student.

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
