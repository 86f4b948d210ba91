"""Compiled forms of the transport solvers, for the processor and for accelerators."""
