"""Measures of models and rankings that research questions ask for."""
