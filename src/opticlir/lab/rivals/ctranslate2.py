"""Query translation by a neural model in the form of CTranslate2, which is made for processors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opticlir.encoder.folder import check_model_folder
from opticlir.errors import ArtefactError, SetupError
from opticlir.lab.rivals.model_tokenizer import language_token, load_tokenizer

WEIGHTS = "model.bin"
_VERSION_BYTES, _LENGTH_BYTES, _LONGEST_NAME = 4, 2, 64


class CTranslate2:
    """A model that `ct2-transformers-converter` wrote, by beam search (Klein et al. 2020).

    Args:
        folder: written by the converter, with the files of the model's tokenizer beside them.
        source: the model's own code of the query language, where it knows several.
        target: its code of English, likewise.
        beams: kept at each step; 1 is greedy.
        max_tokens: longest translation.

    Raises:
        SetupError: CTranslate2 is not installed.
        ArtefactError: the folder holds no such model or no tokenizer, or it does not know a language.
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
        try:
            import ctranslate2  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise SetupError(
                f"{folder}: a model of CTranslate2, which is not installed: pip install 'opticlir[ctranslate2]'"
            ) from error
        check_model_folder(folder, weights=WEIGHTS)
        self._tokenizer: Any = load_tokenizer(folder, source)
        try:
            self._model: Any = ctranslate2.Translator(str(folder), device="cpu")
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ArtefactError(f"{folder}: no translation model can be loaded from it: {reason}") from error
        # the saved weights do not say how many positions there are, the tokenizer does
        self._options = {
            "beam_size": beams, "max_decoding_length": min(max_tokens, self._tokenizer.model_max_length)
        }  # fmt: skip
        self._prefix: list[str] = []
        if target is not None:
            number = language_token(self._tokenizer, folder, target)
            self._prefix = [self._tokenizer.convert_ids_to_tokens(number)]

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """One batch; the tokenizer's own length limit cuts what is longer."""
        ids = self._tokenizer(list(texts), truncation=True)["input_ids"]
        found = self._model.translate_batch(
            [self._tokenizer.convert_ids_to_tokens(each) for each in ids],
            target_prefix=[self._prefix] * len(texts) if self._prefix else None,
            **self._options,
        )
        return [self._text(each.hypotheses[0]) for each in found]

    def _text(self, tokens: list[str]) -> str:
        own = tokens[len(self._prefix) :]
        return str(
            self._tokenizer.decode(self._tokenizer.convert_tokens_to_ids(own), skip_special_tokens=True)
        )


def is_converted(folder: Path) -> bool:
    """Whether the weights in a folder are of CTranslate2, by how they begin: pickles have the same name."""
    path = folder / WEIGHTS
    if not path.is_file():
        return False
    with path.open("rb") as weights:
        weights.seek(_VERSION_BYTES)
        length = int.from_bytes(weights.read(_LENGTH_BYTES), "little")
        name = weights.read(min(length, _LONGEST_NAME))
    return name.endswith(b"Spec\0")
