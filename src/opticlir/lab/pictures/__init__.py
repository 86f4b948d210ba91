"""Plots that only study reports draw."""
