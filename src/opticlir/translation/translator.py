"""What all translators into English have in common."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


@runtime_checkable
class Translator(Protocol):
    """Translates from one language to English."""

    def translate_all(self, texts: Sequence[str]) -> list[str]:
        """Return one English text per text, in order."""
        ...
