"""A comparison of runs as a table for the terminal, a notebook, Markdown, LaTeX or JSON."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from opticlir.data.markup import html_table
from opticlir.evaluation.comparison import Comparison, RunComparison
from opticlir.visible import visible

HEADINGS = ("run", "mean", "difference", "interval", "gain", "p", "+/-/=")
"""Headings of the cells that `rows` yields."""

_MARKS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))
_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip


def significance_mark(p_holm: float | None) -> str:
    """Return one star for p up to .05, two up to .01, three up to .001, else nothing.

    Example:
        >>> significance_mark(0.01), significance_mark(0.2)
        ('**', '')
    """
    if p_holm is None:
        return ""
    return next((mark for threshold, mark in _MARKS if p_holm <= threshold), "")


def rows(comparison: RunComparison, measure: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each run in one measure, the baseline first. Cells without a comparison are empty."""
    for name, mean in comparison.means[measure].items():
        against = comparison.comparisons[measure].get(name)
        yield (name, f"{mean:.3f}", *(_cells(against) if against else [""] * (len(HEADINGS) - 2)))


def legend(comparison: RunComparison) -> str:
    """Return one sentence that explains the cells."""
    return (
        f"{comparison.n_queries} queries; difference and relative gain against {comparison.baseline}, with a "
        f"{_percent(comparison.level)} bootstrap interval; p of the paired randomisation test "
        f"({comparison.draws:,} draws, seed {comparison.seed}), Holm-corrected over {comparison.family_size} "
        f"tests: * at most .05, ** .01, *** .001; +/-/=: queries won, lost, tied"
    )


def comparison_json(comparison: RunComparison) -> dict[str, Any]:
    """Return the comparison as plain values, one object per run and measure, the baseline included."""
    return {
        "baseline": comparison.baseline,
        "queries": comparison.n_queries,
        "draws": comparison.draws,
        "seed": comparison.seed,
        "level": comparison.level,
        "family_size": comparison.family_size,
        "runs": [
            {"run": name, "measure": measure, "mean": mean}
            | (_values(against) if (against := comparison.comparisons[measure].get(name)) else {})
            for measure, by_run in comparison.means.items()
            for name, mean in by_run.items()
        ],
    }


def markdown_table(comparison: RunComparison) -> str:
    """Return the comparison as Markdown: a table per measure, and the legend."""
    lines: list[str] = []
    for measure in comparison.means:
        lines += [
            f"### {measure}",
            "",
            f"| {' | '.join(HEADINGS)} |",
            f"|---|{'---:|' * (len(HEADINGS) - 1)}",
        ]
        lines += [f"| {' | '.join(map(markdown_text, cells))} |" for cells in rows(comparison, measure)]
        lines.append("")
    return "\n".join([*lines, markdown_text(legend(comparison)), ""])


def text_tables(comparison: RunComparison) -> str:
    """Return the comparison as plain text: a table per measure with columns in line, and the legend."""
    lines: list[str] = []
    for measure in comparison.means:
        table = [(measure, *HEADINGS[1:]), *rows(comparison, measure)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for name, *others in table:
            values = (value.rjust(width) for value, width in zip(others, widths[1:], strict=True))
            lines.append("  ".join([visible(name).ljust(widths[0]), *values]).rstrip())
        lines.append("")
    return "\n".join([*lines, legend(comparison)])


def html_tables(comparison: RunComparison) -> str:
    """Return the comparison as HTML: a table per measure, and the legend below the last."""
    *others, last = comparison.means
    return "".join(
        html_table(measure, HEADINGS, rows(comparison, measure), notes)
        for measure, notes in [*((measure, ()) for measure in others), (last, (legend(comparison),))]
    )


def latex_table(comparison: RunComparison) -> str:
    """Return the comparison as one LaTeX table with rules of booktabs and the legend as caption."""
    lines = [
        r"\begin{table}",
        rf"\caption{{{latex_text(legend(comparison))}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(HEADINGS) - 1)}}}",
        r"\toprule",
        latex_row(HEADINGS),
    ]
    for measure in comparison.means:
        lines += [
            r"\midrule",
            rf"\multicolumn{{{len(HEADINGS)}}}{{l}}{{\textit{{{latex_text(measure)}}}}} \\",
        ]
        lines += [latex_row(cells) for cells in rows(comparison, measure)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])


def _cells(comparison: Comparison) -> list[str]:
    low, high = comparison.interval
    gain, p_value = comparison.relative_difference, comparison.p_holm
    return [
        f"{comparison.mean_difference:+.3f}{significance_mark(p_value)}",
        f"[{low:+.3f}, {high:+.3f}]",
        "" if gain is None else f"{gain:+.1%}",
        "" if p_value is None else f"{p_value:.4f}",
        f"{comparison.wins}/{comparison.losses}/{comparison.ties}",
    ]


def _values(comparison: Comparison) -> dict[str, Any]:
    values = dataclasses.asdict(comparison)
    for known in ("mean_first", "mean_second", "level", "n_queries"):  # written once for the whole comparison
        del values[known]
    return values


def _percent(share: float) -> str:
    return f"{100 * share:g} %"


def markdown_text(text: str) -> str:
    r"""A text as Markdown shows it, in a cell too.

    Example:
        >>> markdown_text("a|b_c")
        'a\\|b\\_c'
    """
    return "".join(f"\\{character}" if character in "\\|*_<`[&~" else character for character in text)


def latex_text(text: str) -> str:
    r"""A text as LaTeX sets it.

    Example:
        >>> latex_text("5 % of a_b")
        '5 \\% of a\\_b'
    """
    return "".join(_LATEX.get(character, character) for character in text)


def latex_row(cells: Sequence[str]) -> str:
    r"""Cells as a row of a LaTeX table.

    After a row end or a rule, LaTeX reads a star or a bracket as an option, even on the next line. So a row that
    begins with one starts with an empty group.

    Example:
        >>> print(latex_row(["a_b", "0.500"]), latex_row(["[x", "*"]))
        a\_b & 0.500 \\ {}[x & * \\
    """
    row = " & ".join(map(latex_text, cells))
    guard = "{}" if row.lstrip().startswith(("[", "*")) else ""
    return f"{guard}{row} \\\\"
