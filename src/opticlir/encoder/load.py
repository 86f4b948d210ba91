"""The one function that opens a model: an encoder, a trained cross-lingual model or a language pack."""

from pathlib import Path

from sentence_transformers import MultiVectorEncoder

from opticlir.device import choose_device
from opticlir.encoder.checkpoint import load_checkpoint
from opticlir.encoder.language_pack import is_language_pack, load_language_pack


def load_model(name_or_folder: str | Path, *, device: str = "auto") -> MultiVectorEncoder:
    """Load an English encoder, a multilingual one, a trained cross-lingual model or a language pack.

    Multi-vector checkpoints (sentence-transformers, PyLate, Stanford ColBERT) are taken as they are. Of a
    plain encoder, the token vectors are the states of the last layer, without special tokens and at unit
    length. MaxSim over them beats the pooled vector of the model even before training.

    Args:
        name_or_folder: `minilm`, a folder, or the name of a model on the hub. `NAME:4` takes only the first
            four layers of a plain encoder.
        device: `auto`, `cpu`, `cuda` or `mps`; see `choose_device`. Encoded vectors come back to the CPU.

    Returns:
        The model in evaluation mode.

    Raises:
        ArtefactError: the folder is missing, damaged, or could run code; the encoder has too few layers; a
            language pack belongs to another English encoder.
        SetupError: the embedded encoder is not installed, or the hub cannot be reached.
        ValueError: this machine has no such device.
    """
    device = choose_device(device)
    if is_language_pack(name_or_folder):
        return load_language_pack(Path(name_or_folder).expanduser(), device=device)
    return load_checkpoint(name_or_folder, device)
