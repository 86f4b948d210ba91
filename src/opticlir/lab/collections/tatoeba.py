"""Tatoeba v1 of LASER (Artetxe and Schwenk, TACL 2019; XTREME uses it): the translation among 1,000 sentences.

Licence CC BY 2.0 FR; the SHA-256 of `tatoeba.swh-eng.swh` begins with 1c672915446c336c.
Line n of `tatoeba.<xxx>-eng.<xxx>` translates line n of `tatoeba.<xxx>-eng.eng`; up to
1,000 pairs a language, and one split. The published accuracy is RR@1 or P@1 of these tasks. Only the translation
itself is relevant, even if another line has the same text.
"""

from pathlib import Path

from opticlir.data.language_files import language_files
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import Document, Query, RetrievalTask


def load(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001 - Tatoeba is one split
    """Read the task of finding the English translation of a sentence.

    Args:
        folder: folder with the files.
        language: language of the queries, any code.
        split: not used: there is one.

    Returns:
        The task, without English queries, because these would be the documents.

    Raises:
        DataError: a file is missing or malformed, or the two differ in their number of lines. For a missing language,
            the message lists the others.
    """
    code, foreign, english = _sides(folder, language)
    return _task(f"tatoeba.{code}", folder, (code, foreign), ("eng", english))


def load_from_english(folder: Path, language: str, split: str) -> RetrievalTask:  # noqa: ARG001
    """Read the reverse task: find the translation of an English sentence. Arguments and errors as in `load`."""
    code, foreign, english = _sides(folder, language)
    return _task(f"tatoeba-from-english.{code}", folder, ("eng", english), (code, foreign))


def _task(
    name: str, folder: Path, asked: tuple[str, list[str]], searched: tuple[str, list[str]]
) -> RetrievalTask:
    queries = [Query(f"{asked[0]}.{number:04d}", text, asked[0]) for number, text in enumerate(asked[1])]
    documents = [Document(f"{searched[0]}.{number:04d}", text) for number, text in enumerate(searched[1])]
    qrels = {query.query_id: {document.doc_id: 1} for query, document in zip(queries, documents, strict=True)}
    return assemble_task(name, folder, documents, queries, qrels)


def _sides(folder: Path, language: str) -> tuple[str, list[str], list[str]]:
    """Code, foreign and English sentences."""
    code = language_code(language)
    files = {
        language_code(name.split(".")[1].partition("-")[0]): folder / name
        for name in sorted(path.name for path in folder.glob("tatoeba.*-eng.eng"))
    }
    if code not in files:
        there = f"there are {', '.join(sorted(files))}" if files else "there is none"
        raise DataError(
            f"{folder}: no tatoeba.{{language}}-eng.eng for {code!r}: {there}; Tatoeba v1 is in data/tatoeba/v1 "
            "of the GitHub repository facebookresearch/LASER"
        )
    english = files[code]
    foreign = language_files(folder, f"{english.name.removesuffix('eng')}{{language}}").get(code)
    if foreign is None:
        raise DataError(f"{english}: its other side, {english.stem}.<language>, is missing")
    sides = _sentences(foreign), _sentences(english)
    if len(sides[0]) != len(sides[1]):
        raise DataError(
            f"{foreign} has {len(sides[0])} lines but {english} has {len(sides[1])}: line n of one is to "
            "translate line n of the other"
        )
    return code, *sides


def _sentences(path: Path) -> list[str]:
    sentences = []
    for number, line in read_lines(path):
        try:
            sentences.append(normalise_text(line))
        except MalformedRecordError as error:
            raise DataError(f"{path}:{number}: {error}") from None
        if not sentences[-1]:
            raise DataError(f"{path}:{number}: expected one sentence a line, found a blank line")
    return sentences
