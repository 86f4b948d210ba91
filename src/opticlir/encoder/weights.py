"""Whether the weights of a model are in its files: a loader draws those that are missing at random.

Before a model is built, the number of layers is compared with the headers of the weight files. After it, every
parameter that takes part in the vectors must have come from a file.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from safetensors import safe_open
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from opticlir.errors import ArtefactError

logger = logging.getLogger(__name__)

_LAYER_COUNTS = frozenset({
    "decoder_layers", "depth", "encoder_layers", "n_layer", "n_layers", "num_decoder_layers", "num_encoder_layers",
    "num_hidden_layers", "num_layers",
})  # fmt: skip
"""Names of the number of layers in the configs of all architectures."""
_MOST_LABELS = 10**6
_POOLER = "pooler"
"""Module that pools a text into one vector. Token vectors do not use it, and many files leave it out."""
_NAMED = 3


def check_layer_counts(path: Path, config: dict[str, Any], n_tensors: int) -> None:
    """Refuse a config that asks for more layers than its weights can have; building them could take forever.

    Args:
        path: the file of the config, for the message.
        config: its content.
        n_tensors: number of tensors in the weight files of its folder.

    Raises:
        ArtefactError: there are more layers than tensors.
    """
    for part in (config, *(value for value in config.values() if isinstance(value, dict))):
        for key, value in part.items():
            if not isinstance(value, int | float) or (key != "num_labels" and key not in _LAYER_COUNTS):
                continue
            if value > (_MOST_LABELS if key == "num_labels" else n_tensors):
                raise ArtefactError(
                    f"{path}: {key} is {value}, but the weights next to it have only {n_tensors} tensors: correct it, "
                    "or copy the model again"
                )


def tensor_names(path: Path) -> list[str]:
    """Names of the tensors in a weight file. Raises ArtefactError if its header is damaged."""
    try:
        with safe_open(str(path), framework="numpy") as weights:
            return list(weights.keys())
    except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
        raise ArtefactError(f"{path}: this weight file cannot be loaded: {error}") from None


def check_weights(
    model: PreTrainedModel, folder: Path, *, used_elsewhere: Collection[str] = (), is_cut: bool = False
) -> None:
    """Check that the parameters of a loaded model are those of its files, and say which tensors it does not use.

    Args:
        model: the loaded model.
        folder: where it was loaded from.
        used_elsewhere: tensors in its files that another module has read.
        is_cut: the model has fewer layers than its files on purpose.

    Raises:
        ArtefactError: a parameter that takes part in the vectors is in no file; the message names it.
    """
    with silent_libraries():
        _, found = type(model).from_pretrained(
            str(folder), config=model.config, local_files_only=True, use_safetensors=True,
            device_map="meta", output_loading_info=True,
        )  # fmt: skip
    missing = sorted(name for name in found["missing_keys"] if _POOLER not in name.split("."))
    if missing:
        raise ArtefactError(
            f"{folder}: the weights have no {_listed(missing)}; a random number in its place would give random "
            "vectors: copy the model again, or correct its config.json"
        )
    unused = sorted(set(found["unexpected_keys"]).difference(used_elsewhere))
    if unused and not is_cut:
        _say_unused(str(folder), _listed(unused))


@contextmanager
def silent_libraries() -> Iterator[None]:
    """Silence the reports and bars of transformers while a model is loaded: this module says what matters in them."""
    verbosity, has_bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if has_bar:
            transformers_logging.enable_progress_bar()


@cache
def _say_unused(folder: str, names: str) -> None:
    """Say it once per folder and process, though a model is opened several times."""
    logger.warning("%s: these tensors of its files are not used: %s", folder, names)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
