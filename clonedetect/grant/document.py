"""The grant as a document: TOML to terms, every fault named by file, line and key."""

from __future__ import annotations

import re
from dataclasses import fields
from ipaddress import ip_address

from clonedetect.errors import GrantError
from clonedetect.grant.hosts import literal_address, normalise_host, registrable_domain
from clonedetect.grant.terms import (
    MIN_DELAY_S,
    Browser,
    Development,
    Grant,
    HostRole,
    HostRule,
    Limits,
    Lookups,
    Probe,
    Robots,
    RobotsPolicy,
    is_answered_on_loopback,
)
from clonedetect.grant.urls import normalise_path
from clonedetect.models.ids import digest_of
from clonedetect.toml import Table, load_toml

__all__ = ["Grant", "parse_grant"]

_CONTACT = re.compile(r"(?:[^\s@()<>\\]+@[^\s@()<>\\]+|https?://[^\s()<>\\]+)", re.ASCII)
_GRANT_KEYS = (
    "id", "case", "approved_by", "legal_basis", "purpose", "valid_from", "valid_to", "contact", "hosts",
    "limits", "robots", "probe", "lookups", "browser", "development",
)  # fmt: skip


def parse_grant(data: bytes, *, name: str, trust_root: bytes | None = None) -> Grant:
    """Parse a grant file's bytes; `name` stands in messages, `trust_root` is what `development.ca` holds.

    Raises GrantError naming file, line and key for whatever is malformed,
    missing, unknown, contradictory or vacuous.
    """
    root = load_toml(data, name=name, error=GrantError, known=("grant",))
    if "grant" not in root:
        raise root.error("grant", "the table [grant] is missing")
    table = root.table("grant", _GRANT_KEYS)
    valid_from, valid_to = table.moment("valid_from"), table.moment("valid_to")
    if valid_to <= valid_from:
        raise table.error("valid_to", "must be later than valid_from")
    grant = Grant(
        grant_id=table.text("id"),
        case_id=table.text("case"),
        approved_by=table.text("approved_by"),
        legal_basis=table.text("legal_basis", is_prose=True),
        purpose=table.text("purpose", "", is_prose=True),
        valid_from=valid_from,
        valid_to=valid_to,
        contact=_contact(table),
        hosts=_hosts(table),
        limits=_limits(table),
        robots=_robots(table),
        probe=Probe(table.table("probe", _names(Probe)).parsed("handles", _handle, ())),
        lookups=Lookups(table.table("lookups", _names(Lookups)).flag("rdap", default=False)),
        browser=Browser(table.table("browser", _names(Browser)).flag("allowed", default=False)),
        development=_development(table, trust_root) if "development" in table else None,
        digest=digest_of(data),
    )
    _check_pace(table, grant)
    return grant


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _contact(table: Table) -> str:
    contact = table.text("contact")
    # It becomes part of a header: what could end the comment or the line is refused here.
    if not _CONTACT.fullmatch(contact):
        raise table.error("contact", "must be a mail address or an http(s) URL in plain ASCII")
    return contact


def _hosts(grant: Table) -> tuple[HostRule, ...]:
    tables = grant.tables("hosts", _names(HostRule))
    if not tables:
        raise grant.error("hosts", "a grant without hosts permits nothing; add [[grant.hosts]]")
    return tuple(map(_host_rule, tables))


def _host_rule(table: Table) -> HostRule:
    rule = HostRule(
        host=_granted_host(table),
        role=table.choice("role", HostRole),
        path_prefixes=table.parsed("path_prefixes", _prefix, ("/",)),
        api_prefixes=table.parsed("api_prefixes", _prefix, ()),
        schemes=table.parsed("schemes", _scheme, ("https", "http")),
        ports=table.integers("ports", (80, 443), 1, 65_535),
    )
    for key in ("schemes", "ports"):
        if not getattr(rule, key):
            raise table.error(key, "must not be empty")
    if not rule.path_prefixes and not rule.api_prefixes:
        raise table.error("path_prefixes", "must not be empty where there are no api_prefixes")
    if rule.role is HostRole.MEDIA and rule.api_prefixes:
        raise table.error("api_prefixes", "a media host has no endpoints to read; grant it as a page")
    return rule


def _granted_host(table: Table) -> str:
    text = table.text("host")
    is_wildcard = text.startswith("*.")
    bare = text.removeprefix("*.") if is_wildcard else text
    if re.search(r"[/@?#\\*]", bare):
        raise table.error("host", f"{text!r}: a host alone, or *. before one; paths go in path_prefixes")
    try:
        host = _normal_granted_host(bare)
    except ValueError as error:
        raise table.error("host", f"{text!r}: {error}") from None
    if not is_wildcard:
        return host
    if literal_address(host) is not None:
        raise table.error("host", f"{text!r}: an address has no names below it")
    if registrable_domain(host) is None:
        raise table.error("host", f"{text!r}: {host} is a public suffix; name a registrable domain")
    return f"*.{host}"


def _normal_granted_host(bare: str) -> str:
    if bare.count(":") == 1:
        raise ValueError("a port does not belong here; use ports")
    return normalise_host(f"[{bare}]" if ":" in bare and not bare.startswith("[") else bare)


def _scheme(text: str) -> str:
    if text not in ("http", "https"):
        raise ValueError("neither http nor https")
    return text


def _prefix(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("a prefix begins with /")
    if re.search(r"[\s\\?#]", text):
        raise ValueError("a prefix is a path without spaces, backslashes, ? and #")
    if re.search(r"/\.{1,2}(?:/|$)", re.sub(r"%2[eE]", ".", text)):
        raise ValueError("a prefix with dot segments does not mean what it says")
    return normalise_path(text)


def _handle(text: str) -> str:
    handle = text.strip().removeprefix("@")
    if not handle or re.search(r"\s", handle):
        raise ValueError("not a handle")
    return handle


def _limits(grant: Table) -> Limits:
    table = grant.table("limits", _names(Limits))
    standard = Limits()
    return Limits(
        max_pages=table.integer("max_pages", standard.max_pages, 1, 10**9),
        max_bytes=table.integer("max_bytes", standard.max_bytes, 1, 10**15),
        max_depth=table.integer("max_depth", standard.max_depth, 0, 100),
        min_delay_s=table.number("min_delay_s", standard.min_delay_s, 0, 3_600),
        per_host=table.integer("per_host", standard.per_host, 1, 64),
        run_time_s=table.integer("run_time_s", standard.run_time_s, 1, 31_536_000),
    )


def _robots(grant: Table) -> Robots:
    table = grant.table("robots", _names(Robots))
    policy = table.choice("policy", RobotsPolicy, RobotsPolicy.OBEY)
    reason = table.text("reason", "", is_prose=True)
    if policy is RobotsPolicy.OVERRIDE and not reason:
        raise table.error("reason", "is missing: overriding robots.txt needs a reason")
    return Robots(policy, reason)


def _development(grant: Table, trust_root: bytes | None) -> Development:
    table = grant.table("development", ("allow_loopback", "resolve", "tls", "ca"))
    ca = table.text("ca") if "ca" in table else None
    return Development(
        allow_loopback=table.flag("allow_loopback", default=False),
        resolve=_pins(table.table("resolve", None)),
        tls=table.flag("tls", default=True),
        ca=ca,
        trust_root=trust_root if ca else None,
    )


def _pins(table: Table) -> tuple[tuple[str, str, int], ...]:
    pins: dict[str, tuple[str, str, int]] = {}
    for name in table.keys():  # noqa: SIM118  a Table is no mapping
        pin = _pin(table, name)
        if pin[0] in pins:
            raise table.error(name, f"{pin[0]} is pinned twice")
        pins[pin[0]] = pin
    return tuple(pins.values())


def _pin(table: Table, name: str) -> tuple[str, str, int]:
    target = table.text(name)
    address_text, _, port = target.rpartition(":")
    try:
        host = normalise_host(name)
        address = ip_address(address_text.removeprefix("[").removesuffix("]"))
    except ValueError as error:
        raise table.error(name, f'{target!r}: {error}; write name = "127.0.0.1:8081"') from None
    if literal_address(host) is not None:
        raise table.error(name, "an address is not looked up; pin a name")
    # Later Pythons call ::ffff:127.0.0.1 loopback; a pin is spelled as what it is.
    if not address.is_loopback or literal_address(str(address)) != address:
        raise table.error(name, f"{address} is no loopback address")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65_535:
        raise table.error(name, f"{target!r} has no port from 1 to 65535")
    return host, str(address), int(port)


def _check_pace(table: Table, grant: Grant) -> None:
    if not grant.limits.is_loopback_pace:
        return
    limits = table.table("limits", None)
    key = "min_delay_s" if grant.limits.min_delay_s < MIN_DELAY_S else "per_host"
    least = f"min_delay_s under {MIN_DELAY_S} and per_host over 1 are for loopback addresses only"
    development = grant.development
    if development is None:
        raise limits.error(key, f"{least}; this grant has no [grant.development]")
    for rule in grant.hosts:
        if not rule.is_wildcard and not is_answered_on_loopback(rule.host, development):
            raise limits.error(key, f"{least}; {rule.host} is not pinned to one in development.resolve")
