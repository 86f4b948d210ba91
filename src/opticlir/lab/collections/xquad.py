"""XQuAD (Artetxe et al., ACL 2020): questions in a language that an English paragraph answers.

Licence CC BY-SA 4.0. `xquad.<language>.json` in SQuAD form; 240 paragraphs and 1190 questions in each of en, ar,
de, el, es, hi, ro, ru, th, tr, vi and zh. The SHA-256 of `xquad.en.json` begins with e4c57d1c9143aaa1.
"""

from pathlib import Path

from opticlir.data.language_files import language_file, language_files
from opticlir.errors import DataError
from opticlir.lab.collections.squad import question_task
from opticlir.languages import language_code
from opticlir.records import RetrievalTask

_PATTERN = "xquad.{language}.json"


def load(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - XQuAD is one split
    """Read `xquad.<language>.json` and `xquad.en.json` as 240 paragraphs and 1190 questions.

    The relevant document of a question is the English paragraph of the English question with the same id.

    Args:
        folder: folder with the files.
        language: language of the questions, any code.
        split: not used: XQuAD has one.

    Returns:
        The task, with the English questions.

    Raises:
        DataError: a file is missing or not in SQuAD form, or ids differ between the languages.
    """
    if "eng" not in language_files(folder, _PATTERN):
        raise DataError(
            f"{folder}: no xquad.en.json, which has the documents: looked for {_PATTERN}; "
            "XQuAD is in the GitHub repository google-deepmind/xquad"
        )
    code = language_code(language)
    english, foreign = (language_file(folder, _PATTERN, each) for each in ("eng", code))
    return question_task(f"xquad.{code}", folder, english, foreign, code)
