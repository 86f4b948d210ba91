"""Studies: a research question in a file, its runs, each computed once, and the answer as a report."""

from opticlir.lab.studies.compute import RunFailure, compute_runs
from opticlir.lab.studies.declaration import Study
from opticlir.lab.studies.plan import Plan, plan_study
from opticlir.lab.studies.reading import read_study
from opticlir.lab.studies.result import StudyResult, result_json, study_result
from opticlir.lab.studies.study_runs import RunStore, StudyRun
from opticlir.lab.studies.write import write_reports

__all__ = [
    "Plan",
    "RunFailure",
    "RunStore",
    "Study",
    "StudyResult",
    "StudyRun",
    "compute_runs",
    "plan_study",
    "read_study",
    "result_json",
    "study_result",
    "write_reports",
]
