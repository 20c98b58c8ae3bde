"""What a case did not see, by reason, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Gap", "GapKind"]


class GapKind(StrEnum):
    """Why something was not seen; in the order in which it is told."""

    SEED = "seed"
    WALL = "wall"
    PARKED_HOST = "parked_host"
    ROBOTS = "robots"
    RENDERING = "rendering"
    TIMEOUT = "timeout"
    ERROR = "error"
    ADDRESS = "address"
    REDIRECT = "redirect"
    SIZE = "size"
    STOPPED_PARSER = "stopped_parser"
    UNREADABLE = "unreadable"
    CUT = "cut"
    FRAME = "frame"
    MEDIA = "media"
    VIDEO = "video"
    PAGE_CAP = "max_pages"
    HOST_CAP = "pages_per_host"
    BYTES = "max_bytes"
    TIME = "run_time_s"
    DISK = "disk_full"
    GRANT_END = "grant_end"
    INTERRUPTED = "interrupted"
    QUEUED = "queued"
    DEFECT = "defect"
    TOO_DEEP = "max_depth"
    TRAP = "trap"
    SPELLING = "spelling"
    PROBE = "probe"
    LINK = "link"
    PLACEHOLDER = "placeholder"
    GONE = "gone"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Gap:
    """Some things that were not seen for one reason.

    `what` they are (``pages``, ``pictures`` ...), `reason` a phrase that follows it, `examples` the
    first addresses, `next_steps` what an operator may do about it, in sentences, "" apart.
    """

    kind: GapKind
    what: str
    reason: str
    count: int
    examples: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
