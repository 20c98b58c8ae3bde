"""The decision: one URL, one purpose, one moment, one grant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clonedetect.errors import UrlError
from clonedetect.grant.hosts import is_global_address, literal_address
from clonedetect.grant.probes import probed_names
from clonedetect.grant.terms import Development, Grant, HostRole, HostRule, is_answered_on_loopback
from clonedetect.grant.urls import NormalUrl, normalise
from clonedetect.models.capture import Purpose
from clonedetect.models.permit import Permit, Refusal

__all__ = ["is_open", "may_probe", "permit"]

_WELL_KNOWN = {
    Purpose.ROBOTS: "/robots.txt",
    Purpose.SITEMAP: "/sitemap.xml",
    Purpose.FAVICON: "/favicon.ico",
}
"""What a granted origin may be asked for without a prefix."""

_NO_DEVELOPMENT = Development()


@dataclass(frozen=True, slots=True)
class _No:
    """Why a rule does not allow a URL; the rule that came furthest gives the reason."""

    progress: int
    reason: str


def permit(grant: Grant, url: str, purpose: Purpose, now: datetime) -> Permit | Refusal:
    """Return the permit for `url` under `grant` at `now` (aware), or the refusal with its reason.

    1. `url` has a normal form; all further steps see only that
    2. `now` lies in the grant's window, its end excluded
    3. a literal address is public, or loopback where the grant allows loopback;
       a pinned name needs that too
    4. one host rule allows host, scheme, port, purpose and path: page hosts
       their `path_prefixes` (`api_prefixes` for Purpose.API), media hosts
       Purpose.MEDIA below their `path_prefixes`; robots.txt of every granted
       origin, sitemap.xml and favicon.ico of page hosts, need no prefix;
       a pace under the least reaches loopback only
    5. every name that a page or an API answer would have the site look up
       (`probed_names`) is one of `probe.handles`
    """
    try:
        normal = normalise(url)  # 1
    except UrlError as error:
        return Refusal(url, purpose, error.reason)
    reason = _outside_window(grant, now) or _unreachable(grant, normal)  # 2, 3
    if reason:
        return Refusal(url, purpose, reason)
    furthest = _No(0, f"{normal.host} is not a granted host")
    for position, rule in enumerate(grant.hosts):  # 4
        answer = _ask(rule, normal, purpose)
        if isinstance(answer, str):
            if grant.limits.is_loopback_pace and not is_answered_on_loopback(normal.host, grant.development):
                reason = "the grant's pace is for loopback addresses only"
                return Refusal(url, purpose, f"{reason}, and {normal.host} is not pinned to one")
            unlisted = [name for name in probed_names(normal, purpose) if not may_probe(grant, name)]  # 5
            if unlisted:
                reason = f"{unlisted[0]!a} would be looked up by name, and is not one of probe.handles"
                return Refusal(url, purpose, reason)
            return _permit(grant, normal, purpose, f"hosts[{position}] {rule.host} {answer}")
        if answer.progress > furthest.progress:
            furthest = answer
    return Refusal(url, purpose, furthest.reason)


def is_open(grant: Grant, now: datetime) -> bool:
    """Whether `now` lies in the grant's window; it is closed at `valid_to` itself."""
    return grant.valid_from <= now < grant.valid_to


def may_probe(grant: Grant, handle: str) -> bool:
    """Whether a viewer that fetches on demand may be asked for this name."""
    asked = _same_handle(handle)
    return any(asked == _same_handle(listed) for listed in grant.probe.handles)


def _same_handle(handle: str) -> str:
    return handle.strip().removeprefix("@").casefold()


def _outside_window(grant: Grant, now: datetime) -> str:
    if is_open(grant, now):
        return ""
    if now < grant.valid_from:
        return f"the grant begins at {grant.valid_from:%Y-%m-%dT%H:%M:%SZ}"
    return f"the grant ended at {grant.valid_to:%Y-%m-%dT%H:%M:%SZ}"


def _unreachable(grant: Grant, url: NormalUrl) -> str:
    development = grant.development or _NO_DEVELOPMENT
    address = url.address
    if address is not None:
        if address.is_loopback and not development.allow_loopback:
            return f"{address} is a loopback address, and the grant does not allow loopback"
        if not address.is_loopback and not is_global_address(address):
            return f"{address} is not a public address"
        if not address.is_loopback and grant.development is not None:
            return f"{address} is outside loopback, and the grant is for a rehearsal"
    elif development.pin(url.host) and not development.allow_loopback:
        return f"{url.host} is pinned to loopback, and the grant does not allow loopback"
    return ""


def _ask(rule: HostRule, url: NormalUrl, purpose: Purpose) -> str | _No:
    """Return what of the rule allows the URL, or why it does not."""
    if not _is_host_of(rule, url):
        return _No(0, "")
    if url.scheme not in rule.schemes:
        return _No(1, f"{url.scheme} is not granted for {url.host}")
    if url.port not in rule.ports:
        return _No(2, f"port {url.port} is not granted for {url.host}")
    return _ask_path(rule, url, purpose)


def _ask_path(rule: HostRule, url: NormalUrl, purpose: Purpose) -> str | _No:
    is_media_host = rule.role is HostRole.MEDIA
    is_well_known = url.path == _WELL_KNOWN.get(purpose) and not url.query
    if is_well_known and (purpose is Purpose.ROBOTS or not is_media_host):
        return url.path
    if is_media_host and purpose is not Purpose.MEDIA:
        return _No(3, f"{url.host} is granted for embedded media only")
    kind = "api_prefixes" if purpose is Purpose.API else "path_prefixes"
    for prefix in rule.api_prefixes if purpose is Purpose.API else rule.path_prefixes:
        if _is_below(url.path, prefix):
            return prefix
    return _No(4, f"{url.path} is below none of the {kind} granted for {url.host}")


def _is_host_of(rule: HostRule, url: NormalUrl) -> bool:
    address = url.address
    if address is not None:
        return address == literal_address(rule.host)
    if rule.is_wildcard:
        return url.host.endswith(rule.host[1:])
    return url.host == rule.host


def _is_below(path: str, prefix: str) -> bool:
    """Whether `path` begins with all whole segments of `prefix`, case and escapes included."""
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def _permit(grant: Grant, url: NormalUrl, purpose: Purpose, rule: str) -> Permit:
    development = grant.development or _NO_DEVELOPMENT
    pinned = development.pin(url.host)
    is_encrypted = url.scheme == "https"
    return Permit(
        url=str(url),
        purpose=purpose,
        scheme=url.scheme,
        host=url.host,
        port=url.port,
        grant_id=grant.grant_id,
        grant_digest=grant.digest,
        rule=rule,
        valid_to=grant.valid_to,
        allow_loopback=development.allow_loopback,
        pinned=pinned,
        is_clear_tls=is_encrypted and pinned is not None and not development.tls,
        trust_root=development.trust_root if is_encrypted and development.tls else None,
        is_loopback_only=grant.is_rehearsal,
    )
