"""Studies: a research question as a file, its cells computed once, and the answer as a report."""

from opticlir.lab.studies.cells import Cell, CellStore
from opticlir.lab.studies.declaration import Study
from opticlir.lab.studies.plan import Plan, plan_study
from opticlir.lab.studies.reading import read_study
from opticlir.lab.studies.result import StudyResult, result_json, study_result
from opticlir.lab.studies.run import CellFailure, run_cells
from opticlir.lab.studies.write import write_reports

__all__ = [
    "Cell",
    "CellFailure",
    "CellStore",
    "Plan",
    "Study",
    "StudyResult",
    "plan_study",
    "read_study",
    "result_json",
    "run_cells",
    "study_result",
    "write_reports",
]
