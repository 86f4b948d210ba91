"""The translator of a language, as a user names it: `spa=apertium:spa-eng`."""

import threading
from collections.abc import Sequence
from pathlib import Path

from opticlir.data import read_bitext
from opticlir.errors import DataError, SettingsError
from opticlir.languages import language_code
from opticlir.records import Translation
from opticlir.translation.apertium import Apertium
from opticlir.translation.load import NEEDS, load_translator
from opticlir.translation.translator import Translator

LONGEST_QUESTION = 4_000
"""Letters of a question that is translated."""
_BATCH_SIZE = 32
_SECONDS = 10.0
"""Longest time that a program has for a batch of questions."""


class QuestionTranslator:
    """Translates questions of one language into English. Threads may share it. `question_translator` makes one.

    Args:
        language: ISO 639-3 code of the questions.
        name: of the translator; it is shown with each translation.
        translator: does the work.
    """

    def __init__(self, language: str, name: str, translator: Translator) -> None:
        self.language, self.name = language, name
        self._translator, self._lock = translator, threading.Lock()

    def __repr__(self) -> str:
        return f"QuestionTranslator({self.language}, {self.name})"

    def translate(self, question: str) -> Translation:
        """Translate one question; errors as for `translate_all`."""
        (translation,) = self.translate_all([question])
        return translation

    def translate_all(self, questions: Sequence[str]) -> list[Translation]:
        """Translate questions. One whose translation is empty stays as it is.

        Raises:
            DataError: a question has more than 4,000 letters.
            SetupError: a program fails or takes too long.
        """
        if (longest := max(map(len, questions), default=0)) > LONGEST_QUESTION:
            raise DataError(
                f"a question has {longest:,} letters, a translator reads {LONGEST_QUESTION:,}: shorten it"
            )
        found: list[str] = []
        for begin in range(0, len(questions), _BATCH_SIZE):
            with self._lock:
                found += self._translator.translate_all(questions[begin : begin + _BATCH_SIZE])
        return [
            Translation(" ".join(english.split()) or question, self.name)
            for question, english in zip(questions, found, strict=True)
        ]


def question_translator(specification: str) -> QuestionTranslator:
    """Learn or load the translator that a user names.

    | specification | translator |
    |---|---|
    | `spa=apertium:spa-eng` | the rules of a language pair of Apertium |
    | `swa=word-table:pairs.tsv` | word by word, learned from bitext in any format of `read_bitext` |
    | `swa=dictionary:words.tsv` | a bilingual dictionary |
    | `hau=runs/marian`, `hau=seq2seq:runs/marian` | a folder of a translation model, of transformers or CTranslate2 |
    | `hau=seq2seq:nllb,hau_Latn,eng_Latn` | the same for a model of several languages, with its own codes |

    Args:
        specification: the language of the questions, in any code, and the translator.

    Raises:
        SettingsError: the specification is none of these, or the language is unknown.
        DataError: a file is missing or malformed.
        ArtefactError: a folder holds no translation model, or something that could run code.
        SetupError: a program or package is not installed, or it has no such language pair.

    Example:
        `question_translator("spa=apertium:spa-eng").translate("¿Qué agua es segura?").text`
    """
    language, equals, translator = specification.partition("=")
    by, _, what = translator.partition(":")
    if by not in NEEDS and Path(translator).expanduser().is_dir():
        by, what = "seq2seq", translator
    if not equals or by not in NEEDS or not what:
        raise SettingsError(
            f"translator {specification!r}: expected LANGUAGE=KIND:VALUE, such as spa=apertium:spa-eng, with "
            f"{', '.join(NEEDS)} as KIND; or LANGUAGE=FOLDER of a translation model"
        )
    code = language_code(language)
    shown = what if by == "apertium" else Path(what.split(",")[0]).expanduser().resolve().name
    return QuestionTranslator(code, f"{by}:{shown}", _translator(by, what, code))


def question_translators(specifications: Sequence[str]) -> dict[str, QuestionTranslator]:
    """Return translators by the code of their language; errors as for `question_translator`.

    Raises:
        SettingsError: two translators are for one language.
    """
    found: dict[str, QuestionTranslator] = {}
    for each in map(question_translator, specifications):
        if each.language in found:
            raise SettingsError(
                f"two translators for {each.language!r}, {found[each.language].name} and {each.name}: give one"
            )
        found[each.language] = each
    return found


def _translator(by: str, what: str, language: str) -> Translator:
    if by == "apertium":
        return Apertium(what, seconds=_SECONDS)
    if by == "seq2seq":
        return _neural(what)
    path = Path(what).expanduser()
    if by == "dictionary":
        return load_translator(by, language=language, dictionary=[path])
    return load_translator(by, language=language, pairs=list(read_bitext(path, language=language)))


def _neural(what: str) -> Translator:
    folder, *codes = what.split(",")
    if len(codes) not in (0, 2):
        raise SettingsError(
            f"seq2seq:{what}: expected FOLDER, or FOLDER,SOURCE,TARGET with the model's own codes of the languages"
        )
    source, target = codes or (None, None)
    return load_translator("seq2seq", model=Path(folder).expanduser(), source=source, target=target)
