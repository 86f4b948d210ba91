"""Measures of a run against judgements."""

from opticlir.evaluation.measures import DEFAULT_MEASURES, check_measures, evaluate, mean_scores

__all__ = ["DEFAULT_MEASURES", "check_measures", "evaluate", "mean_scores"]
