"""Bitext: English sentences and their translations, in any of five file formats."""

from opticlir.data.bitext.read import parse_bitext_argument, read_bitext

__all__ = ["parse_bitext_argument", "read_bitext"]
