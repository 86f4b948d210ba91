"""The one function that opens a model: an encoder, a trained cross-lingual model or a language pack."""

from pathlib import Path

from sentence_transformers import MultiVectorEncoder
from tokenizers import Tokenizer

from opticlir.device import choose_device
from opticlir.encoder.checkpoint import load_checkpoint
from opticlir.encoder.language_pack import is_language_pack, load_language_pack
from opticlir.encoder.routes import transformer_of
from opticlir.errors import ArtefactError


def load_model(
    name_or_folder: str | Path, *, device: str = "auto", weights_dtype: str = "auto"
) -> MultiVectorEncoder:
    """Load an English encoder, a multilingual one, a trained cross-lingual model or a language pack.

    Multi-vector checkpoints (sentence-transformers, PyLate, Stanford ColBERT) are loaded unchanged. So are encoders
    with a Dense head (LaBSE, EmbeddingGemma): sentence-transformers applies the head to each token. For a plain
    encoder, the token vectors are the states of the last layer, without special tokens and at unit length.
    `NAME:pooled` gives the pooled vector of an embedding model instead, as the only row of each token matrix.
    A plain encoder reads the prompts of its folder in front of each text.

    Args:
        name_or_folder: `minilm`, `e5`, a folder, or the name of a model on the hub. `NAME:4` takes only the first
            four layers of a plain encoder.
        device: `auto`, `cpu`, `cuda` or `mps`; see `choose_device`. Encoded vectors come back to the CPU.
        weights_dtype: number format of the weights: `auto` (that of the files), `float32`, `bfloat16` or `float16`.

    Returns:
        The model in evaluation mode.

    Raises:
        ArtefactError: the folder is missing, damaged, or could run code; a weight that takes part in the vectors is
            not in its files; the encoder has too few layers; a language pack belongs to another English encoder.
        SetupError: the embedded encoder is not installed, or the hub cannot be reached.
        ValueError: this machine has no such device, or there is no such number format.
    """
    device = choose_device(device)
    if is_language_pack(name_or_folder):
        return load_language_pack(
            Path(name_or_folder).expanduser(), device=device, weights_dtype=weights_dtype
        )
    return load_checkpoint(name_or_folder, device, weights_dtype)


def load_tokenizer(name_or_file: str) -> Tokenizer:
    """Load a tokenizer: a `tokenizer.json`, or the one of the query route of a model.

    Args:
        name_or_file: a file that ends with `.json`, or what `load_model` takes.

    Raises:
        ArtefactError: the file is not a tokenizer, or the model cannot be loaded.
        SetupError: as in `load_model`.
    """
    if name_or_file.endswith(".json") and Path(name_or_file).is_file():
        try:
            return Tokenizer.from_file(name_or_file)
        except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
            raise ArtefactError(f"{name_or_file}: this tokenizer cannot be loaded: {error}") from None
    return transformer_of(load_model(name_or_file, device="cpu"), "query").tokenizer.backend_tokenizer
