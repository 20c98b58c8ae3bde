"""A random sample of a list of addresses, so that a share of the list can be estimated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clonedetect.models.ids import Digest

__all__ = ["Sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn from which list, by which seed: enough for anyone to draw it again.

    The frame is the list of addresses that were named, in normal form, each
    once, sorted; `frame_digest` is the digest of these lines, under which
    the list itself lies among the case's objects. `duplicates` were named
    again, `unusable` are no http(s) addresses; neither is in the frame.
    `sites` counts the frame's addresses by registrable domain. `drawn` are in
    the order of the draw; fewer than `size` where the frame holds fewer.
    """

    seed: str
    size: int
    frame_digest: Digest
    frame_size: int
    duplicates: int
    unusable: int
    sites: tuple[tuple[str, int], ...]
    drawn: tuple[str, ...]
    drawn_at: datetime
