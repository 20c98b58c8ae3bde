"""What crosses the boundary to a worker process: plain data, checked against the function's own types.

A worker reads hostile bytes with native code and has to be thought of as
taken over. So nothing that comes back is ever executed: answers are
MessagePack, decoded into the type the called function is annotated with,
and anything else is an error. Arrays travel as (dtype, shape, bytes).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast, get_origin, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt

from clonedetect import errors

__all__ = [
    "Answer",
    "Reply",
    "Request",
    "Signature",
    "arguments_of",
    "array_from",
    "decode_answer",
    "decode_request",
    "encode_answer",
    "encode_request",
    "error_from",
    "signature_of",
]


class Reply(StrEnum):
    """What kind of message a worker sends."""

    READY = "ready"
    VALUE = "value"
    ERROR = "error"
    MEMORY = "memory"
    DEFECT = "defect"


class Request(msgspec.Struct, array_like=True, frozen=True):
    """One call: the function's name, its limits, and its arguments still encoded."""

    module: str
    name: str
    timeout_s: float
    memory_bytes: int
    arguments: msgspec.Raw


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """One answer; `body` is the encoded value, or a list of strings."""

    reply: Reply
    body: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Signature:
    """Where a function is found and which types go in and come out."""

    module: str
    name: str
    parameters: tuple[object, ...]
    result: msgspec.msgpack.Decoder[Any]


@lru_cache(maxsize=256)
def signature_of(function: Callable[..., object]) -> Signature:
    """Return how `function` is called across the boundary.

    Raises TypeError unless it is an annotated function at the top level of a module.
    """
    module, name = function.__module__, function.__qualname__
    if "." in name or "<" in name or module == "__main__":
        raise TypeError(f"{module}.{name} cannot be named in another process: use a module's own function")
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters
    missing = [one for one in (*parameters, "return") if one not in hints]
    if missing:
        raise TypeError(f"{module}.{name} needs annotations on {', '.join(missing)} to cross a process")
    return Signature(
        module,
        name,
        tuple(hints[one] for one in parameters),
        msgspec.msgpack.Decoder(hints["return"], dec_hook=_restore),
    )


def encode_request(
    signature: Signature, arguments: Sequence[object], timeout_s: float, memory_bytes: int
) -> bytes:
    """Return one call as bytes."""
    body = msgspec.Raw(msgspec.msgpack.encode(list(arguments), enc_hook=_flatten))
    return msgspec.msgpack.encode(Request(signature.module, signature.name, timeout_s, memory_bytes, body))


def decode_request(data: bytes) -> Request:
    """Return the call in `data`, its arguments left as they are."""
    return _REQUEST.decode(data)


def arguments_of(request: Request, signature: Signature) -> list[Any]:
    """Return the arguments of a call in the function's own types."""
    raws = _RAWS.decode(request.arguments)
    return [
        msgspec.msgpack.decode(raw, type=hint, dec_hook=_restore)
        for raw, hint in zip(raws, signature.parameters[: len(raws)], strict=True)
    ]


def encode_answer(reply: Reply, body: object = ()) -> bytes:
    """Return one answer as bytes."""
    return msgspec.msgpack.encode(Answer(reply, msgspec.Raw(msgspec.msgpack.encode(body, enc_hook=_flatten))))


def decode_answer(data: bytes) -> Answer:
    """Return the answer in `data`; msgspec.MsgspecError where it is none."""
    try:
        return _ANSWER.decode(data)
    except UnicodeDecodeError as error:  # msgspec lets it through where the reply is to be a name of ours
        raise msgspec.ValidationError(f"the answer holds no text: {error}") from error


def error_from(answer: Answer) -> errors.ClonedetectError:
    """Return the error a worker reports, of our own tree only."""
    name, message = _STRINGS.decode(answer.body)
    kind = getattr(errors, name, None)
    if name in errors.__all__ and isinstance(kind, type) and issubclass(kind, errors.ClonedetectError):
        return kind(message)
    raise msgspec.ValidationError(f"{name} is no error of this program")


def _flatten(value: object) -> object:
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    raise TypeError(f"{type(value).__name__} does not cross a process boundary")


def _restore(kind: type, value: object) -> object:
    origin = get_origin(kind) or kind
    if origin is np.ndarray:
        return array_from(value)
    raise TypeError(f"{kind!r} does not cross a process boundary")


def array_from(value: object) -> npt.NDArray[Any]:
    """Return the array of (dtype, shape, bytes), numbers and booleans only."""
    dtype_name, shape, data = msgspec.convert(value, tuple[str, tuple[int, ...], bytes])
    dtype = np.dtype(dtype_name)
    if dtype.kind not in "biuf":
        raise ValueError(f"arrays of {dtype_name} do not cross a process boundary")
    return cast("npt.NDArray[Any]", np.frombuffer(data, dtype=dtype).reshape(shape))


_REQUEST = msgspec.msgpack.Decoder(Request)
_RAWS = msgspec.msgpack.Decoder(list[msgspec.Raw])
_ANSWER = msgspec.msgpack.Decoder(Answer)
_STRINGS = msgspec.msgpack.Decoder(tuple[str, str])
