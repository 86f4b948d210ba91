"""Instructions on eight float32 numbers, as LLVM is given them while numba compiles.

They are the same on any processor LLVM knows: where one has only four lanes, LLVM splits each in two.
"""

from collections.abc import Sequence

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils

N_LANES = 8

FLOAT = ir.FloatType()
INT = ir.IntType(32)
VECTOR = ir.VectorType(FLOAT, N_LANES)
INT_VECTOR = ir.VectorType(INT, N_LANES)
MASK = ir.VectorType(ir.IntType(1), N_LANES)

_UNDEFINED = ir.Constant(VECTOR, ir.Undefined)


def constant(value: float) -> ir.Constant:
    """The same float32 in every lane."""
    return ir.Constant(VECTOR, [ir.Constant(FLOAT, value)] * N_LANES)


def integers(values: Sequence[int], width: int = 32) -> ir.Constant:
    """A vector of integers of `width` bits."""
    kind = ir.IntType(width)
    return ir.Constant(ir.VectorType(kind, len(values)), [ir.Constant(kind, value) for value in values])


def integer(value: int) -> ir.Constant:
    """The same integer of 32 bits in every lane."""
    return integers([value] * N_LANES)


def splat(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    """A scalar in every lane."""
    first = builder.insert_element(_UNDEFINED, scalar, ir.Constant(INT, 0))
    return shuffle(builder, first, _UNDEFINED, [0] * N_LANES)


def shuffle(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, picks: Sequence[int]) -> ir.Value:
    """Lane k of the answer is lane `picks[k]` of x and y, counted on from x to y."""
    return builder.shuffle_vector(x, y, integers(picks))


def rotate(builder: ir.IRBuilder, x: ir.Value, by: int) -> ir.Value:
    """Lane k of the answer is lane (k + by) mod 8 of x."""
    return shuffle(builder, x, _UNDEFINED, [(lane + by) % N_LANES for lane in range(N_LANES)])


def fma(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    """The sum x * y + z with one rounding."""
    signature = ir.FunctionType(VECTOR, [VECTOR] * 3)
    name = f"llvm.fma.v{N_LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), [x, y, z])


def where(
    builder: ir.IRBuilder, test: str, x: ir.Value, y: ir.Value, yes: ir.Value, no: ir.Value
) -> ir.Value:
    """Ordered comparison: a NaN on either side takes `no`."""
    return builder.select(builder.fcmp_ordered(test, x, y), yes, no)


def address_of(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value, kind: ir.Type) -> ir.Value:
    """Address of the number `offset` places after a base."""
    return builder.gep(builder.inttoptr(base, kind.as_pointer()), [offset])


def vector_address_of(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value) -> ir.Value:
    """Address of the eight float32 numbers from `offset` on."""
    return builder.bitcast(address_of(builder, base, offset, FLOAT), VECTOR.as_pointer())


def load(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value) -> ir.Value:
    """Eight neighbours from `offset` on."""
    value = builder.load(vector_address_of(builder, base, offset))
    value.align = 4
    return value
