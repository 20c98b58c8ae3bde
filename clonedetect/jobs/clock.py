"""Asks the system what its clock is worth; no connection is made for it."""

from __future__ import annotations

import ctypes
import sys
from datetime import datetime

from clonedetect.models.clock import ClockReading

__all__ = ["read_clock"]

_UNSYNCHRONISED = 0x0040
_NANOSECONDS = 0x2000
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """``struct timex`` of Linux (adjtimex(2)); the tail is only room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def read_clock(now: datetime) -> ClockReading:
    """Return what the kernel says of its clock, whoever keeps it right; unknown on other systems than Linux.

    ``adjtimex`` with no modes changes nothing and needs no right.
    """
    if not sys.platform.startswith("linux"):
        return ClockReading(now)
    state = _Timex(modes=0)
    try:
        answer = ctypes.CDLL(None).adjtimex(ctypes.byref(state))
    except (AttributeError, OSError):  # a C library without it
        return ClockReading(now)
    if answer < 0:
        return ClockReading(now)
    return ClockReading(
        at=now,
        is_synchronised=answer != _TIME_ERROR and not state.status & _UNSYNCHRONISED,
        offset_s=state.offset / (1e9 if state.status & _NANOSECONDS else 1e6),
        max_error_s=state.maxerror / 1e6,
        source="adjtimex",
    )
