"""Machine instructions that numba does not spell: vectors of bit counts, prefetching.

Written as LLVM's intermediate code, which is made for the machine at hand:
where it has no wide bit count, several narrower instructions are used.

Loops that use these are cached by the age of their own files alone, ``kernels.py`` and
``agreements.py``: a change here must change those too, or old code goes on running.
"""

# ruff: noqa: ARG001  numba tells arguments by name and generators take all four, used or not
# ruff: noqa: PLR0917  these are called from compiled code, which knows no keywords

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

__all__ = ["LANES", "WIDE", "count_bits", "lowest_bit", "near_fragments", "near_halves", "prefetch"]

LANES: Final = 32
"""How many values of 16 bits one step compares."""

WIDE: Final = 8
"""How many words of 64 bits one step compares."""


def _instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    named: Callable[..., Any] = intrinsic(function)
    return named


def _vector_function(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    found = builder.module.globals.get(name)
    return found or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


def _splat(builder: Any, value: Any, vector: Any) -> Any:
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), zeros)


def _distances(context: Any, builder: Any, kind: Any, array: Any, place: Any, query: Any, vector: Any) -> Any:
    """Load a vector from `array` at `place` and count the bits in which each lane differs from `query`."""
    data = context.make_array(kind)(context, builder, array).data
    pointer = builder.bitcast(builder.gep(data, [place]), vector.as_pointer())
    differing = builder.xor(
        builder.load(pointer, align=vector.element.width // 8), _splat(builder, query, vector)
    )
    name = f"llvm.ctpop.v{vector.count}i{vector.element.width}"
    return builder.call(_vector_function(builder, name, vector, [vector]), [differing])


@_instruction
def near_fragments(typing: Any, fragments: Any, place: Any, query: Any, bound: Any) -> Any:
    """Bit j says whether fragments[place + j] is within `bound` bits of `query`, for 32 of them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(16), LANES)
        array, start, wanted, limit = arguments
        found = _distances(context, builder, signature.args[0], array, start, wanted, vector)
        near = builder.icmp_unsigned("<=", found, _splat(builder, limit, vector))
        return builder.zext(builder.bitcast(near, ir.IntType(LANES)), ir.IntType(64))

    return types.uint64(fragments, types.int64, types.uint16, types.uint16), generate


@_instruction
def near_halves(typing: Any, low: Any, high: Any, place: Any, first: Any, second: Any, bound: Any) -> Any:
    """Bit j says whether two words at place + j are together within `bound` bits, for 8 of them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = ir.VectorType(ir.IntType(64), WIDE)
        one, two, start, q_one, q_two, limit = arguments
        found = builder.add(
            _distances(context, builder, signature.args[0], one, start, q_one, vector),
            _distances(context, builder, signature.args[1], two, start, q_two, vector),
        )
        near = builder.icmp_unsigned("<=", found, _splat(builder, limit, vector))
        return builder.zext(builder.bitcast(near, ir.IntType(WIDE)), ir.IntType(64))

    words = types.uint64
    return types.uint64(low, high, types.int64, words, words, words), generate


@_instruction
def prefetch(typing: Any, array: Any, place: Any) -> Any:
    """Ask for the cache line of element `place`, of whatever rank `array` is, without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        bytes_at = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        small = ir.IntType(32)
        function = _vector_function(
            builder, "llvm.prefetch.p0", ir.VoidType(), [ir.IntType(8).as_pointer(), small, small, small]
        )
        builder.call(function, [bytes_at, small(0), small(3), small(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


@_instruction
def count_bits(typing: Any, value: Any) -> Any:
    """How many bits of a uint64 are set."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@_instruction
def lowest_bit(typing: Any, value: Any) -> Any:
    """Place of the lowest set bit of a uint64 that is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.IntType(1)(1))

    return types.int64(types.uint64), generate
