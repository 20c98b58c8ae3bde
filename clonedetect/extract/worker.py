"""The other side of the sandbox: one process that answers calls until its connection closes."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable, Sequence
from importlib import import_module
from multiprocessing.connection import Connection

from clonedetect.errors import ClonedetectError
from clonedetect.extract.transport import (
    Reply,
    Request,
    arguments_of,
    decode_request,
    encode_answer,
    signature_of,
)

__all__ = ["main", "serve"]

GRACE_S = 2.0
"""How much later than its caller the worker ends itself; covers a caller that died."""

CV_NO_MEMORY = -4
"""OpenCV's code for an allocation that failed; it does not raise MemoryError."""


def main(descriptor: int, preload: Sequence[str]) -> None:
    """Import `preload`, say so, then answer calls on the socket `descriptor` until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # A core file would be a copy of somebody's page outside the case folder.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Connection(descriptor) as connection:
        try:
            for name in preload:
                import_module(name)
        except ImportError as error:
            connection.send_bytes(encode_answer(Reply.DEFECT, (type(error).__name__, str(error))))
            return
        # Decoders write about every damaged picture; what matters of it is in the answers.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        connection.send_bytes(encode_answer(Reply.READY))
        serve(connection, limit_process)


def serve(connection: Connection, limit: Callable[[float, int], None]) -> None:
    """Answer calls until the other side closes or memory ran out.

    `limit` sets the time and address-space limits of the process; time 0
    lifts the time limit.
    """
    while True:
        try:
            request = decode_request(connection.recv_bytes())
        except (EOFError, ConnectionError):
            return
        limit(request.timeout_s + GRACE_S, request.memory_bytes)
        reply, data = _answer(request)
        connection.send_bytes(data)
        limit(0, request.memory_bytes)
        if reply is Reply.MEMORY:
            return


def limit_process(time_s: float, memory_bytes: int) -> None:
    """End this process after `time_s` (0: never), and refuse it more than `memory_bytes` of addresses.

    The alarm is handled by the kernel alone, so no native loop can outlast it.
    """
    signal.setitimer(signal.ITIMER_REAL, time_s)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    soft = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _answer(request: Request) -> tuple[Reply, bytes]:
    try:
        function = getattr(import_module(request.module), request.name)
        value = function(*arguments_of(request, signature_of(function)))
        return Reply.VALUE, encode_answer(Reply.VALUE, value)
    except MemoryError:
        return Reply.MEMORY, encode_answer(Reply.MEMORY)
    except ClonedetectError as error:
        return Reply.ERROR, encode_answer(Reply.ERROR, (type(error).__name__, _printable(error)))
    except Exception as error:  # noqa: BLE001  a worker's outer edge: reported to the caller, who records it
        reply = Reply.MEMORY if getattr(error, "code", None) == CV_NO_MEMORY else Reply.DEFECT
        return reply, encode_answer(reply, (type(error).__name__, _printable(error)))


def _printable(error: Exception) -> str:
    return str(error)[:2000].encode("utf-8", "backslashreplace").decode("utf-8")
