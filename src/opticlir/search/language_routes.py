"""Which of several models reads a question: the one of its language, stated or detected."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic

from opticlir.errors import SettingsError
from opticlir.languages import language_code
from opticlir.search.detection import LanguageDetector
from opticlir.search.index import Index
from opticlir.search.question_models import ENGLISH, Q
from opticlir.words import rough_words

AUTO = "auto"
"""Stands for the language that is detected."""

_ENGLISH_DOCUMENTS = 2000
"""Documents of an index that teach the detector English words."""


@dataclass(frozen=True, slots=True)
class Route(Generic[Q]):
    """How a question is read."""

    code: str
    """ISO 639-3."""
    is_detected: bool
    model: Q


class LanguageRoutes(Generic[Q]):
    """Chooses the model of a question.

    Args:
        models: with distinct names. Of two models for one language, the first one reads it.
        english: gives English words, the most frequent ones first, if a model reads English questions.
    """

    def __init__(self, models: Sequence[Q], english: Callable[[], Iterable[str]]) -> None:
        self.models = {model.name: model for model in models}
        self._english = english

    @cached_property
    def detector(self) -> LanguageDetector:
        """Learned at its first use from the words that the models keep."""
        words: dict[str, list[str]] = {}
        for model in self.models.values():
            for code in model.codes:
                words.setdefault(code, []).extend(model.words(code))
        if ENGLISH in words:
            words[ENGLISH].extend(self._english())
        return LanguageDetector(words)

    def detect(self, text: str) -> str:
        """Return the most probable language of a text among those of the models; the first one if no word decides."""
        return self.detector.detect(text) or next(iter(self.models.values())).codes[0]

    def choose(self, text: str, language: str = AUTO, model: str | None = None) -> Route[Q]:
        """Choose how a question is read.

        Args:
            text: the question.
            language: its code in any form, or `auto`.
            model: name of the model that must read it; None takes the first model of the language.

        Raises:
            SettingsError: no model has the name, or none reads the language.
        """
        if model is not None and model not in self.models:
            raise SettingsError(f"no model {model!r}: expected one of {', '.join(self.models)}")
        able = [each for name, each in self.models.items() if model in (None, name)]
        if is_detected := language == AUTO:
            found = self.detect(text)
            code = found if any(found in each.codes for each in able) else able[0].codes[0]
        else:
            code = language_code(language)
        for each in able:
            if code in each.codes:
                return Route(code, is_detected, each)
        known = ", ".join(dict.fromkeys(code for each in able for code in each.codes))
        raise SettingsError(f"no model reads the language {language!r}: expected auto or one of {known}")


def english_words(index: Index) -> Iterable[str]:
    """Return the words of the first documents of an index, the most frequent ones first."""
    counts = Counter(
        word
        for row in range(min(len(index), _ENGLISH_DOCUMENTS))
        for word in rough_words(index.document(row).content)
    )
    return [word for word, _ in counts.most_common()]
