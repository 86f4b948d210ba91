"""Eight float32 numbers as one value inside a numba kernel: arithmetic lane by lane, and folds over them.

Numba leaves it to LLVM to find vector code in scalar loops; for matrices of 32 x 32 it finds too little.
Here a kernel says what it means: each function below becomes one or a few vector instructions.
"""

# ruff: noqa: ARG001, ARG005 - numba calls typing functions and code generators with arguments most do not need
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from opticlir.transport.kernels import llvm

LOG2_E = np.float32(1.4426950408889634)

_EXP2_FLOOR = -87.0
"""2**-87 = 6e-27: small enough to weigh nothing, large enough for products of two to stay normal numbers."""


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = _LanesType()


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, llvm.VECTOR)


@intrinsic
def splat(typing_context: Any, scalar: Any) -> Any:
    """The same number in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return llvm.splat(builder, args[0])

    return LANES(types.float32), generate


def _unary(build: Callable[[ir.IRBuilder, ir.Value], ir.Value], description: str) -> Any:
    """Make an intrinsic of one vector."""

    def function(typing_context: Any, x: Any) -> Any:
        return LANES(LANES), lambda context, builder, signature, args: build(builder, *args)

    function.__doc__ = description
    return intrinsic(function)


def _binary(build: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value], description: str) -> Any:
    """Make an intrinsic of two vectors."""

    def function(typing_context: Any, x: Any, y: Any) -> Any:
        return LANES(LANES, LANES), lambda context, builder, signature, args: build(builder, *args)

    function.__doc__ = description
    return intrinsic(function)


def _ternary(
    build: Callable[[ir.IRBuilder, ir.Value, ir.Value, ir.Value], ir.Value], description: str
) -> Any:
    """Make an intrinsic of three vectors."""

    def function(typing_context: Any, x: Any, y: Any, z: Any) -> Any:
        return LANES(LANES, LANES, LANES), lambda context, builder, signature, args: build(builder, *args)

    function.__doc__ = description
    return intrinsic(function)


@intrinsic
def choose_less(typing_context: Any, x: Any, y: Any, yes: Any, no: Any) -> Any:
    """Lane by lane, yes where x < y, else no."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return llvm.where(builder, "<", *args)

    return LANES(LANES, LANES, LANES, LANES), generate


def _exp2(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """X = n + r with r in [-1/2, 1/2]: a polynomial in r (Cephes exp2f), n added to the exponent bits."""
    low = llvm.constant(_EXP2_FLOOR)
    inside = llvm.where(builder, ">", x, low, x, low)  # NaN becomes the floor as well
    inside = llvm.where(builder, "<", inside, llvm.constant(120.0), inside, llvm.constant(120.0))
    to_integer = llvm.constant(12582912.0)  # 1.5 * 2**23: adding it leaves the rounded number in the low bits
    shifted = builder.fadd(inside, to_integer)
    r = builder.fsub(inside, builder.fsub(shifted, to_integer))
    c6, c5, c4, c3, c2, c1 = (
        llvm.constant(coefficient)
        for coefficient in (
            1.535336188319500e-4,
            1.339887440266574e-3,
            9.618437357674640e-3,
            5.550332471162809e-2,
            2.402264791363012e-1,
            6.931472028550421e-1,
        )
    )
    # pairs first (Estrin): Horner's chain of six would be the longest wait in a kernel matrix
    square = builder.fmul(r, r)
    low_part = llvm.fma(builder, c1, r, llvm.constant(1.0))
    middle = llvm.fma(builder, c3, r, c2)
    high = llvm.fma(builder, c6, square, llvm.fma(builder, c5, r, c4))
    power = llvm.fma(builder, llvm.fma(builder, high, square, middle), square, low_part)
    exponent = builder.shl(builder.bitcast(shifted, llvm.INT_VECTOR), llvm.integer(23))
    scaled = builder.bitcast(builder.add(builder.bitcast(power, llvm.INT_VECTOR), exponent), llvm.VECTOR)
    return llvm.where(builder, ">", x, low, scaled, llvm.constant(0.0))


def _log(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """Cephes logf for positive normal x; anything smaller counts as 1e-37."""
    tiny = llvm.constant(1e-37)
    x = llvm.where(builder, ">", x, tiny, x, tiny)
    bits = builder.bitcast(x, llvm.INT_VECTOR)
    # take sqrt(1/2) as 1 while splitting, so that the mantissa lands in [sqrt(1/2), sqrt(2))
    offset = llvm.integer(0x3F3504F3)
    moved = builder.sub(bits, offset)
    n = builder.sitofp(builder.ashr(moved, llvm.integer(23)), llvm.VECTOR)
    mantissa = builder.add(builder.and_(moved, llvm.integer(0x7FFFFF)), offset)
    r = builder.fsub(builder.bitcast(mantissa, llvm.VECTOR), llvm.constant(1.0))
    series = _polynomial(
        builder,
        r,
        (
            7.0376836292e-2,
            -1.1514610310e-1,
            1.1676998740e-1,
            -1.2420140846e-1,
            1.4249322787e-1,
            -1.6668057665e-1,
            2.0000714765e-1,
            -2.4999993993e-1,
            3.3333331174e-1,
        ),
    )
    square = builder.fmul(r, r)
    correction = builder.fmul(builder.fmul(series, r), square)
    correction = llvm.fma(builder, n, llvm.constant(-2.12194440e-4), correction)
    correction = llvm.fma(builder, square, llvm.constant(-0.5), correction)
    return llvm.fma(builder, n, llvm.constant(0.693359375), builder.fadd(r, correction))


def _polynomial(builder: ir.IRBuilder, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    """Horner's rule, highest power first."""
    answer: ir.Value = llvm.constant(coefficients[0])
    for coefficient in coefficients[1:]:
        answer = llvm.fma(builder, answer, x, llvm.constant(coefficient))
    return answer


fma = _ternary(llvm.fma, "x * y + z with one rounding.")
maximum = _binary(lambda b, x, y: llvm.where(b, ">", x, y, x, y), "The larger; y where x is NaN.")
minimum = _binary(lambda b, x, y: llvm.where(b, "<", x, y, x, y), "The smaller; y where x is NaN.")
keep_positive = _binary(
    lambda b, x, test: llvm.where(b, ">", test, llvm.constant(0.0), x, llvm.constant(0.0)),
    "x where test > 0, else 0.",
)
choose_positive = _ternary(
    lambda b, test, x, y: llvm.where(b, ">", test, llvm.constant(0.0), x, y), "x where test > 0, else y."
)
exp2 = _unary(_exp2, "2 to the x, to 2 units in the last place; exactly 0 below -87 and at NaN.")
log = _unary(_log, "Natural logarithm of a positive number, to 2 units in the last place.")
absolute = _unary(
    lambda b, x: b.bitcast(b.and_(b.bitcast(x, llvm.INT_VECTOR), llvm.integer(0x7FFFFFFF)), llvm.VECTOR),
    "Without the sign.",
)


def _operator(symbol: Any, build: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value]) -> None:
    """Give two vectors an operator, as one instruction: an overload would be a function to compile."""

    @type_callable(symbol)
    def typed(context: Any) -> Any:
        return lambda x, y: LANES if x is LANES and y is LANES else None

    @lower_builtin(symbol, LANES, LANES)
    def lowered(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return build(builder, *args)


_operator(operator.add, lambda b, x, y: b.fadd(x, y))
_operator(operator.sub, lambda b, x, y: b.fsub(x, y))
_operator(operator.mul, lambda b, x, y: b.fmul(x, y))
_operator(operator.truediv, lambda b, x, y: b.fdiv(x, y))


def _across(combine: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value], description: str) -> Any:
    """Make an intrinsic that folds eight lanes into one number."""

    def function(typing_context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = args[0]
            for distance in (4, 2, 1):
                value = combine(builder, value, llvm.rotate(builder, value, distance))
            return builder.extract_element(value, ir.Constant(llvm.INT, 0))

        return types.float32(LANES), generate

    function.__doc__ = description
    return intrinsic(function)


total = _across(lambda b, x, y: b.fadd(x, y), "Sum of the lanes.")
smallest = _across(lambda b, x, y: llvm.where(b, "<", x, y, x, y), "Least of the lanes.")
largest = _across(lambda b, x, y: llvm.where(b, ">", x, y, x, y), "Greatest of the lanes.")
