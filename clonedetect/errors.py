"""Every error the package raises on purpose, and the exit codes they end in.

::

    ClonedetectError
    ├── UsageError            2   the command line makes no sense
    ├── InputError            3   a file or row cannot be used
    │   ├── GrantError            the grant is malformed (line and key named)
    │   ├── UrlError              a URL that parsers may read differently, or none can
    │   ├── IndexFormatError      an index or case of another schema or algorithm
    │   ├── MediaError            bytes that are no usable picture
    │   └── LockedError           somebody else is writing
    ├── NotPermittedError     4   the grant refuses
    ├── DependencyError       5   something outside failed (network, authority)
    ├── VerificationError     6   a record is not what it should be
    └── IncompleteError       7   not all of it is there

An error outside this tree is a defect of ours and ends in 70.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

__all__ = [
    "ClonedetectError",
    "DependencyError",
    "ExitCode",
    "GrantError",
    "IncompleteError",
    "IndexFormatError",
    "InputError",
    "LockedError",
    "MediaError",
    "NotPermittedError",
    "UrlError",
    "UsageError",
    "VerificationError",
]


class ExitCode(IntEnum):
    """What a finished command tells its caller; documented in docs/commands.md."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    BAD_INPUT = 3
    NOT_PERMITTED = 4
    DEPENDENCY = 5
    VERIFICATION = 6
    INCOMPLETE = 7
    INTERNAL = 70
    INTERRUPTED = 130


class ClonedetectError(Exception):
    """A failure whose message says what happened, to what, and what to do next."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL


class UsageError(ClonedetectError):
    """The request contradicts itself or names something that cannot be."""

    exit_code = ExitCode.USAGE


class InputError(ClonedetectError):
    """A file, row or folder that was given cannot be used."""

    exit_code = ExitCode.BAD_INPUT


class GrantError(InputError):
    """A grant that is malformed; the message names line and key."""


class UrlError(InputError):
    """A URL without a safe normal form; `reason` is the sentence without the URL."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url[:200]!r}: {reason}")
        self.url = url
        self.reason = reason

    def __reduce__(self) -> tuple[type[UrlError], tuple[str, str]]:
        return type(self), (self.url, self.reason)


class IndexFormatError(InputError):
    """Stored data of another schema, algorithm or version than this program's."""


class MediaError(InputError):
    """Bytes that are not a picture we can decode within the limits."""


class LockedError(InputError):
    """Another process is writing here; the message names its pid."""


class NotPermittedError(ClonedetectError):
    """The grant does not cover what was asked."""

    exit_code = ExitCode.NOT_PERMITTED


class DependencyError(ClonedetectError):
    """Something outside this program failed: a host, an authority, a device."""

    exit_code = ExitCode.DEPENDENCY


class VerificationError(ClonedetectError):
    """A stored record does not have the bytes it is recorded to have."""

    exit_code = ExitCode.VERIFICATION


class IncompleteError(ClonedetectError):
    """Part of what was asked for is missing."""

    exit_code = ExitCode.INCOMPLETE
