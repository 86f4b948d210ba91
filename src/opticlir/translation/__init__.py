"""Query translation: the rivals that turn a foreign question into an English one."""

from opticlir.translation.agreement import agreement
from opticlir.translation.apertium import Apertium
from opticlir.translation.dictionary import Dictionary
from opticlir.translation.structured_queries import StructuredQueries
from opticlir.translation.translator import Translator, translate_queries
from opticlir.translation.word_table import WordTable

__all__ = [
    "Apertium",
    "Dictionary",
    "StructuredQueries",
    "Translator",
    "WordTable",
    "agreement",
    "translate_queries",
]
