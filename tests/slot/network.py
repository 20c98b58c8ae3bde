"""A small network as an ONNX file, its weights drawn with a seed: features that nobody trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_VARINT, _BYTES = 0, 2
_FLOAT, _INTS = 1, 7


def onnx_file(seed: int) -> bytes:
    """Return a network from (1, 3, 224, 224) to (1, 32, 4, 4): two convolutions, two rectifiers, a mean."""
    random = np.random.default_rng(seed)
    weights = {
        "w1": random.normal(0, 75**-0.5, (16, 3, 5, 5)).astype(np.float32),
        "w2": random.normal(0, 400**-0.5, (32, 16, 5, 5)).astype(np.float32),
    }
    strided = {"kernel_shape": (5, 5), "strides": (4, 4), "pads": (2, 2, 2, 2)}
    nodes = [
        _node("Conv", ("in", "w1"), "a", strided),
        _node("Relu", ("a",), "b", {}),
        _node("Conv", ("b", "w2"), "c", strided),
        _node("Relu", ("c",), "d", {}),
        _node("AveragePool", ("d",), "out", {"kernel_shape": (3, 3), "strides": (3, 3)}),
    ]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"net")
    graph += b"".join(_field(5, _tensor(name, values)) for name, values in weights.items())
    graph += _field(11, _value("in", (1, 3, 224, 224))) + _field(12, _value("out", (1, 32, 4, 4)))
    return _number(1, 8) + _field(7, graph) + _field(8, _field(1, b"") + _number(2, 13))


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def _number(tag: int, value: int) -> bytes:
    return _varint(tag << 3 | _VARINT) + _varint(value)


def _field(tag: int, value: bytes) -> bytes:
    return _varint(tag << 3 | _BYTES) + _varint(len(value)) + value


def _node(kind: str, inputs: Sequence[str], output: str, attributes: dict[str, Sequence[int]]) -> bytes:
    told = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    told += _field(3, output.encode()) + _field(4, kind.encode())
    for name, values in attributes.items():
        numbers = b"".join(_number(8, value) for value in values)
        told += _field(5, _field(1, name.encode()) + numbers + _number(20, _INTS))
    return told


def _tensor(name: str, values: npt.NDArray[np.float32]) -> bytes:
    shape = b"".join(_number(1, side) for side in values.shape)
    return shape + _number(2, _FLOAT) + _field(8, name.encode()) + _field(9, values.astype("<f4").tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    sides = b"".join(_field(1, _number(1, side)) for side in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, _FLOAT) + _field(2, sides)))
