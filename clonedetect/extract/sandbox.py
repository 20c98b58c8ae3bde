"""Runs pure functions on hostile bytes in processes that can be killed.

200,000 nested elements keep an HTML parser busy past 12 seconds, inside
native code that no thread or event-loop timeout can stop. A process can be
stopped: by its caller when the time is over, by the kernel's alarm should the
caller be gone, by the address-space limit when memory is the attack.

A worker is started as a fresh interpreter (never a fork of a threaded
process), reads its calls from a socket and ends when that socket closes, so it
does not outlive its owner.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar, cast

import msgspec

from clonedetect.errors import DependencyError, UsageError
from clonedetect.extract.transport import (
    Answer,
    Reply,
    Signature,
    decode_answer,
    encode_request,
    error_from,
    signature_of,
)

__all__ = ["DEFAULT_MEMORY_BYTES", "DEFAULT_TIMEOUT_S", "KillReason", "Killed", "Sandbox"]

DEFAULT_TIMEOUT_S = 2.0
DEFAULT_MEMORY_BYTES = 1 << 30
MAX_ANSWER_BYTES = 1 << 28
START_TIMEOUT_S = 60.0

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from clonedetect.extract.worker import main; main(int(sys.argv[1]), json.loads(sys.argv[3]))"
)

# The address-space limit counts what thread pools merely reserve; one thread a worker is also what
# the number of workers already says.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_ARENA_MAX": "1",
}

R = TypeVar("R")


class KillReason(StrEnum):
    """Why a call ended without a value."""

    TIMEOUT = "timeout"
    MEMORY = "memory"
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Killed:
    """A call that ended without a value; `detail` is a sentence for the record."""

    reason: KillReason
    detail: str


class Sandbox:
    """A pool of killable worker processes.

    `call` may be used from several threads; each call takes a free worker.
    `preload` names modules that workers import before their first call, so
    that importing does not count against anybody's time. Close it, or use it
    as a context manager.
    """

    def __init__(
        self,
        workers: int = 2,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        preload: Sequence[str] = ("clonedetect.extract.page", "clonedetect.extract.walls"),
    ) -> None:
        if workers < 1:
            raise UsageError(f"a sandbox of {workers} workers runs nothing: ask for at least one")
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._slots = [_Slot(tuple(preload)) for _ in range(workers)]
        self._free: queue.LifoQueue[_Slot] = queue.LifoQueue()
        for slot in self._slots:
            self._free.put(slot)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="sandbox")
        self._is_closed = False

    def call(
        self,
        function: Callable[..., R],
        *arguments: object,
        timeout_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> R | Killed:
        """Return what `function(*arguments)` returns in a worker, or why there is no value.

        `function` stands at the top level of an importable module and is
        annotated with types that travel (dataclasses, enums, strings, bytes,
        numbers, tuples, arrays). Errors below ClonedetectError are raised
        here; any other exception is a `Killed` with reason `crash`, because
        one page's defect must not end a run. A worker that died of memory or
        a crash after earlier calls is replaced and the call repeated once, so
        that the answer does not depend on what was read before.
        """
        signature = signature_of(function)
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        memory_bytes = self._memory_bytes if memory_bytes is None else memory_bytes
        request = encode_request(signature, arguments, timeout_s, memory_bytes)
        slot = self._take()
        try:
            answer = self._ask(slot, request, timeout_s, memory_bytes)
        finally:
            self._free.put(slot)
        return answer if isinstance(answer, Killed) else cast("R | Killed", _value(signature, answer))

    async def acall(
        self,
        function: Callable[..., R],
        *arguments: object,
        timeout_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> R | Killed:
        """Await `call` without blocking the event loop.

        Cancelling does not stop the worker; its own time limit does.
        """
        bound = partial(self.call, function, *arguments, timeout_s=timeout_s, memory_bytes=memory_bytes)
        return await asyncio.get_running_loop().run_in_executor(self._threads, bound)

    def close(self) -> None:
        """End all workers and wait for them; calls still running raise UsageError."""
        self._is_closed = True
        for slot in self._slots:
            slot.interrupt()
        taken = [self._free.get() for _ in self._slots]
        for slot in taken:
            slot.stop()
            self._free.put(slot)
        self._threads.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> _Slot:
        slot = self._free.get()
        if self._is_closed:
            self._free.put(slot)
            raise UsageError("the sandbox is closed: nothing can be run in it")
        return slot

    def _ask(self, slot: _Slot, request: bytes, timeout_s: float, memory_bytes: int) -> Answer | Killed:
        was_used = slot.is_used
        answer = slot.ask(request, timeout_s, memory_bytes)
        if was_used and isinstance(answer, Killed) and answer.reason is not KillReason.TIMEOUT:
            if self._is_closed:
                raise UsageError("the sandbox was closed while a call ran: its result is unknown")
            answer = slot.ask(request, timeout_s, memory_bytes)
        if self._is_closed and isinstance(answer, Killed):
            raise UsageError("the sandbox was closed while a call ran: its result is unknown")
        return answer


def _value(signature: Signature, answer: Answer) -> object:
    try:
        if answer.reply is Reply.VALUE:
            return signature.result.decode(answer.body)
        if answer.reply is Reply.ERROR:
            error = error_from(answer)
        else:
            name, message = msgspec.msgpack.decode(answer.body, type=tuple[str, str])
            return Killed(KillReason.CRASH, f"{signature.name} failed with {name}: {message}")
    except (msgspec.MsgspecError, ValueError, TypeError) as problem:
        return Killed(KillReason.CRASH, f"{signature.name} gave no valid answer: {problem}")
    raise error


class _Slot:
    """A place for one worker process, which is started when needed and replaced when it died."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self._preload = preload
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._is_ready = False
        self._is_busy = False
        self.is_used = False

    def ask(self, request: bytes, timeout_s: float, memory_bytes: int) -> Answer | Killed:
        """Send one request and return its answer, or how the worker ended instead."""
        connection = self._ready_connection()
        self.is_used = self._is_busy = True
        try:
            connection.send_bytes(request)
            if not connection.poll(timeout_s):
                self.stop(kill=True)
                self._start()
                return Killed(KillReason.TIMEOUT, f"not done after {timeout_s:g} s")
            answer = decode_answer(connection.recv_bytes(MAX_ANSWER_BYTES))
        except (EOFError, OSError, msgspec.MsgspecError) as problem:
            return self._died(problem, timeout_s)
        finally:
            self._is_busy = False
        if answer.reply is Reply.MEMORY:
            self.stop()
            self._start()
            return Killed(KillReason.MEMORY, f"needs more than {memory_bytes} bytes of address space")
        return answer

    def interrupt(self) -> None:
        """Kill the process if it is in the middle of something; the thread that waits for it notices."""
        process = self._process
        if process is not None and self._is_busy:
            process.kill()

    def stop(self, *, kill: bool = False) -> int | None:
        """End the process, wait for it, and return its exit status (None: there was none)."""
        process, connection = self._process, self._connection
        self._process = self._connection = None
        self._is_ready = self.is_used = False
        if connection is not None:
            connection.close()
        if process is None:
            return None
        if kill:
            process.kill()
        try:
            return process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def _died(self, problem: Exception, timeout_s: float) -> Killed:
        status = self.stop() or 0
        if status == -signal.SIGALRM:
            return Killed(KillReason.TIMEOUT, f"not done after {timeout_s:g} s")
        if status < 0:
            return Killed(KillReason.CRASH, f"the worker was ended by {signal.Signals(-status).name}")
        return Killed(KillReason.CRASH, f"the worker ended with {status}: {type(problem).__name__}")

    def _ready_connection(self) -> Connection:
        if self._connection is None:
            self._start()
        connection = cast("Connection", self._connection)
        if self._is_ready:
            return connection
        try:
            if not connection.poll(START_TIMEOUT_S):
                raise DependencyError(f"a worker process did not start within {START_TIMEOUT_S:g} s")
            answer = decode_answer(connection.recv_bytes(MAX_ANSWER_BYTES))
        except (EOFError, OSError) as problem:
            status = self.stop(kill=True)
            raise DependencyError(f"a worker process ended with {status} while starting") from problem
        except DependencyError:
            self.stop(kill=True)
            raise
        if answer.reply is not Reply.READY:
            self.stop(kill=True)
            name, message = msgspec.msgpack.decode(answer.body, type=tuple[str, str])
            raise DependencyError(f"a worker process cannot import its modules: {name}: {message}")
        self._is_ready = True
        return connection

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        path = [str(Path(entry).absolute()) for entry in sys.path]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter, arguments of our own
                [
                    sys.executable,
                    "-I",
                    "-c",
                    _BOOT,
                    str(theirs.fileno()),
                    *map(json.dumps, (path, self._preload)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=os.environ | _ENVIRONMENT,
                # Ctrl-C reaches the foreground group; the owner decides when its workers end.
                process_group=0,
            )
        self._connection = Connection(ours.detach())
