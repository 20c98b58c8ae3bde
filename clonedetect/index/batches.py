"""Values asked of SQLite some hundreds at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

__all__ = ["AT_ONCE", "batches"]

AT_ONCE: Final = 500
"""Fewer than the variables that SQLite takes in one statement."""

Value = TypeVar("Value")


def batches(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """Yield `values` in order, at most `AT_ONCE` together."""
    for first in range(0, len(values), AT_ONCE):
        yield values[first : first + AT_ONCE]
