"""XNLI 2.0 (Upadhyay and Upadhya 2023, arXiv 2301.06527): the pairs of XNLI, with new machine translations.

It has languages that XNLI lacks: asm, ben, bho, guj, kan, mar, ori, pan, san, tam. Each language is a data set of the
Hugging Face hub, such as Harsit/xnli2.0_odiya with `odiya_test.csv`. The folder has these data sets, or their files
`<language>_<split>.csv`. Names may have capital letters (`Greek_train.csv`); that of Swahili is
`swahili_test_new.csv`. The header is `premise`, `hypothesis` and `label` (0 entailment, 1 neutral, 2 contradiction).
test has 5,010 rows. They do not name the pair of XNLI that they translate. So row n is taken for the n-th pair, and
all labels have to agree. The English sides come from `xnli.<split>.tsv` in the same folder. Licence of the copy of
MTEB, mteb/xnli2.0-multi-pair: CC BY 4.0; XNLI itself is CC BY-NC 4.0.
"""

import csv
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from opticlir.data.text_files import read_lines
from opticlir.errors import DataError
from opticlir.lab.collections.xnli import (
    LABELS,
    XnliRow,
    checked_row,
    english_rows,
    entailment_task,
    premise_task,
)
from opticlir.languages import language_code, language_name
from opticlir.records import RetrievalTask
from opticlir.visible import shown

_FORMS = (
    "{name}_{split}.csv",
    "{name}_{split}_new.csv",
    "xnli2.0_{name}/{name}_{split}.csv",
    "xnli2.0_{name}/{name}_{split}_new.csv",
)
"""In lower case, each also with .gz. The first that exists is taken."""
_SPELLINGS = {"guj": "gujrati", "ori": "odiya"}
"""Names in file names that are not those of our table."""
_COLUMNS = ("premise", "hypothesis", "label")


def load(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the English form of a premise among the premises.

    Args:
        folder: folder with the files of XNLI 2.0 and the English file of XNLI.
        language: language of the queries, any code.
        split: test, or dev if its files exist.

    Returns:
        The task, without English queries, because these would be the documents.

    Raises:
        DataError: a file is missing or malformed, or the rows of XNLI 2.0 differ from those of XNLI.
    """
    return premise_task("xnli2", folder, _rows(folder, language, split), language_code(language), split)


def load_entailment(folder: Path, language: str, split: str) -> RetrievalTask:
    """Read the task of finding the English hypothesis that follows from a premise, as `xnli-entailment`.

    Arguments and errors as in `load`.

    Returns:
        The task, with the English premises.
    """
    return entailment_task(
        "xnli2-entailment", folder, _rows(folder, language, split), language_code(language), split
    )


def _rows(folder: Path, language: str, split: str) -> Iterator[XnliRow]:
    path = _file(folder, language_code(language), split)
    original = folder / f"xnli.{split}.tsv"
    if not original.is_file():
        raise DataError(
            f"{folder}: no {original.name}, which has the English sides of {path.name}: it is in XNLI-1.0.zip of the "
            "GitHub repository facebookresearch/XNLI"
        )
    for translated, english in zip_longest(_translated(path), english_rows(original)):
        if translated is None or english is None:
            short, long = (path, original) if translated is None else (original, path)
            raise DataError(f"{short}: fewer rows than {long.name} has: they are not of the same pairs")
        line, premise, hypothesis, label = translated
        if label != english.label:
            raise DataError(
                f"{path}:{line}: {label}, but the same row of {original.name} is {english.label}: the rows are not in "
                "the order of XNLI"
            )
        yield checked_row(
            path, line, XnliRow(english.premise_id, label, english.english, (premise, hypothesis))
        )


def _file(folder: Path, code: str, split: str) -> Path:
    name = _SPELLINGS.get(code, language_name(code).lower())
    found = (*folder.glob(f"*_{split}*.csv*"), *folder.glob(f"*/*_{split}*.csv*"))
    there = {path.relative_to(folder).as_posix().lower(): path for path in sorted(found)}
    for form in _FORMS:
        wanted = form.format(name=name, split=split.lower())
        if path := there.get(wanted) or there.get(f"{wanted}.gz"):
            return path
    raise DataError(
        f"{folder}: no {{language}}_{split}.csv for {code!r}, {name}_{split}.csv: there is "
        f"{', '.join(there) or 'none'}; XNLI 2.0 is the data sets Harsit/xnli2.0_{{language}} of the Hugging "
        "Face hub"
    )


def _translated(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """Yield line, premise, hypothesis and label of each row."""
    reader = csv.DictReader((f"{line}\n" for _, line in read_lines(path)), strict=True)
    try:
        if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
            there = ", ".join(reader.fieldnames or ())
            raise DataError(f"{path}:1: no column {missing[0]!r} in the header: there are {there}")
        for row in reader:
            premise, hypothesis, label = cells = [row[name] for name in _COLUMNS]
            if None in row or None in cells or label not in map(str, range(len(LABELS))):
                raise DataError(
                    f"{path}:{reader.line_num}: expected a premise, a hypothesis and 0, 1 or 2 as the label, found "
                    f"{shown(repr(row), 200)}"
                )
            yield reader.line_num, premise, hypothesis, LABELS[int(label)]
    except csv.Error as error:
        # the inner reader counts the malformed row, DictReader does not
        raise DataError(f"{path}:{reader.reader.line_num}: no row of a CSV file: {error}") from None
