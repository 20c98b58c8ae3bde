"""What the rehearsal's servers answer: one file of routes per network, read by the server alone."""

from __future__ import annotations

from pathlib import Path

import msgspec

__all__ = ["Network", "Route", "Site", "load", "save"]


class Route(msgspec.Struct, frozen=True):
    """One answer: `target` is path and query as requested, `file` the body below the network's folder.

    The first `refusals` requests are answered 429 with ``Retry-After: 1``.
    """

    target: str
    file: str
    content_type: str
    status: int = 200
    refusals: int = 0


class Site(msgspec.Struct, frozen=True):
    """One made-up host with its routes; `headers` are what its answers have beside the usual ones."""

    host: str
    operator: str
    routes: tuple[Route, ...]
    headers: tuple[tuple[str, str], ...] = ()


class Network(msgspec.Struct, frozen=True):
    """All made-up hosts."""

    sites: tuple[Site, ...]


def save(network: Network, folder: Path) -> None:
    """Write the routes beside the bodies."""
    (folder / "routes.json").write_bytes(msgspec.json.format(msgspec.json.encode(network)))


def load(folder: Path) -> Network:
    """Read what `save` wrote."""
    return msgspec.json.decode((folder / "routes.json").read_bytes(), type=Network)
