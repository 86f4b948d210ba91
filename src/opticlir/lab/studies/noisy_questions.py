"""The questions of a study with query noise: the same for every system and for the report."""

from collections.abc import Mapping

from opticlir.lab.probes.query_noise import BY_MEANING, QueryNoise, known_meanings, n_changed
from opticlir.lab.studies.declaration import StudyTask
from opticlir.lab.studies.plan import Plan
from opticlir.lab.studies.systems import Bitext
from opticlir.records import Query
from opticlir.translation import WordTable


def noisy_questions(plan: Plan, task: StudyTask, language: str) -> dict[QueryNoise, list[Query]]:
    """Return the questions of a task in one language under each query noise of the study.

    Args:
        plan: the study.
        task: one of its tasks.
        language: code of one of its languages.

    Raises:
        DataError: the collection or the bitext changed since the study was planned.
    """
    queries = plan.tasks.load(task, language).queries
    meanings: Mapping[str, str] = {}
    if any(each.kind == BY_MEANING for each in plan.study.noises):
        files = task.languages[language].bitext
        bitext = Bitext(data=plan.tasks.data, arguments=files, language=language)
        meanings = known_meanings(WordTable.learn(bitext.read(), language=language), queries)
    return {each: each.apply(queries, meanings) for each in plan.study.noises}


def changed_shares(plan: Plan, task: StudyTask, language: str) -> dict[str, float]:
    """Return the share of changed questions by label of the query noise. Raises as `noisy_questions`."""
    queries = plan.tasks.load(task, language).queries
    return {
        each.label: n_changed(queries, noisy) / len(queries)
        for each, noisy in noisy_questions(plan, task, language).items()
    }
