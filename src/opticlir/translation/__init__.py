"""Query translation: the rivals that turn a foreign question into an English one."""

from opticlir.translation.word_table import WordTable

__all__ = ["WordTable"]
