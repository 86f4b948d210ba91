"""What the JSON files of a model may ask of the libraries that load it.

Arguments for the loader are on an allow-list. Everything else is a setting of the architecture, where keys that load
code, other weights or files from outside the folder are refused (CVE-2025-32434, CVE-2026-4372).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from opticlir.errors import ArtefactError

_TRANSFORMER_FILE = re.compile(r"sentence_[\w-]+_config\.json")
_TRANSFORMER_KEYS = frozenset({
    "do_lower_case", "document_length", "max_seq_length", "modality_config", "module_output_name",
    "processing_kwargs", "query_expansion", "query_length", "transformer_task", "unpad_inputs",
})  # fmt: skip
_ARGUMENTS = {
    "model": frozenset({"add_pooling_layer", "dtype", "torch_dtype"}),
    "tokenizer": frozenset({
        "add_bos_token", "add_eos_token", "add_prefix_space", "clean_up_tokenization_spaces", "do_lower_case",
        "fix_mistral_regex", "model_max_length", "padding_side", "strip_accents", "truncation_side", "use_fast",
    }),
    "config": frozenset({"is_causal", "use_bidirectional_attention", "use_cache"}),
}  # fmt: skip
"""Arguments of the three loaders; the config may also override what `config.json` sets."""
_SPELLINGS = {
    "model_args": "model", "model_kwargs": "model", "tokenizer_args": "tokenizer", "processor_kwargs": "tokenizer",
    "config_args": "config", "config_kwargs": "config",
}  # fmt: skip

_CODE_KEYS = frozenset({
    "auto_map", "code_revision", "custom_generate", "custom_pipelines", "kernel_config", "trust_remote_code",
    "use_kernels", "weights_only",
})  # fmt: skip
_WEIGHT_KEYS = frozenset({
    "device_map", "gguf_file", "ignore_mismatched_sizes", "key_mapping", "offload_folder", "quantization_config",
    "state_dict", "transformers_weights",
})  # fmt: skip
_PATH_KEY = re.compile(r"(.*_)?(dirs?|files?|folders?|paths?)")
_PROVENANCE = frozenset(
    {"_name_or_path", "base_model_name_or_path", "name_or_path", "special_tokens_map_file"}
)
"""Where a model comes from: no loader follows them."""


def check_loader_settings(path: Path, content: Any, known: Iterable[str] = ()) -> None:
    """Check one JSON file of a model.

    Args:
        path: for the message, and for the folder that paths have to stay in.
        content: the parsed file.
        known: the settings of `config.json` in the same folder, which arguments may override.

    Raises:
        ArtefactError: a key is refused; the message names it.
    """
    for key, value in _items(content):
        if key in _CODE_KEYS or key.endswith(("_implementation", "_implementation_internal")):
            raise ArtefactError(f"{path}: key {key!r} can make the loader run foreign code; remove it")
        if key in _WEIGHT_KEYS:
            raise ArtefactError(
                f"{path}: key {key!r} can make the loader use other weights than those of the folder; remove it"
            )
        if _PATH_KEY.fullmatch(key) and key not in _PROVENANCE and path.name != "modules.json":
            _check_paths(path, key, value)
    if _TRANSFORMER_FILE.fullmatch(path.name) and isinstance(content, dict):
        _check_arguments(path, content, frozenset(known))


def _check_arguments(path: Path, settings: Mapping[str, Any], known: frozenset[str]) -> None:
    for key, value in settings.items():
        if key in _SPELLINGS:
            loader = _SPELLINGS[key]
            allowed = _ARGUMENTS[loader] | (known if loader == "config" else frozenset())
            for name in value if isinstance(value, dict) else [value]:
                if name is not None and name not in allowed:
                    raise ArtefactError(
                        f"{path}: {key} asks the loader for {name!r}, which is not allowed; remove it"
                    )
        elif key not in _TRANSFORMER_KEYS and not (key == "tokenizer_name_or_path" and value is None):
            raise ArtefactError(f"{path}: unknown setting {key!r}; remove it")


def _check_paths(path: Path, key: str, value: Any) -> None:
    for name in value if isinstance(value, list) else [value]:
        if isinstance(name, str) and not _is_inside(path.parent, name):
            raise ArtefactError(f"{path}: {key} {name!r} leads out of the model folder; remove it")


def _is_inside(folder: Path, name: str) -> bool:
    """Whether a name is of a file in the folder; a loader would look for another one elsewhere."""
    parts = Path(name).parts
    return bool(parts) and ".." not in parts and not Path(name).is_absolute() and (folder / name).exists()


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys with their values at any depth, without recursion, since a hostile file can have any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item.items()
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
