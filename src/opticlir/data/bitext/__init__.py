"""Bitext: English sentences and their translations, in any of five file formats."""

from opticlir.data.bitext.read import bitext_files, parse_bitext_argument, read_bitext

__all__ = ["bitext_files", "parse_bitext_argument", "read_bitext"]
