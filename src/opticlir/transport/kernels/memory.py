"""Reading and writing of a kernel's numbers, eight or one at a time.

Memory is an address, the integer `tensor.data_ptr()` gives, and an offset in elements; nothing is checked.
Numba's own arrays would be counted, atomically, each time one is handed on: in a kernel of microseconds
that was most of the time. Whoever calls a kernel keeps the tensors alive.
"""

# ruff: noqa: ARG001 - numba calls typing functions and code generators with arguments most do not need
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from opticlir.transport.kernels import llvm
from opticlir.transport.kernels.lanes import LANES


@intrinsic
def load(typing_context: Any, address: Any, offset: Any) -> Any:
    """Eight neighbours from `offset` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return llvm.load(builder, args[0], args[1])

    return LANES(types.intp, types.intp), generate


@intrinsic
def load_first(typing_context: Any, address: Any, offset: Any, count: Any) -> Any:
    """Like `load`, but only the first `count` lanes are read; the others are 0."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = llvm.vector_address_of(builder, args[0], args[1])
        signature = ir.FunctionType(llvm.VECTOR, [address.type, llvm.INT, llvm.MASK, llvm.VECTOR])
        name = f"llvm.masked.load.v{llvm.N_LANES}f32.p0"
        function = cgutils.get_or_insert_function(builder.module, signature, name)
        mask = _mask_of_first(builder, args[2])
        return builder.call(function, [address, ir.Constant(llvm.INT, 4), mask, llvm.constant(0.0)])

    return LANES(types.intp, types.intp, types.intp), generate


@intrinsic
def store(typing_context: Any, address: Any, offset: Any, x: Any) -> Any:
    """Write eight neighbours from `offset` on."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store(args[2], llvm.vector_address_of(builder, args[0], args[1])).align = 4
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, LANES), generate


@intrinsic
def stream(typing_context: Any, address: Any, offset: Any, x: Any) -> Any:
    """Like `store`, past the caches: for what is not read soon. The place must be aligned to 32 bytes."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        instruction = builder.store(args[2], llvm.vector_address_of(builder, args[0], args[1]))
        instruction.align = 32
        instruction.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(llvm.INT, 1)]))
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, LANES), generate


@intrinsic
def store_first(typing_context: Any, address: Any, offset: Any, count: Any, x: Any) -> Any:
    """Like `store`, but only the first `count` lanes are written."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = llvm.vector_address_of(builder, args[0], args[1])
        signature = ir.FunctionType(ir.VoidType(), [llvm.VECTOR, address.type, llvm.INT, llvm.MASK])
        name = f"llvm.masked.store.v{llvm.N_LANES}f32.p0"
        function = cgutils.get_or_insert_function(builder.module, signature, name)
        mask = _mask_of_first(builder, args[2])
        builder.call(function, [args[3], address, ir.Constant(llvm.INT, 4), mask])
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, LANES), generate


def _mask_of_first(builder: ir.IRBuilder, count: ir.Value) -> ir.Value:
    lanes = llvm.integers(range(llvm.N_LANES), 64)
    limit = ir.Constant(ir.VectorType(ir.IntType(64), llvm.N_LANES), ir.Undefined)
    limit = builder.insert_element(limit, count, ir.Constant(llvm.INT, 0))
    limit = llvm.shuffle(builder, limit, limit, [0] * llvm.N_LANES)
    return builder.icmp_signed("<", lanes, limit)


def _scalar_access(kind: ir.Type, numba_type: Any) -> tuple[Any, Any]:
    """Intrinsics that read and write one number."""

    def read(typing_context: Any, address: Any, offset: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return builder.load(llvm.address_of(builder, args[0], args[1], kind))

        return numba_type(types.intp, types.intp), generate

    def write(typing_context: Any, address: Any, offset: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            builder.store(args[2], llvm.address_of(builder, args[0], args[1], kind))
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, numba_type), generate

    return intrinsic(read), intrinsic(write)


peek, poke = _scalar_access(llvm.FLOAT, types.float32)
"""Read and write one float32."""

peek_integer, poke_integer = _scalar_access(ir.IntType(64), types.int64)
"""Read and write one int64."""
