"""Fetch what a permit allows and nothing else: redirects by permission, bounded bodies, typed ends.

The only way to the network from here is `exchange.ask`, which takes a Permit.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver

from clonedetect import __version__
from clonedetect.crawl.decode import BombError, DecodeError, decode_content, header
from clonedetect.crawl.exchange import Answer, Circumstances, ask
from clonedetect.crawl.limits import Limits
from clonedetect.crawl.outcomes import is_same_site, outcome_of_status, redirect_target, retry_after_s
from clonedetect.crawl.resolver import SystemResolver
from clonedetect.crawl.robots import USER_AGENT_TOKEN
from clonedetect.crawl.selftest import SelfTest, self_test
from clonedetect.crawl.sniff import media_kind
from clonedetect.errors import InputError, NotPermittedError
from clonedetect.models.capture import Exchange, FetchResult, Outcome, Purpose
from clonedetect.models.permit import Permit, Refusal

__all__ = ["Fetcher", "Follow", "Limits", "user_agent"]

Follow = Callable[[str], Awaitable[Permit | Refusal]]
"""Asked for every redirect target; applies grant, robots and pace, and may wait."""

_ACCEPT = {
    Purpose.PAGE: "text/html,application/xhtml+xml,*/*;q=0.5",
    Purpose.API: "application/json,*/*;q=0.5",
    Purpose.MEDIA: "image/*,video/*,*/*;q=0.5",
    Purpose.FAVICON: "image/*,*/*;q=0.5",
    Purpose.ROBOTS: "text/plain,*/*;q=0.5",
    Purpose.SITEMAP: "application/xml,text/xml,*/*;q=0.5",
}
_DEFAULT_LIMITS = Limits()
# Above this, decoding takes longer than an event loop should stand still.
_DECODE_INLINE_BYTES = 256_000


def _utc_now() -> datetime:
    return datetime.now(UTC)


def user_agent(operator: str, contact: str) -> str:
    """Return the user agent that names the tool, its version, the operator and a contact address.

    Letters outside ASCII lose their accents or are dropped; InputError where nothing is left.
    """
    named = [_plain(text) for text in (operator, contact)]
    if not all(named):
        raise InputError("the user agent needs an operator and a contact that have ASCII letters; name both")
    return f"{USER_AGENT_TOKEN}/{__version__} ({named[0]}; {named[1]})"


def _plain(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "".join(c for c in ascii_text if c.isprintable() and c not in "();\\").strip()


class Fetcher:
    """Fetches permitted URLs; an async context manager, safe to use from many tasks.

    `operator` and `contact` go into the user agent. `resolver` answers names
    (the system's by default) and `now` tells the time, UTC. On entry the wire
    recording is proved against a loopback socket; see `wire_test`.
    """

    def __init__(
        self,
        *,
        operator: str,
        contact: str,
        limits: Limits = _DEFAULT_LIMITS,
        resolver: AbstractResolver | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.user_agent = user_agent(operator, contact)
        self._limits = limits
        self._given_resolver = resolver
        self._now = now
        self._wire_test: SelfTest | None = None
        self._circumstances: Circumstances | None = None

    @property
    def wire_test(self) -> SelfTest:
        """What the start-up self-test found; known inside the context."""
        if self._wire_test is None:
            raise RuntimeError("the fetcher is not open: use it as `async with Fetcher(...)`")
        return self._wire_test

    async def __aenter__(self) -> Self:
        self._wire_test = await self_test()
        self._circumstances = Circumstances(
            limits=self._limits,
            resolver=self._given_resolver or SystemResolver(),
            now=self._now,
            fidelity=self._wire_test.fidelity,
            large_bodies=asyncio.Semaphore(1),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        circumstances, self._circumstances = self._circumstances, None
        if circumstances is not None and self._given_resolver is None:
            await circumstances.resolver.close()

    async def fetch(
        self,
        permit: Permit,
        *,
        follow: Follow,
        etag: str | None = None,
        last_modified: str | None = None,
    ) -> FetchResult:
        """Return all exchanges of fetching ``permit.url`` and how it ended; never raises for what servers do.

        Each redirect target is put to `follow`: a Permit is asked next, a
        Refusal ends the fetch as `redirected_away` (another registrable domain)
        or `blocked_scope`. `etag` and `last_modified`, as an earlier capture
        gave them, make the first request conditional. An exchange is listed
        for every attempt, also one that got no further than name or address
        (its `request` and `response` are then empty). Raises NotPermittedError
        for a permit that contradicts itself.
        """
        circumstances = self._circumstances
        if circumstances is None:
            raise RuntimeError("the fetcher is not open: use it as `async with Fetcher(...)`")
        conditions = _conditions(etag, last_modified)
        trail = FetchResult(permit.url, permit.url, permit.purpose, Outcome.NOT_VISITED)
        exchanges: tuple[Exchange, ...] = ()
        asked: set[str] = set()
        remaining_s = self._limits.fetch_s
        loop = asyncio.get_running_loop()
        while True:
            objection = self._objection(permit, asked)
            if objection is not None:
                return replace(trail, outcome=objection[0], reason=objection[1])
            asked.add(permit.url)
            began = loop.time()
            sent = self._headers(permit.purpose) | (conditions if not exchanges else {})
            answer = await ask(permit, sent, circumstances, time_s=remaining_s)
            remaining_s = max(0.001, remaining_s - (loop.time() - began))
            exchanges += (answer.exchange,)
            trail = replace(trail, final_url=permit.url, exchanges=exchanges)
            step = await self._next(permit, answer, asked, follow)
            if isinstance(step, Permit):
                permit = step
                continue
            if step is not None:
                return replace(trail, outcome=step[0], reason=step[1])
            is_conditional = bool(conditions) and len(exchanges) == 1
            return await self._conclude(trail, answer, is_conditional=is_conditional)

    def _headers(self, purpose: Purpose) -> dict[str, str]:
        return {
            "User-Agent": self.user_agent,
            "Accept": _ACCEPT[purpose],
            "Accept-Encoding": "gzip",
        }

    def _objection(self, permit: Permit, asked: set[str]) -> tuple[Outcome, str] | None:
        """Return why `permit` is not asked now, or None."""
        _require_consistent(permit)
        if self._now() >= permit.valid_to:
            return Outcome.GRANT_EXPIRED, f"the grant ended at {permit.valid_to.isoformat()}"
        if len(permit.url) > self._limits.url_length:
            return Outcome.BLOCKED_SCOPE, f"the URL has {len(permit.url)} characters"
        if permit.url in asked:
            return Outcome.REDIRECT_LOOP, f"the redirects lead back to {permit.url}"
        return None

    def _objection_to_hop(self, target: str, asked: set[str]) -> tuple[Outcome, str] | None:
        """Return why `target` is not even put to `follow`, or None."""
        if target in asked:
            return Outcome.REDIRECT_LOOP, f"the redirects lead back to {target}"
        if len(asked) > self._limits.redirects:
            return (
                Outcome.REDIRECT_LOOP,
                f"more than {self._limits.redirects} redirects, the next to {target}",
            )
        if len(target) > self._limits.url_length:
            return Outcome.BLOCKED_SCOPE, f"the redirect target has {len(target)} characters"
        return None

    async def _next(
        self, permit: Permit, answer: Answer, asked: set[str], follow: Follow
    ) -> Permit | tuple[Outcome, str] | None:
        """Return the redirect target's permit, how its refusal ends the fetch, or None: no redirect.

        A redirect is followed also where its body failed: what it says stands in its head.
        """
        exchange = answer.exchange
        try:
            target = redirect_target(exchange.status, exchange.headers, permit.url)
        except ValueError as error:
            return Outcome.PROTOCOL_ERROR, f"the redirect leads nowhere: {error}"
        if target is None:
            return None
        objection = self._objection_to_hop(target, asked)
        if objection is not None:
            return objection
        decision = await follow(target)
        if isinstance(decision, Permit):
            return decision
        host = urlsplit(target).hostname or ""
        is_away = urlsplit(target).scheme in ("http", "https") and not is_same_site(host, permit.host)
        outcome = Outcome.REDIRECTED_AWAY if is_away else Outcome.BLOCKED_SCOPE
        return outcome, f"redirected to {target}, which is refused: {decision.reason}"

    async def _conclude(self, trail: FetchResult, answer: Answer, *, is_conditional: bool) -> FetchResult:
        """Return `trail` with outcome, content and the rest, from its last answer."""
        exchange, failure = answer.exchange, answer.failure
        outcome, reason = Outcome.OK, answer.note
        if exchange.status is not None and (failure is None or not 200 <= exchange.status <= 299):
            outcome, meaning = outcome_of_status(
                exchange.status, exchange.headers, is_conditional=is_conditional
            )
            reason = meaning or reason
        if failure is not None:
            is_plain = outcome is Outcome.OK
            outcome = failure.outcome if is_plain else outcome
            reason = failure.reason if is_plain else f"{reason}; {failure.reason}"
        content = b""
        if failure is None:
            content, decoding = await self._decode(exchange, trail.purpose)
            outcome, reason = decoding if decoding and outcome is Outcome.OK else (outcome, reason)
        if outcome is Outcome.OK and trail.purpose is Purpose.MEDIA and media_kind(content) is None:
            outcome, reason = Outcome.NOT_MEDIA, f"neither picture nor video: begins with {content[:16]!r}"
        return replace(
            trail,
            outcome=outcome,
            reason=reason,
            content=content,
            content_type=header(exchange.headers, "content-type") or "",
            retry_after_s=retry_after_s(exchange.headers, self._now(), self._limits.retry_after_s),
        )

    async def _decode(self, exchange: Exchange, purpose: Purpose) -> tuple[bytes, tuple[Outcome, str] | None]:
        """Return the content, or none and why; by the very function that reads it from the record."""
        stored = exchange.response[exchange.header_length :]
        limits = self._limits.decoding(purpose, len(stored))
        decoding = partial(decode_content, stored, exchange.headers, limits, status=exchange.status or 200)
        try:
            if len(exchange.response) <= _DECODE_INLINE_BYTES:
                return decoding(), None
            return await asyncio.to_thread(decoding), None
        except BombError as error:
            return b"", (Outcome.BOMB, str(error))
        except DecodeError as error:
            return b"", (Outcome.DECODE_ERROR, str(error))


def _conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """Return the conditional fields; servers wrote the values, so what no header can hold is left out."""
    wanted = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {
        name: value
        for name, value in wanted.items()
        if value and len(value) <= 1_024 and value.isascii() and value.isprintable()
    }


def _require_consistent(permit: Permit) -> None:
    """Refuse a permit whose URL is not that of its scheme, host and port: the socket guard goes by those."""
    parts = urlsplit(permit.url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    if (parts.scheme, parts.hostname, port) != (
        permit.scheme,
        permit.host,
        permit.port,
    ) or "@" in parts.netloc:
        raise NotPermittedError(
            f"the permit for {permit.host} port {permit.port} does not fit its URL {permit.url}"
        )
