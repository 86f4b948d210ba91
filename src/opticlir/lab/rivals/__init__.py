"""Query translation: systems to compare with, which translate a foreign question into English."""

from opticlir.lab.rivals.agreement import agreement
from opticlir.lab.rivals.apertium import Apertium
from opticlir.lab.rivals.dictionary import Dictionary
from opticlir.lab.rivals.load import load_translator
from opticlir.lab.rivals.structured_queries import StructuredQueries
from opticlir.lab.rivals.translator import Translator, translate_queries, translate_task
from opticlir.lab.rivals.word_table import WordTable

__all__ = [
    "Apertium",
    "Dictionary",
    "StructuredQueries",
    "Translator",
    "WordTable",
    "agreement",
    "load_translator",
    "translate_queries",
    "translate_task",
]
