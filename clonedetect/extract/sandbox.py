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
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
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
        preload: Sequence[str] = ("clonedetect.extract.look",),
    ) -> None:
        if workers < 1:
            raise UsageError(f"a sandbox of {workers} workers runs nothing: ask for at least one")
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._slots = [_Slot(tuple(preload)) for _ in range(workers)]
        self._free: queue.LifoQueue[_Slot] = queue.LifoQueue()
        for slot in self._slots:
            self._free.put(slot)
        self._lock = threading.RLock()
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[_Slot]]] = deque()
        self._held: set[_Slot] = set()
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
            self._give(slot)
        return answer if isinstance(answer, Killed) else cast("R | Killed", _value(signature, answer))

    async def acall(
        self,
        function: Callable[..., R],
        *arguments: object,
        timeout_s: float | None = None,
        memory_bytes: int | None = None,
    ) -> R | Killed:
        """Await `call` without blocking the event loop, and without a thread that would take turns with it.

        Cancelling ends the worker that is at it; the next call gets a new one.
        """
        signature = signature_of(function)
        timeout_s = self._timeout_s if timeout_s is None else timeout_s
        memory_bytes = self._memory_bytes if memory_bytes is None else memory_bytes
        request = encode_request(signature, arguments, timeout_s, memory_bytes)
        slot = await self._atake()
        try:
            was_used = slot.is_used
            answer = await slot.aask(request, timeout_s, memory_bytes)
            if self._is_to_repeat(answer, was_used=was_used):
                answer = await slot.aask(request, timeout_s, memory_bytes)
            self._mind_closing(answer)
        finally:
            self._give(slot)
        return answer if isinstance(answer, Killed) else cast("R | Killed", _value(signature, answer))

    def pids(self) -> tuple[int, ...]:
        """Return the process ids of the workers that run now."""
        return tuple(slot.pid for slot in self._slots if slot.pid is not None)

    def close(self) -> None:
        """End all workers and wait for them; calls still running raise UsageError."""
        self._is_closed = True
        for slot in self._slots:
            slot.interrupt()
        held = tuple(
            self._held
        )  # by tasks of a loop that may be the one that closes: they are not waited for
        for slot in held:
            slot.stop(kill=True)
        taken = [self._free.get() for _ in range(len(self._slots) - len(held))]
        for slot in taken:
            slot.stop()
            self._free.put(slot)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take(self) -> _Slot:
        return self._open(self._free.get())

    async def _atake(self) -> _Slot:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Slot] = loop.create_future()
        with self._lock:
            if self._free.empty():
                self._waiting.append((loop, future))
            else:
                future.set_result(self._free.get_nowait())
        try:
            slot = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._give(future.result())
            raise
        self._held.add(slot)
        return self._open(slot)

    def _give(self, slot: _Slot) -> None:
        """Hand a slot to whoever awaits one longest, or back to the free ones."""
        with self._lock:
            self._held.discard(slot)
            while self._waiting and self._waiting[0][1].cancelled():
                self._waiting.popleft()
            if not self._waiting:
                self._free.put(slot)
                return
            loop, future = self._waiting.popleft()
            self._held.add(slot)  # on its way to a task: closing does not wait for it
        loop.call_soon_threadsafe(self._hand, slot, future)

    def _hand(self, slot: _Slot, future: asyncio.Future[_Slot]) -> None:
        if future.cancelled():
            self._give(slot)
        else:
            future.set_result(slot)

    def _open(self, slot: _Slot) -> _Slot:
        if self._is_closed:
            self._give(slot)
            raise UsageError("the sandbox is closed: nothing can be run in it")
        return slot

    def _ask(self, slot: _Slot, request: bytes, timeout_s: float, memory_bytes: int) -> Answer | Killed:
        was_used = slot.is_used
        answer = slot.ask(request, timeout_s, memory_bytes)
        if self._is_to_repeat(answer, was_used=was_used):
            answer = slot.ask(request, timeout_s, memory_bytes)
        self._mind_closing(answer)
        return answer

    def _is_to_repeat(self, answer: Answer | Killed, *, was_used: bool) -> bool:
        """Whether a worker that was used before died, so that what it had kept may be the reason."""
        if not was_used or not isinstance(answer, Killed) or answer.reason is KillReason.TIMEOUT:
            return False
        self._mind_closing(answer)
        return True

    def _mind_closing(self, answer: Answer | Killed) -> None:
        if self._is_closed and isinstance(answer, Killed):
            raise UsageError("the sandbox was closed while a call ran: its result is unknown")


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
        self._socket: socket.socket | None = None
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
        return self._told(answer, memory_bytes)

    def _told(self, answer: Answer, memory_bytes: int) -> Answer | Killed:
        """Return the answer, or what it means that the worker says it ran out of memory and ends."""
        if answer.reply is not Reply.MEMORY:
            return answer
        self.stop()
        self._start()
        return Killed(KillReason.MEMORY, f"needs more than {memory_bytes} bytes of address space")

    async def aask(self, request: bytes, timeout_s: float, memory_bytes: int) -> Answer | Killed:
        """Do what `ask` does, with the event loop waiting at the socket; a cancelled call ends the worker."""
        if not self._is_ready:
            await asyncio.to_thread(self._ready_connection)
        stream = cast("socket.socket", self._socket)
        self.is_used = self._is_busy = True
        is_over = False
        try:
            stream.setblocking(False)
            async with asyncio.timeout(timeout_s):
                await _send(stream, request)
                answer = decode_answer(await _receive(stream))
            is_over = True
            stream.setblocking(True)
        except TimeoutError:
            is_over = True
            self.stop(kill=True)
            self._start()
            return Killed(KillReason.TIMEOUT, f"not done after {timeout_s:g} s")
        except (EOFError, OSError, msgspec.MsgspecError) as problem:
            is_over = True
            return self._died(problem, timeout_s)
        finally:
            self._is_busy = False
            if not is_over:
                self.stop(kill=True)
        return self._told(answer, memory_bytes)

    @property
    def pid(self) -> int | None:
        """The process's id, None where none runs."""
        process = self._process
        return None if process is None else process.pid

    def interrupt(self) -> None:
        """Kill the process if it is in the middle of something; the thread that waits for it notices."""
        process = self._process
        if process is not None and self._is_busy:
            process.kill()

    def stop(self, *, kill: bool = False) -> int | None:
        """End the process, wait for it, and return its exit status (None: there was none)."""
        process, connection, stream = self._process, self._connection, self._socket
        self._process = self._connection = self._socket = None
        self._is_ready = self.is_used = False
        if connection is not None:
            connection.close()
        if stream is not None:
            stream.close()
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
        self._socket = ours
        self._connection = Connection(os.dup(ours.fileno()))


# The framing of multiprocessing's connections, which the other side reads and writes.
_LENGTH = struct.Struct("!i")
_MAX_REQUEST_BYTES = 0x7FFFFFFF


async def _send(stream: socket.socket, message: bytes) -> None:
    if len(message) > _MAX_REQUEST_BYTES:
        raise OSError(f"a call of {len(message)} bytes does not cross")
    await asyncio.get_running_loop().sock_sendall(stream, _LENGTH.pack(len(message)) + message)


async def _receive(stream: socket.socket) -> bytes:
    (length,) = _LENGTH.unpack(await _exactly(stream, _LENGTH.size))
    if not 0 <= length <= MAX_ANSWER_BYTES:
        raise OSError(f"an answer of {length} bytes does not cross")
    return await _exactly(stream, length)


async def _exactly(stream: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    received = bytearray()
    while len(received) < size:
        piece = await loop.sock_recv(stream, min(size - len(received), 1 << 18))
        if not piece:
            raise EOFError
        received += piece
    return bytes(received)
