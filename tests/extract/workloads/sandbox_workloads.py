"""Functions that tests run in the sandbox; imported by name in worker processes."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clonedetect.errors import ClonedetectError, MediaError
from clonedetect.models.capture import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A value with an array inside, like the signals of a picture."""

    name: str
    outcome: Outcome
    values: npt.NDArray[np.float32]
    extra: npt.NDArray[np.uint8] | None = None


def double(value: int) -> int:
    return value * 2


def process_id() -> int:
    return os.getpid()


def wait_for(seconds: float) -> str:
    time.sleep(seconds)
    return "waited"


def spin_forever() -> None:
    while True:
        pass


def take_memory(size: int) -> int:
    return np.empty(size, np.uint8).size  # taken from the address space, never touched


_kept: list[npt.NDArray[np.uint8]] = []


def keep_memory(size: int) -> int:
    _kept.append(np.empty(size, np.uint8))
    return sum(map(len, _kept))


def segfault() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def exit_silently() -> None:
    os._exit(3)


def raise_media_error(message: str) -> None:
    raise MediaError(message)


def raise_defect() -> None:
    raise KeyError("who")


class CvError(Exception):
    code = -4


def raise_cv_error() -> None:
    raise CvError("Insufficient memory")


class ForeignError(ClonedetectError):
    pass


def raise_foreign() -> None:
    raise ForeignError("not of the tree")


def measure(name: str, size: int) -> Measured:
    return Measured(name, Outcome.OK, np.arange(size, dtype=np.float32).reshape(2, -1))


def echo_array(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return values[::-1].copy()


def lie_about_type() -> int:
    return "no number"  # type: ignore[return-value]


def unannotated(value):
    return value


def signal_state() -> tuple[bool, int]:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN, os.getpgid(0)


def write_noise() -> int:
    os.write(1, b"noise on standard output")
    return os.write(2, b"noise on standard error")
