"""What a grant permits, and the reason of every refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clonedetect.grant.document import parse_grant
from clonedetect.grant.permit import is_open, may_probe, permit
from clonedetect.grant.terms import Grant
from clonedetect.models.capture import Purpose
from clonedetect.models.permit import Permit, Refusal

PAGE = 'host = "clone.example"\nrole = "page"\n'
LOOPBACK = "[grant.development]\nallow_loopback = true\n"


def test_a_permit_says_what_allowed_it(grant: Grant, now: datetime) -> None:
    answer = permit(grant, "HTTPS://CLONE.example:443/a/../profile/x?b#c", Purpose.PAGE, now)
    assert answer == Permit(
        url="https://clone.example/profile/x?b",
        purpose=Purpose.PAGE,
        scheme="https",
        host="clone.example",
        port=443,
        grant_id="2026-0117",
        grant_digest=grant.digest,
        rule="hosts[0] clone.example /profile",
        valid_to=datetime(2026, 12, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("url", "purpose", "rule"),
    [
        ("https://clone.example/profile", "page", "hosts[0] clone.example /profile"),
        ("https://clone.example/profile/", "page", "hosts[0] clone.example /profile"),
        ("https://clone.example/profile/a/b", "page", "hosts[0] clone.example /profile"),
        ("https://clone.example/profile//a", "page", "hosts[0] clone.example /profile"),
        ("https://clone.example/p/", "page", "hosts[0] clone.example /p/"),
        ("https://clone.example/p/x.jpg", "media", "hosts[0] clone.example /p/"),
        ("https://clone.example/profile/favicon.png", "favicon", "hosts[0] clone.example /profile"),
        ("https://clone.example/p/sitemap-2.xml", "sitemap", "hosts[0] clone.example /p/"),
        ("https://clone.example/api/v1/items", "api", "hosts[0] clone.example /api/v1"),
        ("https://clone.example/robots.txt", "robots", "hosts[0] clone.example /robots.txt"),
        ("https://clone.example/sitemap.xml", "sitemap", "hosts[0] clone.example /sitemap.xml"),
        ("https://clone.example/favicon.ico", "favicon", "hosts[0] clone.example /favicon.ico"),
        ("https://a.img.clone.example/x.jpg", "media", "hosts[1] *.img.clone.example /"),
        ("http://a.b.img.clone.example/x.jpg", "media", "hosts[1] *.img.clone.example /"),
        ("https://a.img.clone.example/robots.txt", "robots", "hosts[1] *.img.clone.example /robots.txt"),
    ],
)
def test_what_the_rules_cover_is_permitted(
    grant: Grant, now: datetime, url: str, purpose: str, rule: str
) -> None:
    answer = permit(grant, url, Purpose(purpose), now)
    assert isinstance(answer, Permit), answer
    assert answer.rule == rule
    assert answer.url == url


@pytest.mark.parametrize(
    ("url", "purpose", "reason"),
    [
        ("https://evil.example/profile", "page", "evil.example is not a granted host"),
        ("https://www.clone.example/profile", "page", "not a granted host"),
        ("https://clone.example.evil.example/profile", "page", "not a granted host"),
        ("https://img.clone.example/x.jpg", "media", "not a granted host"),
        ("https://ximg.clone.example/x.jpg", "media", "not a granted host"),
        ("http://clone.example/profile", "page", "http is not granted for clone.example"),
        ("https://clone.example:8443/profile", "page", "port 8443 is not granted"),
        ("https://a.img.clone.example:8080/x.jpg", "media", "port 8080 is not granted"),
        ("https://clone.example/", "page", "below none of the path_prefixes"),
        ("https://clone.example/profiles", "page", "below none of the path_prefixes"),
        ("https://clone.example/Profile/x", "page", "below none of the path_prefixes"),
        ("https://clone.example/p", "page", "below none of the path_prefixes"),
        ("https://clone.example/profile/../admin", "page", "/admin is below none"),
        ("https://clone.example/other.jpg", "media", "below none of the path_prefixes"),
        ("https://clone.example/profile", "api", "below none of the api_prefixes"),
        ("https://clone.example/api/v1", "page", "below none of the path_prefixes"),
        ("https://clone.example/robots.txt", "page", "below none of the path_prefixes"),
        ("https://clone.example/robots.txt?x", "robots", "below none of the path_prefixes"),
        ("https://clone.example/sitemap.xml", "robots", "below none of the path_prefixes"),
        ("https://clone.example/x/favicon.ico", "favicon", "below none of the path_prefixes"),
        ("https://a.img.clone.example/x", "page", "embedded media only"),
        ("https://a.img.clone.example/x", "api", "embedded media only"),
        ("https://a.img.clone.example/sitemap.xml", "sitemap", "embedded media only"),
        ("https://a.img.clone.example/favicon.ico", "favicon", "embedded media only"),
        ("https://user@clone.example/profile", "page", "user name"),
        ("javascript:alert(1)", "page", "absolute"),
        ("https://127.0.0.1/profile", "page", "does not allow loopback"),
        ("https://169.254.169.254/profile", "page", "not a public address"),
        ("https://8.8.8.8/profile", "page", "8.8.8.8 is not a granted host"),
    ],
)
def test_everything_else_is_refused_with_its_reason(
    grant: Grant, now: datetime, url: str, purpose: str, reason: str
) -> None:
    answer = permit(grant, url, Purpose(purpose), now)
    assert isinstance(answer, Refusal), answer
    assert reason in answer.reason
    assert answer.url == url
    assert answer.purpose is Purpose(purpose)


def test_the_window_is_closed_before_its_start_and_at_its_end(grant: Grant) -> None:
    def at(moment: datetime) -> Permit | Refusal:
        return permit(grant, "https://clone.example/profile", Purpose.PAGE, moment)

    tick = timedelta(microseconds=1)
    assert isinstance(at(grant.valid_from), Permit)
    assert isinstance(at(grant.valid_to - tick), Permit)
    early, late = at(grant.valid_from - tick), at(grant.valid_to)
    assert isinstance(early, Refusal)
    assert early.reason == "the grant begins at 2026-11-01T00:00:00Z"
    assert isinstance(late, Refusal)
    assert late.reason == "the grant ended at 2026-12-01T00:00:00Z"
    assert [is_open(grant, m) for m in (grant.valid_from - tick, grant.valid_from, grant.valid_to)] == [
        False,
        True,
        False,
    ]


def test_a_clock_without_time_zone_is_a_defect(grant: Grant) -> None:
    with pytest.raises(TypeError, match="naive"):
        permit(grant, "https://clone.example/profile", Purpose.PAGE, datetime(2026, 11, 22))  # noqa: DTZ001


def test_the_rule_that_came_furthest_gives_the_reason(grant_for: Callable[..., Grant], now: datetime) -> None:
    grant = grant_for(PAGE + 'path_prefixes = ["/a"]', PAGE + 'schemes = ["http"]\npath_prefixes = ["/b"]')
    refusal = permit(grant, "https://clone.example/b", Purpose.PAGE, now)
    assert isinstance(refusal, Refusal)
    assert "path_prefixes" in refusal.reason
    allowed = permit(grant, "http://clone.example/b", Purpose.PAGE, now)
    assert isinstance(allowed, Permit)
    assert allowed.rule == "hosts[1] clone.example /b"


def test_one_host_may_be_page_and_media_under_different_prefixes(
    grant_for: Callable[..., Grant], now: datetime
) -> None:
    media = 'host = "clone.example"\nrole = "media"\npath_prefixes = ["/img"]'
    grant = grant_for(PAGE + 'path_prefixes = ["/p"]', media)
    assert isinstance(permit(grant, "https://clone.example/img/1.jpg", Purpose.MEDIA, now), Permit)
    assert isinstance(permit(grant, "https://clone.example/img/1.jpg", Purpose.PAGE, now), Refusal)


@pytest.mark.parametrize("host", ["93.184.216.34", "[::ffff:93.184.216.34]", "[::ffff:5db8:d822]"])
def test_a_granted_public_address_is_permitted_in_its_spellings(
    grant_for: Callable[..., Grant], now: datetime, host: str
) -> None:
    grant = grant_for('host = "93.184.216.34"\nrole = "page"')
    assert isinstance(permit(grant, f"http://{host}/", Purpose.PAGE, now), Permit)
    assert isinstance(permit(grant, "http://93.184.216.35/", Purpose.PAGE, now), Refusal)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "169.254.169.254", "224.0.0.1", "[fe80::1]", "[64:ff9b::a00:1]", "[::ffff:10.0.0.1]"]
)
@pytest.mark.parametrize("more", ["", LOOPBACK], ids=["plain", "development"])
def test_a_private_address_is_refused_even_if_it_is_listed(
    grant_for: Callable[..., Grant], now: datetime, host: str, more: str
) -> None:
    grant = grant_for(f'host = "{host}"\nrole = "page"', more=more)
    refusal = permit(grant, f"http://{host}/", Purpose.PAGE, now)
    assert isinstance(refusal, Refusal)
    assert "not a public address" in refusal.reason


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_needs_the_development_field_and_the_listing(
    grant_for: Callable[..., Grant], now: datetime, host: str
) -> None:
    rule = f'host = "{host}"\nrole = "page"\nports = [8081]'
    url = f"http://{host}:8081/"
    allowed = permit(grant_for(rule, more=LOOPBACK), url, Purpose.PAGE, now)
    assert isinstance(allowed, Permit)
    assert allowed.allow_loopback
    assert allowed.is_loopback_only
    assert allowed.pinned is None
    for grant in (grant_for(rule), grant_for(rule, more="[grant.development]\nallow_loopback = false\n")):
        refusal = permit(grant, url, Purpose.PAGE, now)
        assert isinstance(refusal, Refusal)
        assert "does not allow loopback" in refusal.reason
    assert isinstance(permit(grant_for(PAGE, more=LOOPBACK), url, Purpose.PAGE, now), Refusal)


def test_a_pinned_name_answers_on_loopback(whole_grant: str, development: str, now: datetime) -> None:
    grant = parse_grant((whole_grant + development).encode(), name="g")
    answer = permit(grant, "https://clone.example/profile", Purpose.PAGE, now)
    assert isinstance(answer, Permit)
    assert answer.pinned == ("127.0.0.1", 8081)
    assert (answer.host, answer.port) == ("clone.example", 443)
    assert answer.is_clear_tls
    assert answer.is_loopback_only
    other = permit(grant, "https://a.img.clone.example/x", Purpose.MEDIA, now)
    assert isinstance(other, Permit)
    assert other.pinned is None
    assert not other.is_clear_tls
    assert other.is_loopback_only


def test_a_pin_does_not_widen_the_grant(whole_grant: str, development: str, now: datetime) -> None:
    text = whole_grant + development.replace("resolve = {", 'resolve = { "decoy.example" = "127.0.0.1:9",')
    grant = parse_grant(text.encode(), name="g")
    assert isinstance(permit(grant, "https://decoy.example/", Purpose.PAGE, now), Refusal)
    assert isinstance(permit(grant, "https://127.0.0.1:8081/profile", Purpose.PAGE, now), Refusal)


def test_a_pin_without_allow_loopback_is_refused(whole_grant: str, development: str, now: datetime) -> None:
    text = whole_grant + development.replace("allow_loopback = true", "allow_loopback = false")
    refusal = permit(parse_grant(text.encode(), name="g"), "https://clone.example/profile", Purpose.PAGE, now)
    assert isinstance(refusal, Refusal)
    assert "pinned to loopback" in refusal.reason


def test_a_rehearsal_never_asks_a_public_address(grant_for: Callable[..., Grant], now: datetime) -> None:
    grant = grant_for('host = "93.184.216.34"\nrole = "page"', more=LOOPBACK)
    refusal = permit(grant, "http://93.184.216.34/", Purpose.PAGE, now)
    assert isinstance(refusal, Refusal)
    assert "rehearsal" in refusal.reason


def test_an_extra_root_is_for_encrypted_rehearsals_only(
    whole_grant: str, development: str, now: datetime
) -> None:
    root = b"-----BEGIN CERTIFICATE-----\n"
    with_ca = development.replace("tls = false", 'ca = "ca.pem"').replace("[443]", "[80, 443]")
    text = (whole_grant + with_ca).replace('schemes = ["https"]', "").replace("ports = [443]", "")
    grant = parse_grant(text.encode(), name="g", trust_root=root)
    secure = permit(grant, "https://clone.example/profile", Purpose.PAGE, now)
    assert isinstance(secure, Permit)
    assert secure.trust_root == root
    assert not secure.is_clear_tls
    clear = permit(grant, "http://clone.example/profile", Purpose.PAGE, now)
    assert isinstance(clear, Permit)
    assert clear.trust_root is None
    assert not clear.is_clear_tls
    without_ca = parse_grant((whole_grant + development).encode(), name="g", trust_root=root)
    untrusting = permit(without_ca, "https://clone.example/profile", Purpose.PAGE, now)
    assert isinstance(untrusting, Permit)
    assert untrusting.trust_root is None


def test_a_fast_pace_refuses_names_that_are_not_pinned(
    grant_for: Callable[..., Grant], now: datetime
) -> None:
    more = (
        "[grant.limits]\nmin_delay_s = 0.01\n"
        + LOOPBACK
        + 'resolve = { "a.clone.example" = "127.0.0.1:80" }\n'
    )
    grant = grant_for('host = "*.clone.example"\nrole = "page"', more=more)
    assert isinstance(permit(grant, "http://a.clone.example/", Purpose.PAGE, now), Permit)
    refusal = permit(grant, "http://b.clone.example/", Purpose.PAGE, now)
    assert isinstance(refusal, Refusal)
    assert "pace" in refusal.reason


@pytest.mark.parametrize(
    ("handle", "expected"),
    [
        ("alice", True),
        ("@alice", True),
        ("ALICE", True),
        ("bob", True),
        ("eve", False),
        ("", False),
        ("@", False),
    ],
)
def test_only_listed_handles_may_be_probed(grant: Grant, handle: str, expected: bool) -> None:
    assert may_probe(grant, handle) is expected


def test_without_a_list_nobody_may_be_probed(grant: Grant) -> None:
    assert not may_probe(replace(grant, probe=type(grant.probe)()), "alice")
