"""The terms of a grant as values: hosts, caps, robots, probing, rehearsal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.grant.hosts import is_loopback_name, literal_address
from clonedetect.models.ids import Digest

__all__ = [
    "MIN_DELAY_S",
    "Browser",
    "Development",
    "Grant",
    "HostRole",
    "HostRule",
    "Limits",
    "Lookups",
    "Probe",
    "Robots",
    "RobotsPolicy",
    "is_answered_on_loopback",
]

MIN_DELAY_S = 0.5
"""The least seconds between two requests to anything but a loopback address."""


class HostRole(StrEnum):
    """What a host is granted as."""

    PAGE = "page"
    MEDIA = "media"


class RobotsPolicy(StrEnum):
    """Whether robots.txt is obeyed."""

    OBEY = "obey"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class HostRule:
    """One granted host; `host` is in normal form, ``*.`` in front for all names below it.

    Prefixes are normal paths of whole segments; `media` hosts serve only what
    a granted page embeds.
    """

    host: str
    role: HostRole
    path_prefixes: tuple[str, ...] = ("/",)
    api_prefixes: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("https", "http")
    ports: tuple[int, ...] = (80, 443)

    @property
    def is_wildcard(self) -> bool:
        """Whether the rule is for names below its host, and not for the host itself."""
        return self.host.startswith("*.")


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps over all runs of the grant; bytes, seconds, and requests at a time to one host."""

    max_pages: int = 1_000
    max_bytes: int = 2_000_000_000
    max_depth: int = 3
    min_delay_s: float = 1.0
    per_host: int = 1
    run_time_s: int = 14_400

    @property
    def is_loopback_pace(self) -> bool:
        """Whether the pace is one that only loopback addresses may be asked at."""
        return self.min_delay_s < MIN_DELAY_S or self.per_host > 1


@dataclass(frozen=True, slots=True)
class Robots:
    """Whether robots.txt is obeyed; an override has a reason and a second signature."""

    policy: RobotsPolicy = RobotsPolicy.OBEY
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """The only names that may be asked of viewers that fetch on demand."""

    handles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookups:
    """Which registries may be asked about a granted host."""

    rdap: bool = False


@dataclass(frozen=True, slots=True)
class Browser:
    """Whether pages may be rendered."""

    allowed: bool = False


@dataclass(frozen=True, slots=True)
class Development:
    """What makes a grant a rehearsal: it reaches loopback addresses and nothing else.

    `resolve` holds (name, loopback address, port); `ca` is the path of a PEM
    root as written, relative to the grant's file, and `trust_root` its bytes
    once the edge has read them.
    """

    allow_loopback: bool = False
    resolve: tuple[tuple[str, str, int], ...] = ()
    tls: bool = True
    ca: str | None = None
    trust_root: bytes | None = None

    def pin(self, host: str) -> tuple[str, int] | None:
        """Return the loopback address and port that answer for a name, if it is pinned."""
        for name, address, port in self.resolve:
            if name == host:
                return address, port
        return None


@dataclass(frozen=True, slots=True)
class Grant:
    """A parsed grant; times are UTC, `digest` is over the exact bytes of its file."""

    grant_id: str
    case_id: str
    approved_by: str
    legal_basis: str
    valid_from: datetime
    valid_to: datetime
    contact: str
    hosts: tuple[HostRule, ...]
    digest: Digest
    purpose: str = ""
    limits: Limits = Limits()
    robots: Robots = Robots()
    probe: Probe = Probe()
    lookups: Lookups = Lookups()
    browser: Browser = Browser()
    development: Development | None = None

    @property
    def is_rehearsal(self) -> bool:
        """Whether the grant is for rehearsals only, signed or not."""
        return self.development is not None


def is_answered_on_loopback(host: str, development: Development | None) -> bool:
    """Whether a normal host is a loopback literal, a loopback name, or pinned to loopback."""
    address = literal_address(host)
    if address is not None:
        return address.is_loopback
    return is_loopback_name(host) or (development is not None and development.pin(host) is not None)
