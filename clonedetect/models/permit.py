"""The permission that a fetch takes as its argument, and its refusal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clonedetect.models.capture import Purpose
from clonedetect.models.ids import Digest

__all__ = ["Permit", "Refusal"]


@dataclass(frozen=True, slots=True)
class Permit:
    """One URL allowed for one purpose under one grant; made by `grant.permit` alone.

    `url` is in normal form; `host` is its ASCII host in lower case without
    brackets or final dot. `rule` names what allowed it (``hosts[0] clone.example /``).
    `pinned` is the loopback (address, port) that answers for this name in a
    rehearsal, instead of DNS; with `is_clear_tls` https is spoken in clear
    there; `trust_root` is the PEM of an extra root, trusted for this host only.
    `allow_loopback` lets the socket reach loopback addresses, never others
    that are private; with `is_loopback_only` (rehearsals) it may reach nothing
    else. The permit is void from `valid_to` on.
    """

    url: str
    purpose: Purpose
    scheme: str
    host: str
    port: int
    grant_id: str
    grant_digest: Digest
    rule: str
    valid_to: datetime
    allow_loopback: bool = False
    pinned: tuple[str, int] | None = None
    is_clear_tls: bool = False
    trust_root: bytes | None = None
    is_loopback_only: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a URL is not allowed, as a sentence; `url` is as it was given."""

    url: str
    purpose: Purpose
    reason: str
