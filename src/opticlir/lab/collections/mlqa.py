"""MLQA (Lewis et al., ACL 2020): questions in a language that an English paragraph answers.

Licence CC BY-SA 3.0. `MLQA_V1/<split>/<split>-context-en-question-<language>.json` in SQuAD form, splits dev
and test. Questions in dev and test: en 1148, 11590; de 512, 4517; es 500, 5254; ar 517, 5335; zh 504, 5137; vi 511,
5495; hi 507, 4918. Not all paragraphs are parallel. The documents are the English paragraphs of all English
questions, for every language. MLQA-R, with sentences as the documents, is in `lareqa`.
"""

from pathlib import Path

from opticlir.lab.collections.published import published_files
from opticlir.lab.collections.squad import question_task
from opticlir.languages import language_code
from opticlir.records import RetrievalTask

_WHENCE = (
    "MLQA is https://dl.fbaipublicfiles.com/MLQA/MLQA_V1.zip of the GitHub repository facebookresearch/MLQA"
)


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the questions of a language on the English paragraphs.

    Args:
        folder: folder with `MLQA_V1/`, or with the folders or files in it.
        language: language of the questions, any code.
        split: dev or test.

    Returns:
        The task, with the English questions.

    Raises:
        DataError: a file is missing or not in SQuAD form, or a question has no English form.
    """
    code = language_code(language)
    name = f"{split}-context-en-question-{{language}}.json"
    forms = (f"MLQA_V1/{split}/{name}", f"{split}/{name}", name)
    (english, *_), (foreign, *_) = (published_files(folder, forms, each, _WHENCE) for each in ("eng", code))
    return question_task(f"mlqa.{code}.{split}", folder, english, foreign, code)
