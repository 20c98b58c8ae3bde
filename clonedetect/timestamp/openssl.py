"""A second opinion on an authority's answer: the ``openssl ts`` of this machine."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from clonedetect.errors import DependencyError, VerificationError

__all__ = ["judge_with_openssl"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME = re.compile(
    r"^Time stamp: (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)? (\d{4}) GMT$", re.MULTILINE
)
_LIMIT_S = 30


def judge_with_openssl(message: bytes, query: bytes, answer: bytes, roots: bytes) -> datetime:
    """Return the time of `answer` if openssl verifies it, as of that time, for `query` and for `message`.

    Raises VerificationError in openssl's words where it does not, DependencyError
    where there is no openssl.
    """
    program = shutil.which("openssl")
    if program is None:
        raise DependencyError("openssl, which would be asked next, is not installed")
    with TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in (("query", query), ("answer", answer), ("roots", roots)):
            (folder / file).write_bytes(content)
        told = _run(program, folder, "-reply", "-in", "answer", "-text")
        found = _TIME.search(told)
        if not found:
            raise VerificationError("the authority gave no timestamp (openssl)")
        time = _moment(*found.groups())
        rest = ("-in", "answer", "-CAfile", "roots", "-attime", str(int(time.timestamp())))
        _run(program, folder, "-verify", "-queryfile", "query", *rest)
        _run(program, folder, "-verify", "-digest", hashlib.sha256(message).hexdigest(), *rest)
    return time


def _moment(  # noqa: PLR0917  the groups of one pattern
    month: str, day: str, hour: str, minute: str, second: str, part: str | None, year: str
) -> datetime:
    micros = int((part or "").ljust(6, "0"))
    try:
        place = _MONTHS.index(month) + 1
        return datetime(int(year), place, int(day), int(hour), int(minute), int(second), micros, tzinfo=UTC)
    except ValueError as error:
        raise VerificationError(f"its time is none: {error} (openssl)") from error


def _run(program: str, folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  fixed words, fixed file names in a folder of our own
            [program, "ts", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DependencyError(f"openssl did not end within {_LIMIT_S} s") from error
    if done.returncode != 0:
        lines = done.stderr.decode("utf-8", "replace").splitlines()
        reasons = [line.rpartition("Verify error:")[2] or line for line in lines if "error:" in line]
        raise VerificationError(f"{reasons[-1][-200:] if reasons else 'not verified'} (openssl)")
    return done.stdout.decode("utf-8", "replace")
