"""A folder of a neural translator, in the form of transformers or of CTranslate2."""

from pathlib import Path

from opticlir.lab.rivals.ctranslate2 import CTranslate2, is_converted
from opticlir.lab.rivals.seq2seq import Seq2Seq
from opticlir.lab.rivals.translator import Translator


def load_neural_translator(
    folder: Path, *, source: str | None = None, target: str | None = None
) -> Translator:
    """Load a translator from whatever form its folder has.

    Args:
        folder: a model saved by transformers, or what CTranslate2's converter made of one.
        source: the model's own code of the query language, where it knows several.
        target: its code of English, likewise.

    Raises:
        SetupError: it is of CTranslate2, which is not installed.
        ArtefactError: it holds no translation model, or one that does not know a language.
    """
    if is_converted(folder):
        return CTranslate2(folder, source=source, target=target)
    return Seq2Seq(folder, source=source, target=target)
