"""Writes the report of a study to four files."""

import json
from pathlib import Path

from opticlir.lab.studies.report import study_sections
from opticlir.lab.studies.report_text import sections_latex, sections_markdown
from opticlir.lab.studies.result import StudyResult, result_json
from opticlir.pictures import report_html
from opticlir.storage import write_text_atomically
from opticlir.storage.filesystem import make_folders, refusals_named


def write_reports(result: StudyResult, out: Path) -> list[Path]:
    """Write `report.html`, `report.md`, `report.tex` and `results.json`. Each file is replaced as a whole.

    Args:
        result: the result of the study.
        out: the study's folder.

    Returns:
        The files.

    Raises:
        SetupError: matplotlib is not installed.
        ArtefactError: a file cannot be written.
    """
    title = f"Study {result.plan.study.path.stem}"
    sections = study_sections(result)
    values = json.dumps(result_json(result), ensure_ascii=False, indent=2, allow_nan=False)
    texts = {
        "report.html": report_html(title, sections),
        "report.md": sections_markdown(title, sections),
        "report.tex": sections_latex(title, sections),
        "results.json": values + "\n",
    }
    with refusals_named(out):
        make_folders(out)
    for name, text in texts.items():
        write_text_atomically(out / name, text)
    return [out / name for name in texts]
