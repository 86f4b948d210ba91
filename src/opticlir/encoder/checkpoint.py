"""Loads any late-interaction checkpoint, or any plain encoder, as a `MultiVectorEncoder`."""

import hashlib
import logging
import re
from functools import cache
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Normalize, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from torch import nn
from transformers import AutoConfig

from opticlir.device import Dtype, choose_dtype
from opticlir.encoder.embedded import EMBEDDED
from opticlir.encoder.folder import (
    MODEL_MANIFEST,
    check_model_folder,
    is_like_model,
    model_files,
)
from opticlir.encoder.pooled import is_saved_pooled, load_pooled, split_pooled
from opticlir.encoder.prompts import give_prompts, saved_prompts
from opticlir.encoder.routes import route_modules, transformer_of
from opticlir.encoder.saved_modules import (
    STANFORD_PROJECTION,
    check_projections,
    is_multi_vector,
    plain_transformer,
    transformer_folders,
)
from opticlir.encoder.weights import check_weights, silent_libraries
from opticlir.errors import ArtefactError, OpticlirError, SetupError
from opticlir.storage import sha256_file

logger = logging.getLogger(__name__)

QUERY_TOKENS = 64
DOCUMENT_TOKENS = 512
"""Longest query and document of a plain encoder, in its own tokens. Longer texts are cut."""

_WITH_LAYERS = re.compile(r"(.+):([0-9]+)")
_DECISIVE = {".json", ".metadata", ".model", ".safetensors", ".txt"}
_HUB_FILES = [
    "*.json", "*.safetensors", "*.txt", "*.model", "artifact.metadata", "README.md",
    "run/log.jsonl", "run/dictionary.tsv",
]  # fmt: skip


def load_checkpoint(
    name_or_folder: str | Path, device: str, weights_dtype: str = "auto"
) -> MultiVectorEncoder:
    """Load a model that is complete in its folder; see `load_model`.

    Args:
        name_or_folder: as in `load_model`; no language pack.
        device: a device that torch knows on this machine.
        weights_dtype: as in `load_model`.

    Raises:
        ArtefactError: the folder is missing, damaged, or could run code; a weight is missing; the encoder has too few
            layers.
        SetupError: the embedded encoder is not installed, or the hub cannot be reached.
        ValueError: no such format.
    """
    dtype = choose_dtype(weights_dtype)
    named, pooled = split_pooled(name_or_folder)
    name, layers = split_layers(named)
    folder, links_within = _resolve(name)
    check_model_folder(folder, links_within=links_within)
    with torch.random.fork_rng(devices=[]), silent_libraries():
        # weights that no vector needs may be missing, such as a pooler's: a fixed seed makes every load equal
        torch.default_generator.manual_seed(0)
        try:
            pooled = pooled or is_saved_pooled(folder)
            model = (
                load_pooled(folder, device, dtype=dtype) if pooled else _load(folder, device, layers, dtype)
            )
            _check_weights(model, folder, layers)
        except OpticlirError:
            raise
        except Exception as error:  # on a damaged file, the libraries below raise any exception
            reason = " ".join(str(error).split())[:300]
            if "ignore_mismatched_sizes" in reason:  # of a report that is silenced
                reason = "its config.json asks for other sizes than its weights have"
            raise ArtefactError(
                f"{folder}: this model cannot be loaded: {type(error).__name__}: {reason}"
            ) from error
    if Path(name).expanduser().is_dir() and not (folder / MODEL_MANIFEST).exists():
        _say_unsealed(folder)
    _unify(model, dtype)
    if not pooled and not is_multi_vector(folder):
        give_prompts(model, saved_prompts(folder))
    _resolve_masks(model)
    return model.eval()


@cache
def _say_unsealed(folder: Path) -> None:
    """Say it once per folder and process."""
    logger.warning("%s: no checksums (%s), so damage to its files goes unnoticed", folder, MODEL_MANIFEST)


def model_checksum(name_or_folder: str) -> str:
    """SHA-256 over the files that decide the vectors of a model, before it is loaded; "" if there is no model.

    Raises:
        SetupError: as `load_checkpoint`.
    """
    folder, _ = _resolve(split_layers(split_pooled(name_or_folder)[0])[0])
    digest = hashlib.sha256()
    for path in model_files(folder) if is_like_model(folder) else ():
        if path.suffix in _DECISIVE and path.name != MODEL_MANIFEST and path.is_file():
            digest.update(f"{path.relative_to(folder)} {sha256_file(path)}\n".encode())
    return digest.hexdigest() if is_like_model(folder) else ""


def split_layers(name_or_folder: str | Path) -> tuple[str | Path, int | None]:
    """Split `NAME:LAYERS`. The number of layers is None if the name has none, which means all of them.

    Example:
        >>> split_layers("minilm:4"), split_layers("minilm")
        (('minilm', 4), ('minilm', None))
    """
    found = _WITH_LAYERS.fullmatch(str(name_or_folder))
    if found is None or Path(name_or_folder).exists():
        return name_or_folder, None
    return type(name_or_folder)(found[1]), int(found[2])


def _load(folder: Path, device: str, layers: int | None, dtype: Dtype) -> MultiVectorEncoder:
    if not is_multi_vector(folder):
        return MultiVectorEncoder(modules=_token_encoder(folder, layers, dtype), device=device)
    if layers is not None:
        raise ArtefactError(
            f"{folder}: a late-interaction checkpoint cannot be cut to its first layers; only a plain encoder can"
        )
    model = MultiVectorEncoder(
        str(folder), device=device, local_files_only=True, model_kwargs=_arguments(dtype)
    )
    check_projections(model, folder)
    return model


def _arguments(dtype: Dtype) -> dict[str, Any]:
    return {"use_safetensors": True, "dtype": dtype}


def _check_weights(model: MultiVectorEncoder, folder: Path, layers: int | None) -> None:
    """Check every transformer of a model against its files; the other modules do it themselves when they load."""
    transformers = [module for module in model.modules() if isinstance(module, Transformer)]
    for transformer, place in zip(transformers, transformer_folders(folder), strict=True):
        check_weights(
            transformer.model, place, used_elsewhere={STANFORD_PROJECTION}, is_cut=layers is not None
        )


def _unify(model: MultiVectorEncoder, dtype: Dtype) -> None:
    """Give all weights of a route one number format; a file may hold each module in another one."""
    for task in ("query", "document"):
        modules = route_modules(model, task)
        if isinstance(dtype, torch.dtype):
            wanted = dtype
        elif len({weight.dtype for module in modules for weight in module.parameters()}) > 1:
            wanted = torch.float32
        else:
            continue
        for module in modules:
            module.to(wanted)


def model_folder(name_or_folder: str | Path) -> Path:
    """The folder of a model; one on the hub is downloaded first.

    Raises:
        SetupError: as `load_checkpoint`.
    """
    return _resolve(name_or_folder)[0]


def _resolve(name_or_folder: str | Path) -> tuple[Path, Path | None]:
    """Return the folder of a model, and where links in it may lead (see `check_model_folder`)."""
    if folder_of := EMBEDDED.get(str(name_or_folder)):
        return folder_of(str(name_or_folder)), None
    folder = Path(name_or_folder)
    if folder.exists() or isinstance(name_or_folder, Path) or str(name_or_folder).startswith((".", "/", "~")):
        return folder.expanduser(), _hub_cache(folder.expanduser())
    snapshot = _download(str(name_or_folder))
    return snapshot, _hub_cache(snapshot)


def _hub_cache(folder: Path) -> Path | None:
    """The folder of a hub's cache that a snapshot's files link into; None for a folder that is no snapshot."""
    cache = folder.absolute().parent.parent
    is_snapshot = folder.absolute().parent.name == "snapshots" and cache.name.startswith("models--")
    return cache if is_snapshot else None


def _download(name: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        OSError,
    ) as error:
        raise SetupError(
            f"{name!r} is neither a folder here nor a model that could be fetched from the hub "
            f"({type(error).__name__}); give a folder, or {' or '.join(map(repr, EMBEDDED))} for an embedded encoder"
        ) from error


def _token_encoder(folder: Path, layers: int | None, dtype: Dtype) -> list[nn.Module]:
    inner = plain_transformer(folder)
    cut = {} if layers is None else {"num_hidden_layers": _among_layers(inner, layers)}
    transformer = Transformer(str(inner), model_kwargs=_arguments(dtype), config_kwargs=cut)
    tokenizer = transformer.tokenizer  # the library has set its longest length
    transformer.query_length = min(QUERY_TOKENS, tokenizer.model_max_length)
    transformer.document_length = min(DOCUMENT_TOKENS, tokenizer.model_max_length)
    specials = sorted(
        {tokenizer.cls_token, tokenizer.sep_token, tokenizer.bos_token, tokenizer.eos_token} - {None}
    )
    mask = MultiVectorMask(skiplist_words=specials, skiplist_tasks=["query", "document"])
    return [transformer, mask, Normalize(module_input_name="token_embeddings")]


def _among_layers(folder: Path, layers: int) -> int:
    there = AutoConfig.from_pretrained(folder, local_files_only=True).num_hidden_layers
    if not 1 <= layers <= there:
        raise ArtefactError(f"{folder}: it has {there} layers, so it cannot be cut to {layers}")
    return layers


def _resolve_masks(model: MultiVectorEncoder) -> None:
    """Look up the skipped words of each route in the tokenizer of that route.

    A router gives the query tokenizer to both routes. That is wrong if student and teacher number tokens
    differently.
    """
    for task in ("query", "document"):
        for module in route_modules(model, task):
            if isinstance(module, MultiVectorMask):
                module.resolve_with_tokenizer(transformer_of(model, task).tokenizer)
