"""A model with its index, or several: build, open, search, rank, explain."""

from opticlir.records import Ranking
from opticlir.search.exact import ExactIndex
from opticlir.search.explanation import Explanation, Match
from opticlir.search.hits import Hit, Hits
from opticlir.search.hybrid import LEXICAL_WEIGHT
from opticlir.search.index import Entry, Index
from opticlir.search.language_routes import LanguageRoutes
from opticlir.search.models import Model
from opticlir.search.multilingual import MultilingualRetriever
from opticlir.search.retriever import Retriever

__all__ = [
    "LEXICAL_WEIGHT",
    "Entry",
    "ExactIndex",
    "Explanation",
    "Hit",
    "Hits",
    "Index",
    "LanguageRoutes",
    "Match",
    "Model",
    "MultilingualRetriever",
    "Ranking",
    "Retriever",
]
