"""Indexes of token matrices, and ranking over them."""

from opticlir.search.exact import ExactIndex
from opticlir.search.hybrid import LEXICAL_WEIGHT
from opticlir.search.index import Entry, Index
from opticlir.search.searcher import Hit, Ranking, Searcher

__all__ = ["LEXICAL_WEIGHT", "Entry", "ExactIndex", "Hit", "Index", "Ranking", "Searcher"]
