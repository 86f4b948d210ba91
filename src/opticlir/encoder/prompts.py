"""Prompts: what a plain encoder reads in front of a text, such as `query: ` and `passage: ` of E5.

The tokens of a prompt name the task and are no part of the text, so they have no vector in the token matrix. The
modules of sentence-transformers leave out tokens by their ids. So each token of a prompt gets an id of its own, with
a copy of its embedding: the vectors of the text stay as they are. SentencePiece joins the text with
a prompt that has no blank at its end. The tokens of such a prompt stay in the matrix.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Transformer
from sentence_transformers.multi_vector_encoder.modules import MultiVectorMask

from opticlir.encoder.folder import read_settings
from opticlir.encoder.routes import route_modules, transformer_of
from opticlir.errors import ArtefactError

_NAMES = {"query": ("query",), "document": ("document", "passage", "corpus")}
"""Names under which models save the prompt of each route, the first one counts."""

_SAMPLE = "clean water"


def saved_prompts(folder: Path) -> dict[str, str]:
    """Read the prompts of both routes from a folder of sentence-transformers.

    A route without a prompt of its own takes the default prompt (`default_prompt_name`), unless that is the prompt of
    the other route.

    Raises:
        ArtefactError: the prompts are not texts by name.
    """
    path = folder / "config_sentence_transformers.json"
    settings = read_settings(path) if path.exists() else {}
    prompts, default = settings.get("prompts") or {}, settings.get("default_prompt_name")
    if not isinstance(prompts, dict) or not all(isinstance(text, str | None) for text in prompts.values()):
        raise ArtefactError(f"{path}: `prompts` is {prompts!r}: expected texts by name")
    found = {}
    for task, names in _NAMES.items():
        others = {name for other, names in _NAMES.items() if other != task for name in names}
        own = next((prompts[name] for name in names if name in prompts), None)
        found[task] = (prompts.get(default) if own is None and default not in others else own) or ""
    return found


def give_prompts(model: MultiVectorEncoder, prompts: dict[str, str]) -> None:
    """Let a plain encoder read a prompt in front of each text, and leave its tokens out of the token matrix.

    The text may be as long as without a prompt, if the encoder can read so much.

    Args:
        model: changed in place; both routes have one transformer.
        prompts: by route, "query" and "document".
    """
    transformer = transformer_of(model, "query")
    for task, prompt in prompts.items():
        if not prompt:
            continue
        model.prompts[task], names = _with_own_tokens(transformer, prompt, task)
        for module in route_modules(model, task):
            if isinstance(module, MultiVectorMask):
                module.skiplist_words = [*module.skiplist_words, *names]
        length = f"{task}_length"
        longest = getattr(transformer, length) + len(names)
        setattr(transformer, length, min(longest, transformer.tokenizer.model_max_length))


def _with_own_tokens(transformer: Transformer, prompt: str, task: str) -> tuple[str, list[str]]:
    """Return a prompt of tokens that no text contains, and their names; the prompt itself if there is none."""
    tokenizer, words = transformer.tokenizer, prompt.rstrip()
    copied = _ids(tokenizer, words)
    names = [f"<{task}_prompt_{number}>" for number in range(len(copied))]
    tokenizer.add_tokens(names, special_tokens=True)
    own = tokenizer.convert_tokens_to_ids(names)
    _copy_embeddings(transformer, copied, own)
    original = dict(zip(own, copied, strict=True))
    for blank in (
        prompt[len(words) :],
        "",
        " ",
    ):  # tokenizers differ in what they make of a space after a token
        spelled = "".join(names) + blank
        if [original.get(each, each) for each in _ids(tokenizer, spelled + _SAMPLE)] == _ids(
            tokenizer, prompt + _SAMPLE
        ):
            return spelled, names
    return prompt, []


def _copy_embeddings(transformer: Transformer, copied: Sequence[int], own: Sequence[int]) -> None:
    model = transformer.model
    if max(own) >= len(model.get_input_embeddings().weight):
        model.resize_token_embeddings(max(own) + 1, mean_resizing=False)
    with torch.no_grad():
        table = model.get_input_embeddings().weight
        table[list(own)] = table[list(copied)]


def _ids(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
