"""Eight float32 numbers as one value inside a numba kernel, and what a processor does with them.

Numba leaves it to LLVM to find vector code in scalar loops; for matrices of 32 x 32 it finds too little
(docs/decisions/transport-kernels.md has the numbers). Here a kernel says what it means: each function
below becomes one or a few vector instructions, on any processor LLVM knows. Where a processor has only
four lanes, LLVM splits each in two.

Memory is an address, the integer `tensor.data_ptr()` gives, and an offset in elements; nothing is checked.
Numba's own arrays would be counted, atomically, each time one is handed on: in a kernel of microseconds
that was most of the time. Whoever calls a kernel keeps the tensors alive.
"""

# ruff: noqa: ARG001, ARG005 - numba calls typing functions and code generators with arguments most do not need
import operator
from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

N_LANES = 8

_FLOAT = ir.FloatType()
_INT = ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, N_LANES)
_INT_VECTOR = ir.VectorType(_INT, N_LANES)
_MASK = ir.VectorType(ir.IntType(1), N_LANES)
_EXP2_FLOOR = -87.0
"""2**-87 = 6e-27: small enough to weigh nothing, large enough for products of two to stay normal numbers."""

_UNDEFINED = ir.Constant(_VECTOR, ir.Undefined)


class _LanesType(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES = _LanesType()
EIGHT = types.UniTuple(LANES, 8)
"""A block of 8 x 8 numbers, or eight running sums."""


@register_model(_LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, numba_type: Any) -> None:
        super().__init__(manager, numba_type, _VECTOR)


# --- building blocks in LLVM's own terms ---------------------------------------------------------


def _constant(value: float) -> ir.Constant:
    return ir.Constant(_VECTOR, [ir.Constant(_FLOAT, value)] * N_LANES)


def _integers(values: Sequence[int], width: int = 32) -> ir.Constant:
    kind = ir.IntType(width)
    return ir.Constant(ir.VectorType(kind, len(values)), [ir.Constant(kind, value) for value in values])


def _shuffle(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, picks: Sequence[int]) -> ir.Value:
    return builder.shuffle_vector(x, y, _integers(picks))


def _rotate(builder: ir.IRBuilder, x: ir.Value, by: int) -> ir.Value:
    """Lane k of the answer is lane (k + by) mod 8 of x."""
    return _shuffle(builder, x, _UNDEFINED, [(lane + by) % N_LANES for lane in range(N_LANES)])


def _fma(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, z: ir.Value) -> ir.Value:
    signature = ir.FunctionType(_VECTOR, [_VECTOR] * 3)
    name = f"llvm.fma.v{N_LANES}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, signature, name), [x, y, z])


def _splat(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    first = builder.insert_element(_UNDEFINED, scalar, ir.Constant(_INT, 0))
    return _shuffle(builder, first, _UNDEFINED, [0] * N_LANES)


def _where(
    builder: ir.IRBuilder, test: str, x: ir.Value, y: ir.Value, yes: ir.Value, no: ir.Value
) -> ir.Value:
    """Ordered comparison: a NaN on either side takes `no`."""
    return builder.select(builder.fcmp_ordered(test, x, y), yes, no)


def _polynomial(builder: ir.IRBuilder, x: ir.Value, coefficients: Sequence[float]) -> ir.Value:
    """Horner's rule, highest power first."""
    answer: ir.Value = _constant(coefficients[0])
    for coefficient in coefficients[1:]:
        answer = _fma(builder, answer, x, _constant(coefficient))
    return answer


def _address(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value, kind: ir.Type = _FLOAT) -> ir.Value:
    return builder.gep(builder.inttoptr(base, kind.as_pointer()), [offset])


def _vector_address(builder: ir.IRBuilder, base: ir.Value, offset: ir.Value) -> ir.Value:
    return builder.bitcast(_address(builder, base, offset), _VECTOR.as_pointer())


def _read(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    value = builder.load(address)
    value.align = 4
    return value


def _mask_of_first(builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
    lanes = _integers(range(N_LANES), 64)
    limit = ir.Constant(ir.VectorType(ir.IntType(64), N_LANES), ir.Undefined)
    limit = builder.insert_element(limit, count, ir.Constant(_INT, 0))
    limit = builder.shuffle_vector(limit, limit, _integers([0] * N_LANES))
    return builder.icmp_signed("<", lanes, limit)


# --- memory ----------------------------------------------------------------------------------------


@intrinsic
def load(typing_context: Any, address: Any, offset: Any) -> Any:
    """Eight neighbours from `offset` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _read(builder, _vector_address(builder, args[0], args[1]))

    return LANES(types.intp, types.intp), generate


@intrinsic
def load_first(typing_context: Any, address: Any, offset: Any, count: Any) -> Any:
    """Like `load`, but only the first `count` lanes are read; the others are 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _vector_address(builder, args[0], args[1])
        signature = ir.FunctionType(_VECTOR, [address.type, _INT, _MASK, _VECTOR])
        name = f"llvm.masked.load.v{N_LANES}f32.p0"
        function = cgutils.get_or_insert_function(builder.module, signature, name)
        mask = _mask_of_first(builder, args[2])
        return builder.call(function, [address, ir.Constant(_INT, 4), mask, _constant(0.0)])

    return LANES(types.intp, types.intp, types.intp), generate


@intrinsic
def store(typing_context: Any, address: Any, offset: Any, x: Any) -> Any:
    """Write eight neighbours from `offset` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], _vector_address(builder, args[0], args[1])).align = 4
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, LANES), generate


@intrinsic
def stream(typing_context: Any, address: Any, offset: Any, x: Any) -> Any:
    """Like `store`, past the caches: for what is not read soon. The place must be aligned to 32 bytes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.store(args[2], _vector_address(builder, args[0], args[1]))
        instruction.align = 32
        instruction.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(_INT, 1)]))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, LANES), generate


@intrinsic
def store_first(typing_context: Any, address: Any, offset: Any, count: Any, x: Any) -> Any:
    """Like `store`, but only the first `count` lanes are written."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _vector_address(builder, args[0], args[1])
        signature = ir.FunctionType(ir.VoidType(), [_VECTOR, address.type, _INT, _MASK])
        name = f"llvm.masked.store.v{N_LANES}f32.p0"
        function = cgutils.get_or_insert_function(builder.module, signature, name)
        mask = _mask_of_first(builder, args[2])
        builder.call(function, [args[3], address, ir.Constant(_INT, 4), mask])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, LANES), generate


def _scalar_access(kind: ir.Type, numba_type: Any) -> tuple[Any, Any]:
    """Intrinsics that read and write one number."""

    def read(typing_context: Any, address: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(_address(builder, args[0], args[1], kind))

        return numba_type(types.intp, types.intp), generate

    def write(typing_context: Any, address: Any, offset: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[2], _address(builder, args[0], args[1], kind))
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, numba_type), generate

    return intrinsic(read), intrinsic(write)


peek, poke = _scalar_access(_FLOAT, types.float32)
"""Read and write one float32."""

peek_integer, poke_integer = _scalar_access(ir.IntType(64), types.int64)
"""Read and write one int64."""


@intrinsic
def lowest_bit(typing_context: Any, bits: Any) -> Any:
    """Position of the lowest bit that is set; bits must not be 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


# --- arithmetic, lane by lane ----------------------------------------------------------------------


@intrinsic
def splat(typing_context: Any, scalar: Any) -> Any:
    """The same number in every lane."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _splat(builder, args[0])

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
        return _where(builder, "<", *args)

    return LANES(LANES, LANES, LANES, LANES), generate


def _exp2(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """X = n + r with r in [-1/2, 1/2]: a polynomial in r (Cephes exp2f), n added to the exponent bits."""
    low = _constant(_EXP2_FLOOR)
    inside = _where(builder, ">", x, low, x, low)  # NaN becomes the floor as well
    inside = _where(builder, "<", inside, _constant(120.0), inside, _constant(120.0))
    to_integer = _constant(12582912.0)  # 1.5 * 2**23: adding it leaves the rounded number in the low bits
    shifted = builder.fadd(inside, to_integer)
    r = builder.fsub(inside, builder.fsub(shifted, to_integer))
    c6, c5, c4, c3, c2, c1 = (
        _constant(coefficient)
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
    low_part = _fma(builder, c1, r, _constant(1.0))
    middle = _fma(builder, c3, r, c2)
    high = _fma(builder, c6, square, _fma(builder, c5, r, c4))
    power = _fma(builder, _fma(builder, high, square, middle), square, low_part)
    exponent = builder.shl(builder.bitcast(shifted, _INT_VECTOR), _integers([23] * N_LANES))
    scaled = builder.bitcast(builder.add(builder.bitcast(power, _INT_VECTOR), exponent), _VECTOR)
    return _where(builder, ">", x, low, scaled, _constant(0.0))


def _log(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """Cephes logf for positive normal x; anything smaller counts as 1e-37."""
    tiny = _constant(1e-37)
    x = _where(builder, ">", x, tiny, x, tiny)
    bits = builder.bitcast(x, _INT_VECTOR)
    # take sqrt(1/2) as 1 while splitting, so that the mantissa lands in [sqrt(1/2), sqrt(2))
    offset = _integers([0x3F3504F3] * N_LANES)
    moved = builder.sub(bits, offset)
    n = builder.sitofp(builder.ashr(moved, _integers([23] * N_LANES)), _VECTOR)
    mantissa = builder.add(builder.and_(moved, _integers([0x7FFFFF] * N_LANES)), offset)
    r = builder.fsub(builder.bitcast(mantissa, _VECTOR), _constant(1.0))
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
    correction = _fma(builder, n, _constant(-2.12194440e-4), correction)
    correction = _fma(builder, square, _constant(-0.5), correction)
    return _fma(builder, n, _constant(0.693359375), builder.fadd(r, correction))


fma = _ternary(_fma, "x * y + z with one rounding.")
maximum = _binary(lambda b, x, y: _where(b, ">", x, y, x, y), "The larger; y where x is NaN.")
minimum = _binary(lambda b, x, y: _where(b, "<", x, y, x, y), "The smaller; y where x is NaN.")
keep_positive = _binary(
    lambda b, x, test: _where(b, ">", test, _constant(0.0), x, _constant(0.0)), "x where test > 0, else 0."
)
choose_positive = _ternary(
    lambda b, test, x, y: _where(b, ">", test, _constant(0.0), x, y), "x where test > 0, else y."
)
exp2 = _unary(_exp2, "2 to the x, to 2 units in the last place; exactly 0 below -87 and at NaN.")
log = _unary(_log, "Natural logarithm of a positive number, to 2 units in the last place.")
absolute = _unary(
    lambda b, x: b.bitcast(b.and_(b.bitcast(x, _INT_VECTOR), _integers([0x7FFFFFFF] * N_LANES)), _VECTOR),
    "Without the sign.",
)
_add = _binary(lambda b, x, y: b.fadd(x, y), "x + y")
_subtract = _binary(lambda b, x, y: b.fsub(x, y), "x - y")
_multiply = _binary(lambda b, x, y: b.fmul(x, y), "x * y")
_divide = _binary(lambda b, x, y: b.fdiv(x, y), "x / y")


def _operator(symbol: Any, function: Any) -> None:
    # numba wants both signatures to be the same text, and a lambda takes no annotations
    @overload(symbol)
    def implement(x, y):  # type: ignore[no-untyped-def]
        return (lambda x, y: function(x, y)) if x is LANES and y is LANES else None  # noqa: PLW0108


for _symbol, _function in (
    (operator.add, _add),
    (operator.sub, _subtract),
    (operator.mul, _multiply),
    (operator.truediv, _divide),
):
    _operator(_symbol, _function)


# --- across lanes ----------------------------------------------------------------------------------


def _across(combine: Callable[[ir.IRBuilder, ir.Value, ir.Value], ir.Value], description: str) -> Any:
    """Make an intrinsic that folds eight lanes into one number."""

    def function(typing_context: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = args[0]
            for distance in (4, 2, 1):
                value = combine(builder, value, _rotate(builder, value, distance))
            return builder.extract_element(value, ir.Constant(_INT, 0))

        return types.float32(LANES), generate

    function.__doc__ = description
    return intrinsic(function)


total = _across(lambda b, x, y: b.fadd(x, y), "Sum of the lanes.")
smallest = _across(lambda b, x, y: _where(b, "<", x, y, x, y), "Least of the lanes.")
largest = _across(lambda b, x, y: _where(b, ">", x, y, x, y), "Greatest of the lanes.")


@intrinsic
def zeros(typing_context: Any) -> Any:
    """Eight vectors of zeros."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_tuple(builder, EIGHT, [_constant(0.0)] * 8)

    return EIGHT(), generate


@intrinsic
def smallest_of_each(typing_context: Any, rows: Any) -> Any:
    """Lane i of the answer is the least lane of vector i."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        columns = _transpose(builder, cgutils.unpack_tuple(builder, args[0], 8))
        while len(columns) > 1:
            half = len(columns) // 2
            columns = [
                _where(builder, "<", x, y, x, y) for x, y in zip(columns[:half], columns[half:], strict=True)
            ]
        return columns[0]

    return LANES(EIGHT), generate


def _transpose(builder: ir.IRBuilder, rows: Sequence[ir.Value]) -> list[ir.Value]:
    """8 x 8 transposition in three rounds of eight two-way shuffles."""
    answer = list(rows)
    for distance in (4, 2, 1):
        swapped = list(answer)
        low = [lane if not lane & distance else lane - distance + N_LANES for lane in range(N_LANES)]
        high = [lane + distance if not lane & distance else lane + N_LANES for lane in range(N_LANES)]
        for row in range(8):
            if not row & distance:
                pair = answer[row], answer[row + distance]
                swapped[row] = _shuffle(builder, *pair, low)
                swapped[row + distance] = _shuffle(builder, *pair, high)
        answer = swapped
    return answer


@intrinsic
def skew(typing_context: Any, rows: Any) -> Any:
    """Diagonals of an 8 x 8 block: lane i of answer d is entry (i, (i + d) mod 8)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows = cgutils.unpack_tuple(builder, args[0], 8)
        turned = [_rotate(builder, row, i) for i, row in enumerate(rows)]
        return context.make_tuple(builder, EIGHT, _transpose(builder, turned))

    return EIGHT(EIGHT), generate


@intrinsic
def unskew(typing_context: Any, diagonals: Any) -> Any:
    """Rows of the block whose diagonals are given: the inverse of `skew`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        turned = _transpose(builder, cgutils.unpack_tuple(builder, args[0], 8))
        rows = [_rotate(builder, row, -i % N_LANES) for i, row in enumerate(turned)]
        return context.make_tuple(builder, EIGHT, rows)

    return EIGHT(EIGHT), generate


@intrinsic
def transpose_skewed(typing_context: Any, diagonals: Any) -> Any:
    """Diagonals of the transposed block: lane j of answer d is entry ((j + d) mod 8, j)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = cgutils.unpack_tuple(builder, args[0], 8)
        turned = [_rotate(builder, given[-d % 8], d) for d in range(8)]
        return context.make_tuple(builder, EIGHT, turned)

    return EIGHT(EIGHT), generate


@intrinsic
def rotations(typing_context: Any, x: Any) -> Any:
    """Vectors of x turned by 0 to 7 lanes: what the diagonals of a block are multiplied with."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_tuple(builder, EIGHT, [_rotate(builder, args[0], by) for by in range(8)])

    return EIGHT(LANES), generate


def _block_product(width: int) -> Any:
    """Make the inner loop's body for `width` blocks on top of each other."""

    def function(typing_context: Any, sums: Any, matrix: Any, offset: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums = cgutils.unpack_tuple(builder, args[0], 8)
            for turn in range(8):
                turned = _rotate(builder, args[3], turn) if turn else args[3]
                for block in range(width):
                    position = turn * width + block
                    offset = builder.add(args[2], ir.Constant(args[2].type, position * N_LANES))
                    entries = _read(builder, _vector_address(builder, args[1], offset))
                    # eight sums in turn: a sum waits four cycles for its last addition
                    sums[position % 8] = _fma(builder, entries, turned, sums[position % 8])
            return context.make_tuple(builder, EIGHT, sums)

        return EIGHT(EIGHT, types.intp, types.intp, LANES), generate

    function.__doc__ = f"""Add to `sums` the product of {width} stacked 8 x 8 blocks with x.

    The blocks lie as diagonals from `offset` on: diagonal 0 of each block, diagonal 1 of each,
    and so on. `fold{width}` turns the eight running sums into the {width} parts of the product.
    """
    return intrinsic(function)


def _folding(width: int) -> Any:
    def function(typing_context: Any, sums: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            parts = cgutils.unpack_tuple(builder, args[0], 8)
            while len(parts) > width:
                half = len(parts) // 2
                parts = [builder.fadd(x, y) for x, y in zip(parts[:half], parts[half:], strict=True)]
            return context.make_tuple(builder, types.UniTuple(LANES, width), parts)

        return types.UniTuple(LANES, width)(EIGHT), generate

    function.__doc__ = f"The {width} parts of a product out of the eight running sums of `multiply{width}`."
    return intrinsic(function)


multiply1, multiply2, multiply4 = (_block_product(width) for width in (1, 2, 4))
fold1, fold2, fold4 = (_folding(width) for width in (1, 2, 4))
