"""A small test collection with bitext, included in the package: texts on community health."""

from opticlir.sample.packaged import LANGUAGES, bitext_path, sample_folder

__all__ = ["LANGUAGES", "bitext_path", "sample_folder"]
