"""The models of a service: what it says of their languages and words, and a lock for each."""

import csv
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from opticlir.languages import language_name
from opticlir.search.question_models import QuestionModel, lines
from opticlir.service.answers import Language


@dataclass(frozen=True)
class ServedModel(QuestionModel):
    """A model that several threads share. Its tokenizers are not thread-safe: hold `lock` to use it."""

    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def languages(self) -> list[Language]:
        """One record per language."""
        return [Language(code, language_name(code), self.name) for code in self.codes]

    @cached_property
    def translations(self) -> Mapping[str, tuple[str, ...]]:
        """English words by foreign word; empty where the folder keeps no word table."""
        found: dict[str, tuple[str, ...]] = {}
        for english, foreign in csv.reader(lines(self.folder / "run" / "dictionary.tsv"), delimiter="\t"):
            key = foreign.casefold()
            found[key] = (*found.get(key, ()), english)
        return found
