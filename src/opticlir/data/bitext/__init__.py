"""Bitext: English sentences with their translations, in five file formats."""

from opticlir.data.bitext.read import bitext_files, parse_bitext_argument, read_bitext
from opticlir.data.bitext.sources import BitextSource, bitext_sources
from opticlir.data.bitext.table import PairTable

__all__ = [
    "BitextSource",
    "PairTable",
    "bitext_files",
    "bitext_sources",
    "parse_bitext_argument",
    "read_bitext",
]
