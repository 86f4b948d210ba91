"""How many tokens a text has, and how many of them an encoder reads."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from sentence_transformers import MultiVectorEncoder

from opticlir.encoder.routes import transformer_of

_CHUNK = 8192


def tokens_read(model: MultiVectorEncoder, task: Literal["query", "document"]) -> int:
    """Tokens of a text that a route reads, with its prompt and special tokens; the rest of a text is cut.

    Args:
        model: any encoder, with routes or without.
        task: the route.
    """
    transformer = transformer_of(model, task)
    if task == "document":
        length, floor = transformer.document_length, 0
    else:
        expansion = transformer.query_expansion or {"strategy": "min", "length": 0}
        length, floor = transformer.query_length, expansion["length"]
        if expansion["strategy"] == "fixed":
            return floor
    return transformer.tokenizer.model_max_length if length is None else max(length, floor)


def token_counts(
    model: MultiVectorEncoder, texts: Sequence[str], task: Literal["query", "document"]
) -> npt.NDArray[np.int64]:
    """(texts,) tokens of each whole text, with prompt and special tokens, also of those that are not read.

    Args:
        model: any encoder, with routes or without.
        texts: the texts to tokenize.
        task: the route and prompt to use.
    """
    tokenizer, prompt = transformer_of(model, task).tokenizer, model.prompts.get(task) or ""
    counts = np.empty(len(texts), np.int64)
    for start in range(0, len(texts), _CHUNK):
        chunk = [f"{prompt}{text}" for text in texts[start : start + _CHUNK]]
        found = tokenizer(
            chunk, verbose=False, return_attention_mask=False, return_token_type_ids=False
        )["input_ids"]  # fmt: skip
        counts[start : start + len(chunk)] = [len(ids) for ids in found]
    return counts
