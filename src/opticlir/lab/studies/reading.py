"""Reads a study file (TOML). Every name that it mentions must be declared in it."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from opticlir.errors import DataError, SettingsError
from opticlir.evaluation import distinct_measures
from opticlir.lab.collections import BENCHMARKS
from opticlir.lab.probes.query_noise import RATED, WHOLE, QueryNoise
from opticlir.lab.studies.declaration import (
    POOL,
    POOLED,
    SOURCES,
    Budget,
    Family,
    Gain,
    Source,
    Study,
    StudyTask,
    SystemSpec,
    TaskLanguage,
    Translated,
)
from opticlir.languages import language_code
from opticlir.search import Ranking
from opticlir.settings import did_you_mean, read_toml, settings_from

_Kind = TypeVar("_Kind")
_TABLES = ("systems", "task", "budget", "family", "robustness", "gain")
_PLAIN = ("question", "answer_if", "baseline", "measures", "seeds", "depth", "reports", "train", "ranking",
          "equivalence_margin")  # fmt: skip
_RENAMED = {"arm": "system", "arms": "systems"}
_NAME = re.compile(r"[\w.+-]+")


def read_study(path: Path) -> Study:
    """Read a study file.

    Args:
        path: TOML file in the format of docs/studies.md.

    Raises:
        DataError: the file is not TOML; a key is unknown, missing or of another type; or a name (system, language,
            measure, test collection, report) is unknown. The message has the nearest known name.
    """
    top, where = read_toml(path), str(path)
    _check_keys(top, (*_PLAIN, *_TABLES), where)
    plain = {name: value for name, value in top.items() if name in _PLAIN}
    ranking = _one_of(where, "ranking", plain.pop("ranking", "dense"), get_args(Ranking))
    if "measures" in plain:
        plain["measures"] = _measures(plain["measures"], where)
    tables = {name: _table(top, name, where) for name in _TABLES if name != "task"}
    study = _read(
        Study,
        {
            **plain,
            "path": path,
            "systems": {name: _system(name, each, place, ranking) for name, each, place in
                        _entries(tables["systems"], "systems", where)},
            "tasks": _tasks(top.get("task", []), where),
            "budgets": {name: _read(Budget, {**each, "name": name}, place) for name, each, place in
                        _entries(tables["budget"], "budget", where)},
            "families": tuple(_read(Family, {**each, "name": name}, place) for name, each, place in
                              _entries(tables["family"], "family", where)),
            "noises": _noises(tables["robustness"], f"{where}: [robustness]"),
            "gain": _read(Gain, tables["gain"], f"{where}: [gain]") if "gain" in top else None,
        },
        where,
    )  # fmt: skip
    _check_names(study)
    _check_reports(study)
    return study


def _read(kind: type[_Kind], values: Mapping[str, Any], where: str) -> _Kind:
    """Read one table of the file. Raises DataError."""
    _check_keys(values, [entry.name for entry in fields(kind)], where)  # type: ignore[arg-type]
    for name, value in values.items():
        if value == []:
            raise DataError(f"{where}: {name} is []: expected a list with entries")
    given = dict(values)
    if isinstance(codes := given.get("languages"), list) and all(isinstance(code, str) for code in codes):
        given["languages"] = [code if code == POOL else _code(code, where) for code in codes]
    return settings_from(kind, given, source=where)


def _check_keys(values: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for name in values:
        if name not in known:
            hint = did_you_mean(name, known)
            if _RENAMED.get(name) in known:
                hint = f": it is called {_RENAMED[name]!r} now"
            raise DataError(f"{where}: unknown key {name!r}{hint}")


def _table(values: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    found = values.get(name, {})
    if not isinstance(found, dict):
        raise DataError(f"{where}: {name} is {found!r}: expected a table")
    return found


def _entries(table: Mapping[str, Any], name: str, where: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield name, table and place of each `[name.each]`."""
    for each in table:
        place = f"{where}: [{name}.{each}]"
        found = _table(table, each, place)
        if "name" in found:
            raise DataError(f"{place}: unknown key 'name': the name is in the brackets")
        yield each, found, place


def _measures(names: Any, where: str) -> tuple[str, ...]:
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"{where}: measures is {names!r}: expected a list of names")
    try:
        return distinct_measures(tuple(names))
    except ValueError as error:
        raise DataError(f"{where}: measures: {error}") from None


def _system(name: str, values: dict[str, Any], where: str, ranking: str) -> SystemSpec:
    _check_plain(name, where, "the name of a system")
    given = [source for source in SOURCES if source in values]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise DataError(f"{where}: expected one of {', '.join(SOURCES)}, found {found}")
    kind = SOURCES[given[0]]
    source: Source
    if kind is Translated:
        written = values["translate"]
        own = written if isinstance(written, dict) else {"by": written}
        source = _read(Translated, own, where.replace("]", ".translate]") if own is written else where)
        names = ["translate"]
    else:
        names = [entry.name for entry in fields(kind)]
        source = _read(kind, {key: values[key] for key in names if key in values}, where)
    rest = {key: value for key, value in values.items() if key not in names}
    _check_keys(rest, ["ranking", "languages", "baseline"], where)
    return _read(SystemSpec, {"ranking": ranking, **rest, "name": name, "source": source}, where)


def _tasks(tables: Any, where: str) -> tuple[StudyTask, ...]:
    if not isinstance(tables, list) or not tables:
        raise DataError(f"{where}: no [[task]]: a study needs one or more")
    tasks = tuple(_task(table, f"{where}: [task {number}]") for number, table in enumerate(tables, start=1))
    names = [task.name for task in tasks]
    if len(set(names)) < len(names):
        raise DataError(f"{where}: two tasks have the same name in {', '.join(names)}: give each a `name`")
    return tasks


def _task(table: dict[str, Any], where: str) -> StudyTask:
    languages: dict[str, TaskLanguage] = {}
    for written, each, place in _entries(_table(table, "languages", where), "languages", where):
        inner = place.replace("]: [", ".")
        if (code := _code(written, inner)) in languages:
            raise DataError(f"{inner}: {code} is given twice, under two codes: keep one")
        languages[code] = _read(TaskLanguage, each, inner)
    if not languages:
        raise DataError(f"{where}: no languages, as `languages.hau = {{bitext = [...]}}`")
    task = _read(StudyTask, {**table, "languages": languages}, where)
    if ":" not in task.benchmark:  # irds:ID and mteb:TASK are found by a library
        _one_of(where, "benchmark", task.benchmark, BENCHMARKS)
        if task.data is None:
            raise DataError(f"{where}: no key 'data', the folder of the collection")
    name = task.name or re.sub("[:/]", "-", task.benchmark)
    return replace(task, name=_check_plain(name, where, "the name of a task"))


@dataclass(frozen=True, kw_only=True)
class _Noises:
    """The table [robustness]."""

    typos: tuple[float, ...] = ()
    drop_words: tuple[float, ...] = ()
    code_switch: tuple[float, ...] = ()
    drop_diacritics: bool = False
    romanised: bool = False


def _noises(table: Mapping[str, Any], where: str) -> tuple[QueryNoise, ...]:
    declared = _read(_Noises, table, where)
    try:
        found = [
            QueryNoise(kind=kind, rate=float(rate)) for kind in RATED for rate in getattr(declared, kind)
        ]
        found += [QueryNoise(kind=kind) for kind in WHOLE if getattr(declared, kind)]
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    for each in found:
        if found.count(each) > 1:
            raise DataError(f"{where}: {each.label} is given twice")
    return tuple(found)


def _code(code: str, where: str) -> str:
    try:
        return language_code(code)
    except SettingsError as error:
        raise DataError(f"{where}: {error}") from None


def _one_of(where: str, key: str, value: Any, known: Iterable[str]) -> Any:
    if value not in (choices := tuple(known)):
        hint = did_you_mean(str(value), choices)
        raise DataError(f"{where}: {key} is {value!r}{hint}; expected one of {', '.join(choices)}")
    return value


def _check_plain(name: str, where: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise DataError(f"{where}: {what} is {name!r}: expected only letters, digits and the signs _ . + -")
    return name


def _check_names(study: Study) -> None:
    """Check that every name the file mentions is declared. Raises DataError."""
    where = str(study.path)
    languages = {code for task in study.tasks for code in task.languages}
    _known(where, "baseline", [study.baseline], study.systems)
    if len(study.systems) < 2:
        raise DataError(f"{where}: a study compares two systems or more, found {', '.join(study.systems)}")
    for spec in study.systems.values():
        place = f"{where}: [systems.{spec.name}]"
        _known(place, "languages", spec.languages or (), languages)
        _known(place, "baseline", [spec.baseline or study.baseline], study.systems)
    compared = {
        spec.name for spec in study.systems.values() if (spec.baseline or study.baseline) != spec.name
    }
    for family in study.families:
        place = f"{where}: [family.{family.name}]"
        _known(place, "systems", family.systems or (), compared)
        _known(place, "languages", family.languages or (), languages | {POOL})
        _known(place, "measures", family.measures or (), study.compared)
    for budget in study.budgets.values():
        _check_budget(study, budget, languages)
    if study.gain:
        _known(f"{where}: [gain]", "system", [study.gain.system], study.systems)
        _known(f"{where}: [gain]", "rivals", study.gain.rivals, study.systems)


def _check_budget(study: Study, budget: Budget, languages: Collection[str]) -> None:
    place = f"{study.path}: [budget.{budget.name}]"
    _known(place, "languages", budget.languages or (), languages)
    _known(place, "systems", budget.systems or (), study.systems)
    for name in budget.systems or ():
        if (baseline := study.systems[name].baseline or study.baseline) not in (budget.systems or ()):
            raise DataError(f"{place}: systems: add {baseline!r}, the baseline of {name!r}")
    chosen = study.systems if budget.systems is None else budget.systems
    expanding = [name for name in chosen if study.systems[name].expands]
    if expanding and not budget.models:
        raise DataError(f"{place}: no models, but the system {expanding[0]!r} has {{model}}: add models")


def _known(where: str, key: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known))
            raise DataError(
                f"{where}: {key}: unknown {name!r}{did_you_mean(name, known)}; expected one of {there}"
            )


def _check_reports(study: Study) -> None:
    """Check that what a report needs is declared. Raises DataError."""
    needs = {
        "gap": ("a task with languages of group 'high' and of group 'low'",
                any(task.group("high") and task.group("low") for task in study.tasks)),
        "robustness": ("query noise under [robustness]", bool(study.noises)),
        "gain": ("system and rivals under [gain]", study.gain is not None),
        "bias": (f"a task of {' or '.join(POOLED)}", any(task.benchmark in POOLED for task in study.tasks)),
    }  # fmt: skip
    for name in study.reports:
        needed, is_there = needs.get(name, ("", True))
        if not is_there:
            raise DataError(f"{study.path}: the report {name!r} needs {needed}")
