"""Models that read the questions of one index: their names, their languages, and the words that they learned."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TypeAlias, TypeVar

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import load_model
from opticlir.errors import ArtefactError, SettingsError
from opticlir.languages import language_codes
from opticlir.manifest import read_manifest

ENGLISH = "eng"


@dataclass(frozen=True)
class QuestionModel:
    """A loaded model with its name, and the languages of the questions that it reads."""

    name: str
    folder: Path
    codes: tuple[str, ...]
    """ISO 639-3, at least one."""
    encoder: MultiVectorEncoder

    def words(self, code: str) -> tuple[str, ...]:
        """Words of its bitext in one of its languages, the most frequent ones first; empty where none are kept."""
        own = self.folder / "run" / f"words.{code}.txt"
        if own.is_file():
            return lines(own)
        # earlier versions kept the words of all languages in one file
        return lines(self.folder / "run" / "words.txt") if code == self.codes[0] else ()


Q = TypeVar("Q", bound=QuestionModel)

ModelName: TypeAlias = str | PathLike[str]
"""A trained model, a language pack, or a name for `load_model`, which reads English questions."""


def load_models(
    models: Sequence[ModelName], kind: type[Q], *, device: str = "auto", weights_dtype: str = "auto"
) -> tuple[Q, ...]:
    """Load models under distinct names.

    Args:
        models: folders, or names for `load_model`.
        kind: class of the result.
        device: see `choose_device`.
        weights_dtype: see `load_model`.

    Raises:
        SettingsError: no model is given, or two have the same name.
        ArtefactError: a folder is no model, or its record is damaged.
    """
    if not models:
        raise SettingsError("no model is given: give the folder of a trained model, at least one")
    folders = [Path(model).expanduser() for model in models]
    names = [
        folder.resolve().name if folder.is_dir() else str(model)
        for model, folder in zip(models, folders, strict=True)
    ]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise SettingsError(f"two models have the name {name!r}: rename one of the folders")
    return tuple(
        kind(
            name, folder, languages_of(folder),
            load_model(model if isinstance(model, str) else folder, device=device, weights_dtype=weights_dtype),
        )
        for model, name, folder in zip(models, names, folders, strict=True)
    )  # fmt: skip


def languages_of(folder: Path) -> tuple[str, ...]:
    """Return the languages of the questions that a model reads; English for one that opticlir did not train.

    Raises:
        ArtefactError: the record of the training or of the language pack is damaged.
    """
    if (record := folder / "run" / "run.json").is_file():
        return _codes(record, read_manifest(record, kind="training run").config.get("language"))
    if (pack := folder / "language_pack.json").is_file():
        try:
            return _codes(pack, json.loads(pack.read_bytes())["language"])
        except (ValueError, KeyError, TypeError):
            raise _no_language(pack) from None
    return (ENGLISH,)


def _codes(path: Path, language: object) -> tuple[str, ...]:
    try:
        return language_codes(str(language))
    except SettingsError:
        raise _no_language(path) from None


def _no_language(path: Path) -> ArtefactError:
    return ArtefactError(f"{path}: names no language: copy the folder again")


def lines(path: Path) -> tuple[str, ...]:
    """Return the lines of a file; none where there is no file."""
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
