"""What the machine's clock was worth when something was captured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["ClockReading"]


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the system says of its own clock at one moment; None where it does not tell.

    `offset_s` is what the system still has to correct, `max_error_s` the bound
    that it gives for its error against the time it is synchronised to.
    """

    at: datetime
    is_synchronised: bool | None = None
    offset_s: float | None = None
    max_error_s: float | None = None
    source: str = ""

    def __str__(self) -> str:
        """Return the reading as custody has it."""
        if self.is_synchronised is None:
            return "unknown: the system does not tell"
        state = "synchronised" if self.is_synchronised else "not synchronised"
        return f"{state}, offset {self.offset_s:+.6f} s, error up to {self.max_error_s:.6f} s ({self.source})"
