"""Whether this installation can do its work, part by part."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import platform
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from PIL import features

from clonedetect import __version__
from clonedetect.crawl.selftest import self_test

__all__ = ["Check", "Health", "examine", "software"]

_DISK_FLOOR_BYTES = 2_000_000_000
_ABSENT = "not installed"
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
_DECIDING = (
    "aiohttp",
    "datasketch",
    "imagehash",
    "msgspec",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "pillow-heif",
    "protego",
    "publicsuffixlist",
    "rapidfuzz",
    "selectolax",
    "sqlite-utils",
    "xxhash",
)


class Health(StrEnum):
    """How one part is."""

    GOOD = "good"
    OPTIONAL = "absent, optional"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One part, how it is, and what to do if it is not good."""

    name: str
    health: Health
    detail: str
    remedy: str = ""


def software() -> tuple[tuple[str, str], ...]:
    """Return (name, version) of everything whose version decides a result, our own first.

    A part that is imported from elsewhere than its usual distribution has "not installed".
    """
    named = [
        ("clonedetect", __version__),
        ("python", platform.python_version()),
        ("sqlite", sqlite3.sqlite_version),
    ]
    return (*named, *((name, _version(name)) for name in _DECIDING))


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return _ABSENT


def examine(folder: Path, now: datetime) -> Iterator[Check]:
    """Yield the checks one by one; `folder` is where cases would be written."""
    for name, version in software():
        yield _library(name, version)
    yield _wire()
    yield _clock(now)
    yield _disk(folder)
    yield _optional("AVIF pictures", lambda: bool(features.check("avif")), "install a pillow wheel with AVIF")
    yield _optional(
        "photographs for the rehearsal",
        lambda: all(importlib.util.find_spec(name) for name in ("skimage", "sklearn")),
        "pip install 'clonedetect[demo]'",
    )
    yield _optional("openssl, to check seals without us", _has_openssl, "apt-get install openssl")


def _library(name: str, version: str) -> Check:
    if version == _ABSENT:
        return Check(name, Health.BAD, version, "install what requirements.lock names, in its versions")
    return Check(name, Health.GOOD, version)


def _wire() -> Check:
    found = asyncio.run(self_test())
    if found.is_exact:
        return Check("wire-exact capture", Health.GOOD, found.detail)
    remedy = "install the aiohttp version of requirements.lock; until then records are marked reconstructed"
    return Check("wire-exact capture", Health.BAD, found.detail, remedy)


def _clock(now: datetime) -> Check:
    if now < _EARLIEST:
        return Check(
            "clock", Health.BAD, f"{now:%Y-%m-%d %H:%M} UTC lies before this release", "set the clock"
        )
    return Check("clock", Health.GOOD, f"{now:%Y-%m-%d %H:%M:%S} UTC (not compared with any authority)")


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1e9:.1f} GB free where cases would be written"
    if free < _DISK_FLOOR_BYTES:
        return Check("disk", Health.BAD, detail, "a scan stops below 2 GB; free some space")
    return Check("disk", Health.GOOD, detail)


def _optional(name: str, is_there: Callable[[], bool], remedy: str) -> Check:
    if is_there():
        return Check(name, Health.GOOD, "there")
    return Check(name, Health.OPTIONAL, "not there", remedy)


def _has_openssl() -> bool:
    path = shutil.which("openssl")
    if path is None:
        return False
    answer = subprocess.run([path, "version"], capture_output=True, check=False, timeout=10)  # noqa: S603  found above
    return answer.returncode == 0
