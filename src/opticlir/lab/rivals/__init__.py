"""Query translation: systems to compare with, which translate a foreign question into English."""

from opticlir.lab.rivals.agreement import agreement
from opticlir.lab.rivals.structured_queries import StructuredQueries
from opticlir.lab.rivals.translator import translate_queries, translate_task

__all__ = [
    "StructuredQueries",
    "agreement",
    "translate_queries",
    "translate_task",
]
