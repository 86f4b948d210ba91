"""Named benchmarks as retrieval tasks, one file each."""

from opticlir.data.benchmarks.registry import BENCHMARKS, load_benchmark

__all__ = ["BENCHMARKS", "load_benchmark"]
