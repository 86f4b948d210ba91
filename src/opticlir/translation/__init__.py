"""Machine translation of questions into English: word tables, dictionaries, Apertium and neural models."""

from opticlir.translation.apertium import Apertium
from opticlir.translation.dictionary import Dictionary
from opticlir.translation.load import load_translator
from opticlir.translation.question_translator import (
    QuestionTranslator,
    question_translator,
    question_translators,
)
from opticlir.translation.translator import Translator
from opticlir.translation.word_table import WordTable

__all__ = [
    "Apertium",
    "Dictionary",
    "QuestionTranslator",
    "Translator",
    "WordTable",
    "load_translator",
    "question_translator",
    "question_translators",
]
