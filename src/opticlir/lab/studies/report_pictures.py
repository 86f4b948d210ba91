"""The figures in the report of a study."""

from collections.abc import Sequence

from opticlir.lab.pictures.decline import Decline, decline_picture
from opticlir.lab.pictures.forest import ForestLine, forest_picture
from opticlir.lab.pictures.scatter import Point, scatter_picture
from opticlir.lab.probes.query_noise import QueryNoise
from opticlir.lab.studies.declaration import POOL
from opticlir.lab.studies.differences import Difference, taken_together
from opticlir.lab.studies.findings import GapRow, GeometryRow, RobustnessRow
from opticlir.lab.studies.plan import Plan
from opticlir.languages import language_name
from opticlir.pictures import Image

_ALPHA = 0.05


def forest_of_differences(rows: Sequence[Difference], plan: Plan) -> Image:
    """Draw a line per system in the first measure, by task and language. Several languages together come last."""
    many_tasks = len({row.task for row in rows if row.language != POOL}) > 1
    ordered = sorted(rows, key=lambda row: row.language == POOL)
    return forest_picture(
        [
            ForestLine(
                group=_group(row, plan, with_task=many_tasks),
                name=row.system,
                difference=row.comparison.mean_difference,
                low=row.comparison.interval[0],
                high=row.comparison.interval[1],
                is_significant=row.comparison.p_holm is not None and row.comparison.p_holm <= _ALPHA,
            )
            for row in sorted(ordered, key=lambda row: _order(rows, row))
        ],
        f"difference in {plan.study.measures[0]} from the baseline",
    )


def _order(rows: Sequence[Difference], row: Difference) -> tuple[bool, int]:
    places = list(dict.fromkeys((each.task, each.language) for each in rows))
    return row.language == POOL, places.index((row.task, row.language))


def _group(row: Difference, plan: Plan, *, with_task: bool) -> str:
    if row.language == POOL:
        return taken_together(row, plan)
    name = language_name(row.language)
    return f"{row.task}: {name}" if with_task else name


def gap_by_size(rows: Sequence[GapRow]) -> Image:
    """Draw the gap between high and low-resource languages by the number of weights."""
    many_tasks = len({row.task for row in rows}) > 1
    return scatter_picture(
        [
            Point(x=row.parameters, y=row.gap.high_minus_low, name=row.system.partition("@")[0],
                  label=f"{row.system.partition('@')[2]} {row.task if many_tasks else ''}".strip())
            for row in rows
            if row.parameters
        ],
        ("parameters of the query encoder", "gap: high minus low"),
        is_log_x=True,
    )  # fmt: skip


def plane_of_spaces(rows: Sequence[GeometryRow]) -> Image:
    """Draw alignment against uniformity, with a point per system and language."""
    return scatter_picture(
        [
            Point(x=row.space.uniformity_foreign, y=row.space.alignment, name=row.system, label=row.language)
            for row in rows
        ],
        ("uniformity of the questions", "alignment with English"),
    )


def decline_of_systems(
    rows: Sequence[RobustnessRow], noises: Sequence[QueryNoise], measure: str
) -> Image | None:
    """Draw a panel per task and kind of query noise with a rate. Returns None if no noise has a rate."""
    many_tasks = len({row.task for row in rows}) > 1
    panels: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for noise in noises:
        for row in rows:
            if noise.rate is None or row.noise != noise.label:
                continue
            kind = noise.kind.replace("_", " ")
            panel = panels.setdefault(f"{row.task}: {kind}" if many_tasks else kind, {})
            panel.setdefault(row.system, [(0.0, row.clean)]).append((noise.rate, row.score))
    found: dict[str, Decline] = dict(panels)
    return decline_picture(found, measure) if found else None
