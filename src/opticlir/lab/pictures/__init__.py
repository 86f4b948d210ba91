"""Plots for the reports of the laboratory."""
