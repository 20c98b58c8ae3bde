"""Ask the system for a name's addresses without ever keeping the program from ending.

asyncio's own lookup runs in the default executor: a handful of names whose
servers are dead would occupy all its threads, hold up everything else that
runs there, and keep an interrupted run from ending until they give up.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress

from aiohttp.abc import AbstractResolver, ResolveResult

__all__ = ["SystemResolver"]


class SystemResolver(AbstractResolver):
    """Looks names up with ``getaddrinfo``, each in a daemon thread that a cancelled caller leaves behind."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return all addresses of `host` in the system's order; OSError where it has none."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def give(answers: list[ResolveResult] | Exception) -> None:
            if answered.done():
                return
            if isinstance(answers, Exception):
                answered.set_exception(answers)
            else:
                answered.set_result(answers)

        def look_up() -> None:
            answers: list[ResolveResult] | Exception
            try:
                answers = _addresses(host, port, family)
            except (OSError, UnicodeError) as error:
                answers = error
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(give, answers)

        threading.Thread(target=look_up, name=f"resolve {host[:40]}", daemon=True).start()
        return await answered

    async def close(self) -> None:
        """Do nothing; lookups under way end by themselves."""


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=kind,
            proto=protocol,
            flags=socket.AI_NUMERICHOST,
        )
        for kind, _, protocol, _, address in found
        if kind in (socket.AF_INET, socket.AF_INET6)
    ]
