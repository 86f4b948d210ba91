"""Named test collections as retrieval tasks, one file each."""

from opticlir.lab.collections.registry import BENCHMARKS, load_benchmark

__all__ = ["BENCHMARKS", "load_benchmark"]
