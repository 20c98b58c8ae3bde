"""Letters with what goes with them, each bundle small enough for one mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

__all__ = ["MAX_BYTES", "Bundle", "mailed_bytes", "split"]

MAX_BYTES: Final = 5_000_000
"""What a bundle stays under, counted as mail carries it."""

_MOST_PARTS: Final = 99_999
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one part by the end of their name (letter, attachment, reports).

    `entries` counts what it speaks of, `cautions` are what to look at before it is signed.
    """

    entries: int
    cautions: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...]

    @property
    def size_bytes(self) -> int:
        """What the bundle takes in a mail."""
        return sum(mailed_bytes(len(data)) for _, data in self.files)


def mailed_bytes(size: int) -> int:
    """Return what a file of `size` bytes takes in a mail: base64 in lines of 76, and 500 bytes of headers."""
    encoded = -(-size // 3) * 4
    return encoded + 2 * (-(-encoded // 76)) + 500


def split(
    entries: Sequence[T], made: Callable[[Sequence[T], int, int], Bundle], limit: int = MAX_BYTES
) -> tuple[tuple[Bundle, ...], tuple[T, ...]]:
    """Return the bundles in order, each under `limit`, and the entries that are too large for any.

    `made` makes the bundle of some entries as one part of so many. A list that is too large is halved.
    """
    fitting: list[Sequence[T]] = []
    too_large: list[T] = []
    waiting: list[Sequence[T]] = [entries] if entries else []
    while waiting:
        part = waiting.pop()
        if made(part, _MOST_PARTS, _MOST_PARTS).size_bytes < limit:
            fitting.append(part)
        elif len(part) == 1:
            too_large.extend(part)
        else:
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
    parts = len(fitting)
    return tuple(made(part, number, parts) for number, part in enumerate(fitting, 1)), tuple(too_large)
