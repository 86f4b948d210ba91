"""The models of a service: which languages each reads, and the words that it learned them from."""

import csv
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sentence_transformers import MultiVectorEncoder

from opticlir.encoder import load_model
from opticlir.errors import ArtefactError, SettingsError
from opticlir.languages import language_codes, language_name
from opticlir.service.answers import Language
from opticlir.training.run_folder import RunFolder

ENGLISH = "eng"


@dataclass(frozen=True)
class ServedModel:
    """A loaded model with its name and languages. Its tokenizers are not thread-safe: hold `lock` to use it."""

    name: str
    folder: Path
    codes: tuple[str, ...]
    encoder: MultiVectorEncoder
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def languages(self) -> list[Language]:
        """One record per language."""
        return [Language(code, language_name(code), self.name) for code in self.codes]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Foreign words of its bitext; empty where the folder keeps none."""
        return tuple(_lines(self.folder / "run" / "words.txt"))

    @cached_property
    def translations(self) -> Mapping[str, tuple[str, ...]]:
        """English words by foreign word; empty where the folder keeps no word table."""
        found: dict[str, tuple[str, ...]] = {}
        for english, foreign in csv.reader(_lines(self.folder / "run" / "dictionary.tsv"), delimiter="\t"):
            key = foreign.casefold()
            found[key] = (*found.get(key, ()), english)
        return found


def load_models(folders: Sequence[Path | str], *, device: str) -> tuple[ServedModel, ...]:
    """Load models under distinct names.

    Args:
        folders: trained models and language packs; or names for `load_model`, which read English questions.
        device: see `choose_device`.

    Raises:
        SettingsError: no model is given, or two have the same name.
        ArtefactError: a folder is no model, or its record is damaged.
    """
    if not folders:
        raise SettingsError("no model is given: give the folder of a trained model, at least one")
    models = tuple(_load(folder, device) for folder in folders)
    for place, model in enumerate(models):
        if any(model.name == other.name for other in models[:place]):
            raise SettingsError(f"two models have the name {model.name!r}: rename one of the folders")
    return models


def _load(name_or_folder: Path | str, device: str) -> ServedModel:
    folder = Path(name_or_folder).expanduser()
    codes: tuple[str, ...] = (ENGLISH,)
    if (folder / "run" / "run.json").is_file():
        codes = language_codes(RunFolder(folder).settings()["language"])
    elif (pack := folder / "language_pack.json").is_file():
        codes = _codes_of_pack(pack)
    encoder = load_model(name_or_folder, device=device)
    return ServedModel(
        folder.resolve().name if folder.is_dir() else str(name_or_folder), folder, codes, encoder
    )


def _codes_of_pack(path: Path) -> tuple[str, ...]:
    try:
        return language_codes(json.loads(path.read_text(encoding="utf-8"))["language"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtefactError(f"{path}: names no language ({error}): copy the pack again") from None


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
