"""Measures of runs, and significance tests between runs."""

from opticlir.evaluation.comparison import (
    Comparison,
    RunComparison,
    compare_runs,
    compare_systems,
    correct_family,
)
from opticlir.evaluation.comparison_table import comparison_json, latex_table, markdown_table
from opticlir.evaluation.measures import (
    DEFAULT_MEASURES,
    check_measures,
    check_same_collection,
    distinct_measures,
    evaluate,
    mean_scores,
    tied_queries,
)
from opticlir.evaluation.significance import (
    bootstrap_interval_over_seeds,
    effect_size,
    holm,
    paired_t_test,
    randomisation_test,
)

__all__ = [
    "DEFAULT_MEASURES",
    "Comparison",
    "RunComparison",
    "bootstrap_interval_over_seeds",
    "check_measures",
    "check_same_collection",
    "compare_runs",
    "compare_systems",
    "comparison_json",
    "correct_family",
    "distinct_measures",
    "effect_size",
    "evaluate",
    "holm",
    "latex_table",
    "markdown_table",
    "mean_scores",
    "paired_t_test",
    "randomisation_test",
    "tied_queries",
]
