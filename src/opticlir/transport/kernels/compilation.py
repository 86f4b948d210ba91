"""How kernels are compiled, and how a compiled one is found again without trusting a stale one.

Numba optimises each function and turns it into machine code, then does so again inside each function that calls it.
Nearly all of that work is thrown away: Python calls the entry points alone. Here the functions below an entry point
only hand their code on, and it is optimised once, as a whole. That takes a quarter of the time.
"""

import inspect
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

from opticlir.machine_code import compiled_once
from opticlir.storage import sources


class _Part(JITCodeLibrary):
    """Code of a function that is optimised as part of the entry point above it."""

    def _optimize_functions(self, ll_module: Any) -> None:
        pass

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True  # without machine code


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    _name = "opticlir_part_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = _Part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        state.flags.no_compile = True
        super().run_pass(state)
        key: Any = [].append  # numba knows a function by a builtin, which must be equal to no other
        state.targetctx.insert_user_function(key, state.cr.fndesc, [state.library])
        state.cr = state.cr._replace(cfunc=key)
        return True


class _PartCompiler(CompilerBase):
    """Numba's own pipeline, with the last step replaced."""

    def define_pipelines(self) -> list[Any]:
        pipeline = DefaultPassBuilder.define_nopython_pipeline(self.state)
        pipeline.passes[:] = [
            (_PartLowering if step is NativeLowering else step, name) for step, name in pipeline.passes
        ]
        pipeline.finalize()
        return [pipeline]


_OPTIONS = {"nogil": True, "error_model": "numpy"}
_PART = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": _PartCompiler, **_OPTIONS}


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that other kernels call.

    Without the interpreter's lock; division by zero gives infinity, as everywhere outside Python.
    """
    return njit(**_PART)(inspect.unwrap(function))


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function into those that call it: for small ones that run in each iteration.

    Passing a slot costs as much as the work of such a function.
    """
    return njit(forceinline=True, **_PART)(inspect.unwrap(function))


def entry_point(function: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls, once per machine: it takes a few seconds.

    See `compiled_once` for where the compiled form is kept.
    """
    return compiled_once(inspect.unwrap(function), **_OPTIONS)


def source_fingerprint() -> int:
    """A number that changes with any kernel's source.

    Numba notices changes in the file of the function it caches, but not in the functions that one calls.
    It does count what a function closes over, so an entry point closes over this.
    """
    return int(sources.source_fingerprint(__package__)[:14], 16)
