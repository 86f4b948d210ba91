"""The small collection and bitext that ship with the package: our own texts on community health."""

from opticlir.sample.packaged import LANGUAGES, bitext_path, sample_folder

__all__ = ["LANGUAGES", "bitext_path", "sample_folder"]
