"""Query translation by a neural model: Marian, NLLB, M2M100 or any other folder of its kind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM

from opticlir.encoder.folder import check_model_folder
from opticlir.errors import ArtefactError
from opticlir.lab.rivals.model_tokenizer import language_token, load_tokenizer


class Seq2Seq:
    """A pretrained translation model, by beam search.

    Args:
        folder: saved by transformers; only safetensors are read.
        source: its own code of the query language (`hau_Latn`, `ha`), where the model knows several.
        target: its code of English (`eng_Latn`, `en`), likewise.
        beams: kept at each step; 1 is greedy.
        max_tokens: longest translation.

    Raises:
        ArtefactError: the folder holds no such model, or it does not know a language.
    """

    def __init__(
        self,
        folder: Path,
        *,
        source: str | None = None,
        target: str | None = None,
        beams: int = 4,
        max_tokens: int = 128,
    ) -> None:
        check_model_folder(folder)
        try:
            self._model: Any = AutoModelForSeq2SeqLM.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True
            ).eval()
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ArtefactError(f"{folder}: no translation model can be loaded from it: {reason}") from error
        self._tokenizer = load_tokenizer(folder, source)
        # one that has learned little never ends a sentence: it is stopped before its last position
        longest = getattr(self._model.config, "max_position_embeddings", max_tokens + 1) - 1
        self._options: dict[str, Any] = {
            "num_beams": beams, "max_new_tokens": min(max_tokens, longest), "do_sample": False
        }  # fmt: skip
        if target is not None:
            self._options["forced_bos_token_id"] = language_token(self._tokenizer, folder, target)

    @torch.inference_mode()
    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """One batch; the model's own length limit cuts what is longer."""
        inputs = self._tokenizer(list(texts), return_tensors="pt", padding=True, truncation=True)
        inputs.pop("token_type_ids", None)
        return list(
            self._tokenizer.batch_decode(
                self._model.generate(**inputs, **self._options), skip_special_tokens=True
            )
        )
