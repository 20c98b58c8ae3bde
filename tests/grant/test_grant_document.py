"""The grant format: every key, every fault with its line and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from clonedetect.errors import GrantError
from clonedetect.grant.document import parse_grant
from clonedetect.grant.template import grant_template
from clonedetect.grant.terms import (
    Development,
    Grant,
    HostRole,
    HostRule,
    Limits,
    Probe,
    Robots,
    RobotsPolicy,
    is_answered_on_loopback,
)
from clonedetect.models.ids import digest_of


def test_a_whole_grant_is_read_key_by_key(whole_grant: str, development: str) -> None:
    data = (whole_grant + development).encode()
    grant = parse_grant(data, name="grant.toml")
    assert grant == Grant(
        grant_id="2026-0117",
        case_id="CLONE-42",
        approved_by="A. Counsel",
        legal_basis="Terms of service, section 4",
        purpose="Find republished posts",
        valid_from=datetime(2026, 11, 1, tzinfo=UTC),
        valid_to=datetime(2026, 12, 1, tzinfo=UTC),
        contact="trust@example.org",
        hosts=(
            HostRule("clone.example", HostRole.PAGE, ("/profile", "/p/"), ("/api/v1",), ("https",), (443,)),
            HostRule("*.img.clone.example", HostRole.MEDIA),
        ),
        limits=Limits(400, 2_000_000_000, 3, 1.0, 1, 14_400),
        robots=Robots(RobotsPolicy.OBEY),
        probe=Probe(("alice", "Bob")),
        development=Development(True, (("clone.example", "127.0.0.1", 8081),), tls=False),
        digest=digest_of(data),
    )
    assert grant.is_rehearsal


def test_what_is_left_out_has_the_documented_defaults(grant_for: Callable[..., Grant]) -> None:
    grant = grant_for('host = "clone.example"\nrole = "page"')
    assert grant.hosts == (
        HostRule("clone.example", HostRole.PAGE, ("/",), (), ("https", "http"), (80, 443)),
    )
    assert grant.limits == Limits(1_000, 2_000_000_000, 3, 1.0, 1, 14_400)
    assert grant.robots == Robots(RobotsPolicy.OBEY, "")
    assert not grant.probe.handles
    assert not grant.lookups.rdap
    assert not grant.browser.allowed
    assert grant.development is None
    assert not grant.is_rehearsal


def test_the_digest_is_over_the_exact_bytes(whole_grant: str) -> None:
    one = parse_grant(whole_grant.encode(), name="a")
    other = parse_grant(whole_grant.encode() + b"\n", name="a")
    assert one.digest == digest_of(whole_grant.encode())
    assert one.digest != other.digest


def test_times_of_other_offsets_are_converted_to_utc(whole_grant: str) -> None:
    text = whole_grant.replace("2026-11-01T00:00:00Z", "2026-11-01T02:30:00+02:30")
    assert parse_grant(text.encode(), name="a").valid_from == datetime(2026, 11, 1, tzinfo=UTC)


def test_windows_line_ends_change_nothing_but_the_digest(whole_grant: str) -> None:
    grant = parse_grant(whole_grant.replace("\n", "\r\n").encode(), name="a")
    assert grant.hosts == parse_grant(whole_grant.encode(), name="a").hosts


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("CLONE.Example.", "clone.example"),
        ("*.CLONE.example", "*.clone.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("*.user.github.io", "*.user.github.io"),
        ("github.io", "github.io"),
        ("93.184.216.34", "93.184.216.34"),
        ("2606:2800:220:1:0:0:0:1", "2606:2800:220:1::1"),
        ("[2606:2800:220:1::1]", "2606:2800:220:1::1"),
        ("localhost", "localhost"),
    ],
)
def test_hosts_are_kept_in_normal_form(written: str, read: str, grant_for: Callable[..., Grant]) -> None:
    grant = grant_for(f'host = "{written}"\nrole = "page"')
    assert grant.hosts[0].host == read
    assert grant.hosts[0].is_wildcard == read.startswith("*.")


def test_prefixes_are_kept_in_normal_form(grant_for: Callable[..., Grant]) -> None:
    grant = grant_for('host = "clone.example"\nrole = "page"\npath_prefixes = ["/é/%7ex", "/a|b"]')
    assert grant.hosts[0].path_prefixes == ("/%C3%A9/~x", "/a%7Cb")


def test_pins_may_be_ipv6_and_several(whole_grant: str) -> None:
    more = (
        "[grant.development]\nallow_loopback = true\n"
        '[grant.development.resolve]\n"Clone.Example" = "[::1]:80"\n'
        '"x.img.clone.example" = "127.9.9.9:65535"\n'
    )
    development = parse_grant((whole_grant + more).encode(), name="a").development
    assert development is not None
    assert development.pin("clone.example") == ("::1", 80)
    assert development.pin("x.img.clone.example") == ("127.9.9.9", 65_535)
    assert development.pin("img.clone.example") is None


# Each case: what to replace, by what, the line that must be named, the key, and words of the reason.
FAULTS = {
    "no TOML": ('case = "CLONE-42"', 'case = "CLONE-42', 3, "case", "not TOML"),
    "duplicate key": ('case = "CLONE-42"', 'id = "x"', 3, "id", "not TOML"),
    "unknown key": ('case = "CLONE-42"', 'cases = "CLONE-42"', 3, "grant.cases", "did you mean case"),
    "unknown table": ("[grant.lookups]", "[grant.lookup]", 31, "grant.lookup", "did you mean lookups"),
    "unknown table at the root": ("[grant.lookups]", "[lookups]", 31, "lookups", "unknown key"),
    "unknown key of a host": ("schemes =", "scheme =", 15, "grant.hosts[0].scheme", "did you mean schemes"),
    "unknown limit": ("max_depth", "max_deep", 23, "grant.limits.max_deep", "did you mean max_depth"),
    "missing id": ('id = "2026-0117"\n', "", 1, "grant.id", "missing"),
    "missing case": ('case = "CLONE-42"\n', "", 1, "grant.case", "missing"),
    "missing approver": ('approved_by = "A. Counsel"\n', "", 1, "grant.approved_by", "missing"),
    "missing basis": ('legal_basis = "Terms of service, section 4"\n', "", 1, "grant.legal_basis", "missing"),
    "missing start": ("valid_from = 2026-11-01T00:00:00Z\n", "", 1, "grant.valid_from", "missing"),
    "missing end": ("valid_to   = 2026-12-01T00:00:00Z\n", "", 1, "grant.valid_to", "missing"),
    "missing contact": ('contact = "trust@example.org"\n', "", 1, "grant.contact", "missing"),
    "missing host": ('host = "clone.example"\n', "", 10, "grant.hosts[0].host", "missing"),
    "missing role": ('role = "media"\n', "", 17, "grant.hosts[1].role", "missing"),
    "blank id": ('id = "2026-0117"', 'id = "  "', 2, "grant.id", "empty"),
    "control in id": ('id = "2026-0117"', 'id = "a\\u0000b"', 2, "grant.id", "control"),
    "number as id": ('id = "2026-0117"', "id = 117", 2, "grant.id", "a string, not a whole number"),
    "newline in contact": ("trust@example.org", "a@b.example\\nX: y", 9, "grant.contact", "one line"),
    "bracket in contact": ("trust@example.org", "a@b.example) x (", 9, "grant.contact", "mail address"),
    "contact without address": ("trust@example.org", "trust", 9, "grant.contact", "mail address"),
    "naive time": ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00", 7, "grant.valid_from", "no offset"),
    "date as time": ("2026-12-01T00:00:00Z", "2026-12-01", 8, "grant.valid_to", "a date without time"),
    "string as time": ("2026-12-01T00:00:00Z", '"2026-12-01T00:00:00Z"', 8, "grant.valid_to", "a string"),
    "first day of all": (
        "2026-11-01T00:00:00Z",
        "0001-01-01T00:00:00+23:00",
        7,
        "grant.valid_from",
        "calendar",
    ),
    "window inverted": ("2026-12-01", "2026-10-01", 8, "grant.valid_to", "later than valid_from"),
    "window empty": ("2026-12-01", "2026-11-01", 8, "grant.valid_to", "later than valid_from"),
    "host with scheme": (
        '"clone.example"',
        '"https://clone.example"',
        11,
        "grant.hosts[0].host",
        "host alone",
    ),
    "host with path": ('"clone.example"', '"clone.example/p"', 11, "grant.hosts[0].host", "host alone"),
    "host with port": ('"clone.example"', '"clone.example:80"', 11, "grant.hosts[0].host", "use ports"),
    "host with user": ('"clone.example"', '"a@clone.example"', 11, "grant.hosts[0].host", "host alone"),
    "host integer address": ('"clone.example"', '"2130706433"', 11, "grant.hosts[0].host", "plain decimal"),
    "wildcard inside": ('"clone.example"', '"a.*.example"', 11, "grant.hosts[0].host", "host alone"),
    "wildcard alone": ('"clone.example"', '"*"', 11, "grant.hosts[0].host", "host alone"),
    "wildcard of all": ('"clone.example"', '"*."', 11, "grant.hosts[0].host", "no host"),
    "wildcard at a suffix": ('"clone.example"', '"*.example"', 11, "grant.hosts[0].host", "public suffix"),
    "wildcard at co.uk": ('"clone.example"', '"*.co.uk"', 11, "grant.hosts[0].host", "public suffix"),
    "wildcard at a private suffix": (
        '"clone.example"',
        '"*.github.io"',
        11,
        "grant.hosts[0].host",
        "public suffix",
    ),
    "wildcard of an address": ('"clone.example"', '"*.1.2.3.4"', 11, "grant.hosts[0].host", "address"),
    "unknown role": ('role = "page"', 'role = "pages"', 12, "grant.hosts[0].role", "page, media"),
    "prefix without slash": (
        '"/profile"',
        '"profile"',
        13,
        "grant.hosts[0].path_prefixes[0]",
        "begins with /",
    ),
    "prefix with dots": ('"/p/"', '"/p/../x"', 13, "grant.hosts[0].path_prefixes[1]", "dot segments"),
    "prefix with coded dots": ('"/p/"', '"/p/%2E%2e"', 13, "grant.hosts[0].path_prefixes[1]", "dot segments"),
    "prefix with coded slash": ('"/p/"', '"/p%2fx"', 13, "grant.hosts[0].path_prefixes[1]", "encoded slash"),
    "prefix with query": ('"/p/"', '"/p?x"', 13, "grant.hosts[0].path_prefixes[1]", "without"),
    "prefix with backslash": ('"/p/"', '"/p\\\\x"', 13, "grant.hosts[0].path_prefixes[1]", "without"),
    "prefix as string": ('["/api/v1"]', '"/api/v1"', 14, "grant.hosts[0].api_prefixes", "an array"),
    "prefix as number": ('["/api/v1"]', "[1]", 14, "grant.hosts[0].api_prefixes[0]", "strings"),
    "api of a media host": (
        'role = "page"',
        'role = "media"',
        14,
        "grant.hosts[0].api_prefixes",
        "media host",
    ),
    "other scheme": ('["https"]', '["ftp"]', 15, "grant.hosts[0].schemes[0]", "neither http"),
    "no schemes": ('["https"]', "[]", 15, "grant.hosts[0].schemes", "empty"),
    "no ports": ("[443]", "[]", 16, "grant.hosts[0].ports", "empty"),
    "port out of range": ("[443]", "[443, 70000]", 16, "grant.hosts[0].ports[1]", "outside"),
    "port as flag": ("[443]", "[true]", 16, "grant.hosts[0].ports[0]", "whole numbers"),
    "no pages": ("max_pages = 400", "max_pages = 0", 21, "grant.limits.max_pages", "outside"),
    "pages as text": ("max_pages = 400", 'max_pages = "400"', 21, "grant.limits.max_pages", "whole number"),
    "pages as flag": ("max_pages = 400", "max_pages = true", 21, "grant.limits.max_pages", "whole number"),
    "pages as float": ("max_pages = 400", "max_pages = 4.0", 21, "grant.limits.max_pages", "whole number"),
    "negative depth": ("max_depth = 3", "max_depth = -1", 23, "grant.limits.max_depth", "outside"),
    "delay not a number": (
        "min_delay_s = 1.0",
        "min_delay_s = nan",
        24,
        "grant.limits.min_delay_s",
        "outside",
    ),
    "delay without end": (
        "min_delay_s = 1.0",
        "min_delay_s = inf",
        24,
        "grant.limits.min_delay_s",
        "outside",
    ),
    "too fast": ("min_delay_s = 1.0", "min_delay_s = 0.49", 24, "grant.limits.min_delay_s", "loopback"),
    "too many at once": ("per_host = 1", "per_host = 2", 25, "grant.limits.per_host", "loopback"),
    "other robots policy": ('"obey"', '"ignore"', 28, "grant.robots.policy", "obey, override"),
    "override unexplained": ('"obey"', '"override"', 27, "grant.robots.reason", "needs a reason"),
    "blank handle": ('"@Bob"', '"@"', 30, "grant.probe.handles[1]", "not a handle"),
    "two handles in one": ('"@Bob"', '"bob eve"', 30, "grant.probe.handles[1]", "not a handle"),
    "flag as text": ("rdap = false", 'rdap = "no"', 32, "grant.lookups.rdap", "true or false"),
    "flag as number": ("allowed = false", "allowed = 0", 34, "grant.browser.allowed", "true or false"),
    "table as text": (
        "[grant.browser]\nallowed = false",
        "[[grant.browser]]",
        33,
        "grant.browser",
        "a table",
    ),
}


@pytest.mark.parametrize("fault_case", FAULTS.values(), ids=FAULTS.keys())
def test_every_fault_is_named_by_file_line_and_key(
    whole_grant: str, fault_case: tuple[str, str, int, str, str]
) -> None:
    old, new, line, key, reason = fault_case
    assert old in whole_grant
    text = whole_grant.replace(old, new, 1)
    with pytest.raises(GrantError) as fault:
        parse_grant(text.encode(), name="some/grant.toml")
    message = str(fault.value)
    assert message.startswith(f"some/grant.toml:{line}: {key}: "), message
    assert reason in message


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("10.0.0.1:80", "no loopback"),
        ("93.184.216.34:80", "no loopback"),
        ("[::ffff:127.0.0.1]:80", "no loopback"),
        ("localhost:80", "127.0.0.1:8081"),
        ("127.0.0.1", "127.0.0.1:8081"),
        ("127.0.0.1:0", "no port"),
        ("127.0.0.1:65536", "no port"),
        ("127.0.0.1:x", "no port"),
        ("127.0.0.1:" + "9" * 5000, "no port"),
    ],
)
def test_names_are_pinned_to_loopback_only(
    whole_grant: str, development: str, target: str, reason: str
) -> None:
    text = whole_grant + development.replace("127.0.0.1:8081", target)
    with pytest.raises(GrantError, match=r"g:37: grant\.development\.resolve\.\"clone\.example\": ") as fault:
        parse_grant(text.encode(), name="g")
    assert reason in str(fault.value)


def test_an_address_is_not_pinned(whole_grant: str, development: str) -> None:
    text = whole_grant + development.replace('"clone.example"', '"93.184.216.34"')
    with pytest.raises(GrantError, match="pin a name"):
        parse_grant(text.encode(), name="g")


def test_a_name_is_pinned_once(whole_grant: str, development: str) -> None:
    text = whole_grant + development.replace("resolve = {", 'resolve = { "CLONE.example." = "127.0.0.1:9",')
    with pytest.raises(GrantError, match=r"clone\.example is pinned twice"):
        parse_grant(text.encode(), name="g")


def test_a_grant_without_hosts_is_refused(grant_for: Callable[..., Grant]) -> None:
    with pytest.raises(GrantError, match=r"grant\.toml:1: grant\.hosts: .*permits nothing"):
        grant_for()
    with pytest.raises(GrantError, match=r"grant\.toml:10: grant\.hosts: .*permits nothing"):
        grant_for(more="hosts = []")


def test_a_host_with_no_prefix_at_all_is_refused(grant_for: Callable[..., Grant]) -> None:
    with pytest.raises(GrantError, match="path_prefixes: must not be empty"):
        grant_for('host = "clone.example"\nrole = "page"\npath_prefixes = []')
    only_api = grant_for('host = "clone.example"\nrole = "page"\npath_prefixes = []\napi_prefixes = ["/api"]')
    assert only_api.hosts[0].path_prefixes == ()


@pytest.mark.parametrize("pace", ["min_delay_s = 0.0", "per_host = 8"])
def test_a_fast_pace_needs_every_host_on_loopback(grant_for: Callable[..., Grant], pace: str) -> None:
    limits = f"[grant.limits]\n{pace}\n"
    development = (
        '[grant.development]\nallow_loopback = true\nresolve = { "clone.example" = "127.0.0.1:1" }\n'
    )
    clone, other = ('host = "clone.example"\nrole = "page"', 'host = "other.example"\nrole = "page"')
    literal = 'host = "127.0.0.1"\nrole = "page"'
    assert grant_for(clone, literal, more=limits + development).limits.is_loopback_pace
    with pytest.raises(GrantError, match=r"other\.example is not pinned"):
        grant_for(clone, other, more=limits + development)
    with pytest.raises(GrantError, match=r"93\.184\.216\.34 is not pinned"):
        grant_for('host = "93.184.216.34"\nrole = "page"', more=limits + development)


def test_the_least_pace_is_no_loopback_pace(grant_for: Callable[..., Grant]) -> None:
    grant = grant_for('host = "a.example"\nrole = "page"', more="[grant.limits]\nmin_delay_s = 0.5\n")
    assert not grant.limits.is_loopback_pace


def test_what_is_answered_on_loopback() -> None:
    development = Development(allow_loopback=True, resolve=(("clone.example", "127.0.0.1", 80),))
    assert is_answered_on_loopback("clone.example", development)
    assert is_answered_on_loopback("::1", None)
    assert is_answered_on_loopback("x.localhost", None)
    assert not is_answered_on_loopback("clone.example", None)
    assert not is_answered_on_loopback("10.0.0.1", development)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "g:1: grant: the table [grant] is missing"),
        (b"\n# nothing\n", "g:1: grant: the table [grant] is missing"),
        (b"grant = 1", "g:1: grant: must be a table"),
        (b'[grant]\nid = "\xff"', "g:2: not UTF-8 (byte 0xff)"),
        (b"\xff\xfe[\x00g\x00", "g:1: not UTF-8"),
        (b"[grant", "g:1: grant: not TOML"),
        (b"[grant]\nhosts = 5", "g:1: grant.valid_from: is missing"),
        (b"a = " + b"[" * 5000, "g:1: "),
        (b"[grant]\nid = " + b"9" * 5000, "g:2: id: not TOML: Exceeds the limit"),
    ],
)
def test_bytes_that_are_no_grant_are_refused_by_line(data: bytes, reason: str) -> None:
    with pytest.raises(GrantError) as fault:
        parse_grant(data, name="g")
    assert str(fault.value).startswith(reason)


def test_long_texts_may_run_over_lines(whole_grant: str) -> None:
    text = whole_grant.replace('"Terms of service, section 4"', '"""Terms,\nsection 4"""')
    grant = parse_grant(text.encode(), name="g")
    assert grant.legal_basis == "Terms,\nsection 4"
    with pytest.raises(GrantError, match=r"g:4: grant\.approved_by"):
        parse_grant(text.replace('"A. Counsel"', '"""\nA.\nB."""').encode(), name="g")


def test_the_template_parses_once_it_is_filled_in() -> None:
    text = grant_template(datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC))
    with pytest.raises(GrantError, match=r"grant\.id: must not be empty"):
        parse_grant(text.encode(), name="g")
    for key, value in {
        "id": "2026-1",
        "case": "C",
        "approved_by": "A",
        "legal_basis": "B",
        "contact": "a@b.example",
        "host": "clone.example",
    }.items():
        text = text.replace(f'\n{key} = ""', f'\n{key} = "{value}"')
    grant = parse_grant(text.encode(), name="g")
    assert grant.valid_from == datetime(2026, 11, 22, tzinfo=UTC)
    assert grant.valid_to == datetime(2026, 12, 22, tzinfo=UTC)
    assert grant.limits == Limits()
    assert grant.development is None


def test_every_default_the_template_shows_is_the_one_that_holds() -> None:
    text = grant_template(datetime(2026, 11, 22, tzinfo=UTC)).replace('= ""', '= "a@b.example"')
    text = text.replace('host = "a@b.example"', 'host = "clone.example"')
    shown = re.sub(r"^# (?=\w+ = |\[grant)", "", text, flags=re.MULTILINE)
    assert shown.count("\n# ") < text.count("\n# ")
    grant = parse_grant(shown.encode(), name="g")
    quiet = parse_grant(text.encode(), name="g")
    assert (grant.hosts, grant.limits, grant.probe, grant.lookups, grant.browser) == (
        quiet.hosts,
        quiet.limits,
        quiet.probe,
        quiet.lookups,
        quiet.browser,
    )
    assert grant.robots.policy is RobotsPolicy.OBEY
    assert grant.development == Development(True, (("clone.example", "127.0.0.1", 8081),), True, "ca.pem")
