"""Measures of a run against judgements."""

from opticlir.evaluation.measures import DEFAULT_MEASURES, evaluate, mean_scores

__all__ = ["DEFAULT_MEASURES", "evaluate", "mean_scores"]
