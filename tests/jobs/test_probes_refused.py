"""Names that the grant does not list are asked of no viewer, wherever a look-up comes from."""

from __future__ import annotations

import json

from clonedetect.case.store import CaseStore
from tests.jobs.playground import command

ROOT = "http://clone.example/"


def page(*parts: str) -> bytes:
    return f"<html><body>{''.join(parts)}</body></html>".encode()


def test_look_ups_by_name_are_refused_where_they_are_found_and_where_they_are_led_to(serve, scene):
    told = json.dumps({"username": "alice", "id": "31415926535"}).encode()
    replies = {
        ROOT: page(
            '<a href="/profile/eve">eve</a><a href="/search?q=eve">search</a><a href="/jump">jump</a>',
            '<div data-next="/api/userInfoByUsername/eve"></div>',
            '<div data-next="/api/userInfoByUsername/alice"></div>',
        ),
        f"{ROOT}profile/eve": page("<h1>eve</h1>"),
        f"{ROOT}api/userInfoByUsername/alice": (200, "application/json", told),
    }
    site = serve(replies)
    site.replies[f"{ROOT}jump"] = page('<meta http-equiv="refresh" content="0;url=/api/user/mallory">')
    arranged = scene(site, more='[grant.probe]\nhandles = ["alice"]')
    told_at_the_end = arranged.scan(ROOT, "--json").summary["not_seen"]
    (probes,) = [gap for gap in told_at_the_end if gap["kind"] == "probe"]
    assert probes["count"] == 3
    with CaseStore.read(arranged.case) as store:
        refused = {(one.url.removeprefix(ROOT), one.where): one.reason for one in store.refusals()}
    assert refused[("search?q=eve", "enqueue")] == (
        "'eve' would be looked up by name, and is not one of probe.handles"
    )
    assert ("api/userInfoByUsername/eve", "enqueue") in refused
    asked = {url.removeprefix(ROOT) for url in site.asked}
    assert asked == {"", "robots.txt", "favicon.ico", "profile/eve", "jump", "api/userInfoByUsername/alice"}


def test_a_redirect_to_a_look_up_is_not_followed(serve, scene):
    site = serve({ROOT: page('<a href="/profile/eve">eve</a>')})
    site.moved[f"{ROOT}profile/eve"] = "/search?q=eve"
    arranged = scene(site)
    told = arranged.scan(ROOT, "--json")
    (refusal,) = told.of("refusal")
    assert (refusal["where"], refusal["url"]) == ("redirect", f"{ROOT}search?q=eve")
    assert f"{ROOT}search?q=eve" not in site.asked


def test_grant_check_says_the_same(serve, scene):
    arranged = scene(serve({}), more='[grant.probe]\nhandles = ["alice"]')
    urls = [f"{ROOT}search?q={name}" for name in ("alice", "eve")]
    told = command("grant", "check", arranged.grant, *urls, "--json")
    alice, eve = map(json.loads, told.out.splitlines())
    assert (alice["permitted"], eve["permitted"]) == (True, False)
    assert eve["reason"] == "'eve' would be looked up by name, and is not one of probe.handles"


def test_what_was_left_out_is_told_by_kind(serve, scene):
    links = [f'<a href="/p?utm_source={n}">p</a>' for n in range(3)] + ['<a href="/a/b/a/b/a/b">trap</a>']
    site = serve({ROOT: page(*links), f"{ROOT}p?utm_source=0": page("<p>words</p>")})
    gaps = {gap["kind"]: gap for gap in scene(site).scan(ROOT, "--json").summary["not_seen"]}
    assert (gaps["spelling"]["count"], gaps["trap"]["count"]) == (2, 1)
    assert "queued" not in gaps
