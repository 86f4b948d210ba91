"""XNLI (Conneau et al., EMNLP 2018) as retrieval: the same premise in English, or what follows from a premise.

Licence CC BY-NC 4.0. As published: `xnli.<split>.tsv` with a header and all 15 languages in one file, rows
of one `promptID` sharing a premise and of one `pairID` being translations. Or joined over two languages:
`xnli.<split>.eng-<xxx>.tsv` with the header `genre label sentence1_en sentence2_en sentence1_<xx>
sentence2_<xx>`, rows with one English premise in a row sharing it. dev has 830 premises of 3 hypotheses
each (entailment, neutral, contradiction), test 1,670. The SHA-256 of the joined `xnli.dev.eng-swa.tsv`
begins with a25e2b761f3684fd.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from opticlir.data.language_files import language_files
from opticlir.data.normalisation import normalise_text
from opticlir.data.retrieval_tasks import assemble_task
from opticlir.data.skipping import MalformedRecordError
from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.languages import language_code
from opticlir.records import Document, Qrels, Query, RetrievalTask
from opticlir.visible import shown

LABELS = ("entailment", "neutral", "contradiction")
_PUBLISHED = ("language", "gold_label", "sentence1", "sentence2", "promptID", "pairID")


@dataclass(frozen=True, slots=True)
class XnliRow:
    """A premise and a hypothesis in two languages."""

    premise_id: str
    label: str
    english: tuple[str, str]
    """Premise and hypothesis."""
    foreign: tuple[str, str]


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the English form of a premise among the premises.

    Args:
        folder: folder with one of the two forms.
        language: language of the queries, any code.
        split: dev or test.

    Returns:
        The task, without English queries, because these would be the documents.

    Raises:
        DataError: neither form exists for the language and split, or a file is malformed.
    """
    return premise_task("xnli", folder, _rows(folder, language, split), language_code(language), split)


def load_entailment(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the English hypothesis that follows from a premise.

    The documents are all hypotheses. The neutral hypothesis and the contradiction use nearly the same words, and have
    grade 0. Arguments and errors as in `load`.

    Returns:
        The task, with the English premises.
    """
    return entailment_task(
        "xnli-entailment", folder, _rows(folder, language, split), language_code(language), split
    )


def premise_task(name: str, folder: Path, rows: Iterable[XnliRow], code: str, split: str) -> RetrievalTask:
    """Make the task of `load` from its rows: a foreign premise has to find its English form."""
    premises = {row.premise_id: row for row in rows}
    return assemble_task(
        f"{name}.{code}.{split}",
        folder,
        (Document(f"premise.{each}", row.english[0]) for each, row in premises.items()),
        (Query(each, row.foreign[0], code) for each, row in premises.items()),
        {each: {f"premise.{each}": 1} for each in premises},
    )


def entailment_task(name: str, folder: Path, rows: Iterable[XnliRow], code: str, split: str) -> RetrievalTask:
    """Make the task of `load_entailment` from its rows."""
    rows = list(rows)
    qrels: Qrels = {}
    documents = []
    for number, row in enumerate(rows):
        documents.append(Document(f"hypothesis.{number:04d}", row.english[1]))
        qrels.setdefault(row.premise_id, {})[documents[-1].doc_id] = int(row.label == "entailment")
    premises = {row.premise_id: row for row in rows}
    return assemble_task(
        f"{name}.{code}.{split}",
        folder,
        documents,
        (Query(each, row.foreign[0], code) for each, row in premises.items()),
        qrels,
        (Query(each, row.english[0], "eng") for each, row in premises.items()),
    )


def _rows(folder: Path, language: str, split: str) -> Iterator[XnliRow]:
    code = language_code(language)
    joined = language_files(folder, f"xnli.{split}.eng-{{language}}.tsv")
    published = folder / f"xnli.{split}.tsv"
    if code in joined:
        return _joined_rows(joined[code], code)
    if published.is_file():
        return _published_rows(published, code)
    there = f"there are {', '.join(joined)}" if joined else "there is none"
    raise DataError(
        f"{folder}: no xnli.{split}.tsv, and no xnli.{split}.eng-{{language}}.tsv for {code!r}: {there}; XNLI is "
        "XNLI-1.0.zip of the GitHub repository facebookresearch/XNLI"
    )


def _joined_rows(path: Path, code: str) -> Iterator[XnliRow]:
    """Yield rows of two languages side by side. Rows with the same premise belong together."""
    number_of: dict[str, int] = {}
    for line, row in _table(path):
        foreign = next((name for name in row if name.startswith("sentence1_") and name != "sentence1_en"), "")
        if not foreign or language_code(foreign.removeprefix("sentence1_")) != code:
            raise DataError(f"{path}: no column sentence1 of {code!r}: there are {', '.join(row)}")
        suffix = foreign.removeprefix("sentence1")
        english = row.get("sentence1_en", ""), row.get("sentence2_en", "")
        premise = number_of.setdefault(english[0], len(number_of))
        texts = row[foreign], row.get(f"sentence2{suffix}", "")
        yield checked_row(path, line, XnliRow(f"{premise:04d}", row.get("label", ""), english, texts))


def _published_rows(path: Path, code: str) -> Iterator[XnliRow]:
    """Yield the joined rows of one pair, from a file with the rows of all languages."""
    sides: dict[str, dict[str, tuple[int, dict[str, str]]]] = {"eng": {}, code: {}}
    there = set()
    for line, row in _published_table(path):
        found = language_code(row["language"])
        there.add(found)
        if found in sides:
            sides[found][row["pairID"]] = line, row
    if not sides[code]:
        raise DataError(f"{path}: no row in {code!r}: there are {', '.join(sorted(there))}")
    for pair, (line, row) in sides[code].items():
        if pair not in sides["eng"]:
            raise DataError(f"{path}:{line}: pair {shown(pair)} has no English side")
        english = sides["eng"][pair][1]
        texts = [(side["sentence1"], side["sentence2"]) for side in (english, row)]
        yield checked_row(path, line, XnliRow(row["promptID"], row["gold_label"], texts[0], texts[1]))


def english_rows(path: Path) -> Iterator[XnliRow]:
    """Yield the English rows of a published file in their order, on both sides of the row."""
    for line, row in _published_table(path):
        if language_code(row["language"]) == "eng":
            texts = row["sentence1"], row["sentence2"]
            yield checked_row(path, line, XnliRow(row["promptID"], row["gold_label"], texts, texts))


def _published_table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for line, row in _table(path):
        if missing := [name for name in _PUBLISHED if name not in row]:
            raise DataError(f"{path}:1: no column {missing[0]!r} in the header: there are {', '.join(row)}")
        yield line, row


def _table(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells by the name of their column. Quotes are literal."""
    header: list[str] = []
    for line, text in read_lines(path):
        cells = text.split("\t")
        if not header:
            header = cells
        elif len(cells) != len(header):
            raise DataError(
                f"{path}:{line}: expected {len(header)} columns as in the header, found {len(cells)}"
            )
        else:
            yield line, dict(zip(header, cells, strict=True))


def checked_row(path: Path, line: int, row: XnliRow) -> XnliRow:
    """Return the row with normalised texts. Raises DataError if its label is unknown or a text is blank."""
    if row.label not in LABELS:
        raise DataError(f"{path}:{line}: expected {', '.join(LABELS)} as the label, found {shown(row.label)}")
    try:
        texts = [normalise_text(text) for text in (*row.english, *row.foreign)]
    except MalformedRecordError as error:
        raise DataError(f"{path}:{line}: {error}") from None
    if not all(texts):
        raise DataError(f"{path}:{line}: a premise or hypothesis is blank")
    return XnliRow(row.premise_id, row.label, (texts[0], texts[1]), (texts[2], texts[3]))
