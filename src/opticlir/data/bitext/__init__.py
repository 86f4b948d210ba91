"""Bitext: English sentences with their translations, in the file formats in use."""

from opticlir.data.bitext.columns import Columns, parse_columns
from opticlir.data.bitext.read import bitext_files, parse_bitext_argument, read_bitext
from opticlir.data.bitext.sources import BitextSource, bitext_sources, language_sources
from opticlir.data.bitext.table import PairTable

__all__ = [
    "BitextSource",
    "Columns",
    "PairTable",
    "bitext_files",
    "bitext_sources",
    "language_sources",
    "parse_bitext_argument",
    "parse_columns",
    "read_bitext",
]
