"""Query translation with a neural model: a folder of transformers (Marian, NLLB, M2M100), or of CTranslate2."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from transformers import AutoModelForSeq2SeqLM

from opticlir.encoder.folder import check_model_folder
from opticlir.encoder.weights import check_weights
from opticlir.errors import ArtefactError, SetupError
from opticlir.translation.model_tokenizer import language_token, load_tokenizer

CONVERTED_WEIGHTS = "model.bin"
_VERSION_BYTES, _LENGTH_BYTES, _LONGEST_NAME = 4, 2, 64


class Seq2Seq:
    """A translation model that transformers saved, with beam search.

    Args:
        folder: the model; only safetensors are read.
        source: the model's own code of the query language (`hau_Latn`, `ha`), if it has several.
        target: its code of English (`eng_Latn`, `en`), likewise.
        beams: beams of the search; 1 is greedy.
        max_tokens: longest translation.

    Raises:
        ArtefactError: the folder has no such model or no tokenizer, or the model does not know a language.
    """

    weights: ClassVar[str | None] = None
    """Name of the only weights file; None means safetensors."""

    def __init__(
        self,
        folder: Path,
        *,
        source: str | None = None,
        target: str | None = None,
        beams: int = 4,
        max_tokens: int = 128,
    ) -> None:
        check_model_folder(folder, weights=self.weights)
        try:
            self._model: Any = self._load(folder)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ArtefactError(f"{folder}: no translation model can be loaded from it: {reason}") from error
        self._tokenizer: Any = load_tokenizer(folder, source)
        self._beams, self._max_tokens = beams, min(max_tokens, self._most_tokens())
        self._target = None if target is None else language_token(self._tokenizer, folder, target)

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Translate one batch. The model cuts texts that are too long for it."""
        inputs = self._tokenizer(list(texts), return_tensors="pt", padding=True, truncation=True)
        inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            found = self._model.generate(
                **inputs, num_beams=self._beams, max_new_tokens=self._max_tokens, do_sample=False,
                **({} if self._target is None else {"forced_bos_token_id": self._target}),
            )  # fmt: skip
        return list(self._tokenizer.batch_decode(found, skip_special_tokens=True))

    def _load(self, folder: Path) -> Any:
        model = AutoModelForSeq2SeqLM.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True
        ).eval()
        check_weights(model, folder)
        return model

    def _most_tokens(self) -> int:
        """Return a length below the last position: a model that learned little never ends a sentence."""
        return int(getattr(self._model.config, "max_position_embeddings", 1_000_000)) - 1


class CTranslate2(Seq2Seq):
    """A model that `ct2-transformers-converter` wrote, which is fast on processors (Klein et al. 2020).

    The folder also has the tokenizer's files of the original model. Arguments and errors as in `Seq2Seq`.

    Raises:
        SetupError: CTranslate2 is not installed.
    """

    weights = CONVERTED_WEIGHTS

    def __init__(self, folder: Path, **options: Any) -> None:
        try:
            import ctranslate2  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise SetupError(
                f"{folder}: a model of CTranslate2, which is not installed: pip install 'opticlir[ctranslate2]'"
            ) from error
        self._library: Any = ctranslate2
        super().__init__(folder, **options)

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Translate one batch. The tokenizer cuts texts that are too long for the model."""
        tokenizer = self._tokenizer
        prefix = [] if self._target is None else [tokenizer.convert_ids_to_tokens(self._target)]
        found = self._model.translate_batch(
            [tokenizer.convert_ids_to_tokens(ids) for ids in tokenizer(list(texts), truncation=True)["input_ids"]],
            target_prefix=[prefix] * len(texts) if prefix else None,
            beam_size=self._beams, max_decoding_length=self._max_tokens,
        )  # fmt: skip
        return [
            str(tokenizer.decode(tokenizer.convert_tokens_to_ids(own), skip_special_tokens=True))
            for own in (each.hypotheses[0][len(prefix) :] for each in found)
        ]

    def _load(self, folder: Path) -> Any:
        return self._library.Translator(str(folder), device="cpu")

    def _most_tokens(self) -> int:
        """Return the limit of the tokenizer: the weights do not say how many positions there are."""
        return int(self._tokenizer.model_max_length)


def load_neural_translator(folder: Path, *, source: str | None = None, target: str | None = None) -> Seq2Seq:
    """Load a translator from a folder of either format. Arguments and errors as in `CTranslate2`."""
    return (CTranslate2 if is_converted(folder) else Seq2Seq)(folder, source=source, target=target)


def is_converted(folder: Path) -> bool:
    """Whether the weights in a folder are of CTranslate2. Pickles can have the same name, so the content decides."""
    path = folder / CONVERTED_WEIGHTS
    if not path.is_file():
        return False
    with path.open("rb") as weights:
        weights.seek(_VERSION_BYTES)
        length = int.from_bytes(weights.read(_LENGTH_BYTES), "little")
        name = weights.read(min(length, _LONGEST_NAME))
    return name.endswith(b"Spec\0")
