"""The questions of a study in other words: the same for every arm, and drawn again for the report."""

from collections.abc import Mapping

from opticlir.lab.rivals import WordTable
from opticlir.lab.studies.declaration import StudyTask
from opticlir.lab.studies.perturbation import BY_MEANING, Perturbation, known_meanings, n_changed
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.systems import Bitext
from opticlir.records import Query


def perturbed_questions(plan: Plan, task: StudyTask, language: str) -> dict[Perturbation, list[Query]]:
    """The questions of a task in one language after each perturbation of the study.

    Raises:
        DataError: the collection, or the bitext that words are switched by, is not what it was.
    """
    queries = plan.tasks.load(task, language).queries
    meanings: Mapping[str, str] = {}
    if any(each.kind == BY_MEANING for each in plan.study.perturbations):
        files = task.languages[language].bitext
        bitext = Bitext(data=plan.tasks.data, arguments=files, language=language)
        meanings = known_meanings(WordTable.learn(bitext.read()), queries)
    return {each: each.apply(queries, meanings) for each in plan.study.perturbations}


def changed_shares(plan: Plan, task: StudyTask, language: str) -> dict[str, float]:
    """Label of a perturbation -> share of the questions that it changes at all. Raises as `perturbed_questions`."""
    queries = plan.tasks.load(task, language).queries
    return {
        each.label: n_changed(queries, perturbed) / len(queries)
        for each, perturbed in perturbed_questions(plan, task, language).items()
    }
