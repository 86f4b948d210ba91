"""A study file: TOML, read strictly, everything that it names checked against everything else that it names."""

import math
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar, get_args

from opticlir.errors import DataError, SettingsError
from opticlir.evaluation import distinct_measures
from opticlir.lab.collections import BENCHMARKS
from opticlir.lab.probes.language_removal import REMOVALS
from opticlir.lab.studies.declaration import (
    POOL,
    POOLED,
    REPORTS,
    TRANSLATORS,
    Arm,
    AsItIs,
    Budget,
    Family,
    Gain,
    Recorded,
    Source,
    Study,
    StudyTask,
    TaskLanguage,
    Trained,
    Translated,
    WithoutLanguage,
)
from opticlir.lab.studies.perturbation import RATED, WHOLE, Perturbation
from opticlir.lab.studies.toml_table import TomlTable
from opticlir.languages import language_code
from opticlir.search import Ranking
from opticlir.settings import did_you_mean, read_toml

_Number = TypeVar("_Number", int, float)

_SOURCES = ("train", "model", "translate", "runs")
_OF_THE_STUDY = ("language", "seed")
_FIELDS = ("task", "language", "seed", "model")
_FIELDS_HELP = (
    f"there are {', '.join(f'{{{name}}}' for name in _FIELDS)}, each as it stands; a brace is written twice"
)
_NAME = re.compile(r"[\w.+-]+")


def read_study(path: Path) -> Study:
    """Read a study file.

    Args:
        path: TOML; docs/studies.md says what it may hold.

    Raises:
        DataError: it is no TOML, a key is unknown, missing or of another type, or a name (arm, language,
            measure, benchmark, report) is none of those that are known; the message says which would be.
    """
    top = TomlTable(read_toml(path), str(path))
    ranking = _one_of(top, "ranking", top.find("ranking", str) or "dense", get_args(Ranking))
    study = Study(
        path=path,
        question=top.need("question", str),
        answer_if=top.need("answer_if", str),
        baseline=top.need("baseline", str),
        measures=_measures(top),
        seeds=_seeds(top) or (0, 1, 2),
        depth=_depth(top),
        reports=top.list_of("reports", str) or ("effectiveness",),
        arms={name: _arm(name, table, ranking) for name, table in top.tables("arms").items()},
        tasks=_tasks(top),
        budgets={name: _budget(name, table) for name, table in top.tables("budget").items()},
        train=_training(top.mapping("train"), top.below("train")),
        families=tuple(_family(name, table) for name, table in top.tables("family").items()),
        perturbations=_perturbations(top.table("robustness")),
        gain=_gain(top.table("gain")) if "gain" in top else None,
    )
    top.finish()
    _check_names(study)
    _check_reports(study)
    return study


def _measures(top: TomlTable) -> tuple[str, ...]:
    try:
        return distinct_measures(top.list_of("measures", str) or ("AP",))
    except ValueError as error:
        raise DataError(f"{top.where}: measures: {error}") from None


def _depth(top: TomlTable) -> int:
    depth = top.find("depth", int)
    if depth is not None and depth < 1:
        raise DataError(f"{top.where}: depth is {depth}: expected 1 document per question or more")
    return 1000 if depth is None else depth


def _arm(name: str, table: TomlTable, ranking: str) -> Arm:
    _check_plain(name, table.where, "the name of an arm")
    given = [source for source in _SOURCES if source in table]
    if len(given) != 1:
        raise DataError(
            f"{table.where}: expected one of {', '.join(_SOURCES)}, found {' and '.join(given) or 'none'}"
        )
    arm = Arm(
        name=name,
        source=_source(given[0], table),
        ranking=_one_of(table, "ranking", table.find("ranking", str) or ranking, get_args(Ranking)),
        languages=_languages(table),
        baseline=table.find("baseline", str),
    )
    table.finish()
    return arm


def _source(kind: str, table: TomlTable) -> Source:
    if kind == "train":
        return Trained(settings=_training(table.mapping("train"), table.below("train")))
    if kind == "model":
        return _encoder(table)
    if kind == "runs":
        return Recorded(pattern=_pattern(table))
    return _translated(table)


def _pattern(table: TomlTable) -> str:
    """The path of run files, whose fields are plain names in braces."""
    pattern = table.need("runs", str)
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        raise DataError(f"{table.where}: runs is {pattern!r}: {error}; {_FIELDS_HELP}") from None
    for _, field, form, conversion in parts:
        if field is not None and (field not in _FIELDS or form or conversion):
            found = "".join([field, f"!{conversion}" if conversion else "", f":{form}" if form else ""])
            raise DataError(f"{table.where}: runs is {pattern!r}: no field {{{found}}}; {_FIELDS_HELP}")
    return pattern


def _encoder(table: TomlTable) -> AsItIs | WithoutLanguage:
    model, remove = table.need("model", str), table.find("remove", str)
    if remove is None:
        return AsItIs(model=model)
    rank = table.find("rank", int)
    found = WithoutLanguage(
        model=model, remove=_one_of(table, "remove", remove, REMOVALS), rank=1 if rank is None else rank
    )
    if found.rank < 1 or (found.remove == "lsar" and found.rank > 1):
        expected = "1 or more" if found.remove == "lir" else "1, the direction in which two means differ"
        raise DataError(f"{table.where}: rank is {found.rank}: {found.remove} expects {expected}")
    return found


def _translated(table: TomlTable) -> Translated:
    is_short = table.holds_text("translate")
    how = (
        TomlTable({"by": table.need("translate", str)}, table.where) if is_short else table.table("translate")
    )
    found = Translated(
        by=_one_of(how, "translate", how.need("by", str), TRANSLATORS),
        minutes=_amount(how, "minutes", float),
        model=how.find("model", str),
        target=how.find("target", str),
    )
    how.finish()
    if found.by == "seq2seq" and found.model is None:
        raise DataError(
            f"{how.where}: seq2seq needs the folder of a model, as {{by = 'seq2seq', model = ...}}"
        )
    return found


def _training(settings: dict[str, Any], where: str) -> dict[str, Any]:
    for name in _OF_THE_STUDY:
        if name in settings:
            raise DataError(f"{where}: {name} is the study's own to set: take it out")
    return settings


def _tasks(top: TomlTable) -> tuple[StudyTask, ...]:
    tasks = tuple(map(_task, top.array_of_tables("task")))
    if not tasks:
        raise DataError(f"{top.where}: no [[task]]: a study needs one or more")
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise DataError(
            f"{top.where}: two tasks have the same name in {', '.join(names)}: give each a `name`"
        )
    return tasks


def _task(table: TomlTable) -> StudyTask:
    benchmark = table.need("benchmark", str)
    is_found_by_library = ":" in benchmark  # irds:ID, mteb:TASK
    if not is_found_by_library:
        _one_of(table, "benchmark", benchmark, BENCHMARKS)
    languages: dict[str, TaskLanguage] = {}
    for written, each in table.tables("languages").items():
        if (code := _code(written, each)) in languages:
            raise DataError(
                f"{each.where}: {code} stands there twice, in other letters: one would be passed over"
            )
        languages[code] = _language(each)
    if not languages:
        raise DataError(f"{table.where}: no languages, as `languages.hau = {{bitext = [...]}}`")
    task = StudyTask(
        name=_check_plain(
            table.find("name", str) or re.sub("[:/]", "-", benchmark), table.where, "the name of a task"
        ),
        benchmark=benchmark,
        data=table.find("data", str) if is_found_by_library else table.need("data", str),
        split=table.find("split", str) or "dev",
        languages=languages,
    )
    table.finish()
    return task


def _language(table: TomlTable) -> TaskLanguage:
    group = table.find("group", str)
    language = TaskLanguage(
        bitext=table.list_of("bitext", str) or (),
        group=None if group is None else _one_of(table, "group", group, ("high", "low")),
        split=table.find("split", str),
        dictionary=table.list_of("dictionary", str) or (),
        apertium=table.find("apertium", str),
        seq2seq=table.find("seq2seq", str),
    )
    table.finish()
    return language


def _budget(name: str, table: TomlTable) -> Budget:
    budget = Budget(
        name=name,
        steps=_amount(table, "steps", int, may_be_0=True),
        minutes=_amount(table, "minutes", float),
        epochs=_amount(table, "epochs", float, may_be_0=True),
        translator_minutes=_amount(table, "translator_minutes", float),
        arms=table.list_of("arms", str),
        languages=_languages(table),
        seeds=_seeds(table),
        models=table.list_of("models", str) or (),
        teacher=table.find("teacher", str) or "minilm",
        queries=table.find("queries", int),
    )
    table.finish()
    if len(given := budget.of_training()) > 1:
        raise DataError(f"{table.where}: give one budget, not {' and '.join(given)}")
    if budget.queries is not None and budget.queries < 2:
        raise DataError(f"{table.where}: queries is {budget.queries}: a comparison needs 2 or more")
    return budget


def _amount(table: TomlTable, name: str, kind: type[_Number], *, may_be_0: bool = False) -> _Number | None:
    """How much of a training; 0 epochs or steps are the initialised student."""
    value = table.find(name, kind)
    if value is not None and not (0 < value < math.inf or (may_be_0 and value == 0)):
        expected = "a finite number, 0 or more" if may_be_0 else "a finite number above 0"
        raise DataError(f"{table.where}: {name} is {value}: expected {expected}")
    return value


def _family(name: str, table: TomlTable) -> Family:
    family = Family(
        name=name,
        arms=table.list_of("arms", str),
        languages=_languages(table),
        measures=table.list_of("measures", str),
    )
    table.finish()
    return family


def _perturbations(table: TomlTable) -> tuple[Perturbation, ...]:
    found = []
    try:
        for kind in RATED:
            found += [Perturbation(kind=kind, rate=rate) for rate in table.list_of(kind, float) or ()]
        found += [Perturbation(kind=kind) for kind in WHOLE if table.find(kind, bool)]
    except ValueError as error:
        raise DataError(f"{table.where}: {error}") from None
    table.finish()
    slugs = [each.slug for each in found]
    for each in found:
        if slugs.count(each.slug) > 1:
            raise DataError(f"{table.where}: {each.label} stands there twice: each is asked once")
    return tuple(found)


def _gain(table: TomlTable) -> Gain:
    gain = Gain(
        arm=table.need("arm", str),
        rivals=table.list_of("rivals", str) or (),
        published=table.find("published", float),
    )
    table.finish()
    if not gain.rivals:
        raise DataError(f"{table.where}: no key 'rivals', which is a list of arms")
    return gain


def _seeds(table: TomlTable) -> tuple[int, ...] | None:
    seeds = table.list_of("seeds", int)
    if seeds and (len(set(seeds)) < len(seeds) or min(seeds) < 0):
        raise DataError(f"{table.where}: seeds is {list(seeds)}: expected different numbers, 0 or more")
    return seeds


def _languages(table: TomlTable) -> tuple[str, ...] | None:
    codes = table.list_of("languages", str)
    return None if codes is None else tuple(code if code == POOL else _code(code, table) for code in codes)


def _code(code: str, table: TomlTable) -> str:
    try:
        return language_code(code)
    except SettingsError as error:
        raise DataError(f"{table.where}: {error}") from None


def _one_of(table: TomlTable, key: str, value: str, known: Iterable[str]) -> str:
    if value not in (choices := tuple(known)):
        raise DataError(
            f"{table.where}: {key} is {value!r}{did_you_mean(value, choices)}; there are {', '.join(choices)}"
        )
    return value


def _check_plain(name: str, where: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise DataError(f"{where}: {what} is {name!r}: expected letters, digits and the signs _ . + - alone")
    return name


def _check_names(study: Study) -> None:
    """See that whatever the file refers to is there."""
    where = str(study.path)
    languages = {code for task in study.tasks for code in task.languages}
    _known(where, "baseline", [study.baseline], study.arms)
    if len(study.arms) < 2:
        raise DataError(f"{where}: a study compares two arms or more, there is {', '.join(study.arms)}")
    _known(where, "reports", study.reports, REPORTS)
    for arm in study.arms.values():
        place = f"{where}: [arms.{arm.name}]"
        _known(place, "languages", arm.languages or (), languages)
        _known(place, "baseline", [arm.baseline or study.baseline], study.arms)
    compared = {arm.name for arm in study.arms.values() if (arm.baseline or study.baseline) != arm.name}
    for family in study.families:
        place = f"{where}: [family.{family.name}]"
        _known(place, "arms", family.arms or (), compared)
        _known(place, "languages", family.languages or (), languages | {POOL})
        _known(place, "measures", family.measures or (), study.compared)
    for budget in study.budgets.values():
        place = f"{where}: [budget.{budget.name}]"
        _known(place, "languages", budget.languages or (), languages)
        _known(place, "arms", budget.arms or (), study.arms)
        for name in budget.arms or ():
            if (baseline := study.arms[name].baseline or study.baseline) not in (budget.arms or ()):
                raise DataError(f"{place}: arms: {baseline!r}, the baseline of {name!r}, is not among them")
        chosen = study.arms if budget.arms is None else budget.arms
        expanding = [name for name in chosen if study.arms[name].expands]
        if expanding and not budget.models:
            raise DataError(f"{place}: no models, which the arm {expanding[0]!r} asks for by {{model}}")
    if study.gain:
        _known(f"{where}: [gain]", "arm", [study.gain.arm], study.arms)
        _known(f"{where}: [gain]", "rivals", study.gain.rivals, study.arms)


def _known(where: str, key: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known))
            raise DataError(f"{where}: {key}: unknown {name!r}{did_you_mean(name, known)}; there are {there}")


def _check_reports(study: Study) -> None:
    """See that what a report needs is declared."""
    needs = {
        "gap": ("a task with languages of group 'high' and of group 'low'", any(
            task.group("high") and task.group("low") for task in study.tasks)),
        "robustness": ("perturbations under [robustness]", bool(study.perturbations)),
        "gain": ("arm and rivals under [gain]", study.gain is not None),
        "bias": (
            f"a task of {' or '.join(POOLED)}",
            any(task.benchmark in POOLED for task in study.tasks),
        ),
    }  # fmt: skip
    for name in study.reports:
        needed, is_there = needs.get(name, ("", True))
        if not is_there:
            raise DataError(f"{study.path}: the report {name!r} needs {needed}")
