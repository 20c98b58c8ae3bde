"""The grant is enforced at seven places, every refusal keeps its place, and no server outside is asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from clonedetect.errors import NotPermittedError, VerificationError
from clonedetect.evidence.package import export
from clonedetect.jobs.doctor import software
from clonedetect.jobs.scanning import NoteEvent
from tests.adversarial.arena import Arena, Host, Hosts, page, redirect, reply
from tests.adversarial.hostile.watched import watched_scan
from tests.adversarial.test_walls_of_the_grant import embeddings

HOME = "http://clone.example"
AWAY = "http://honeypot.example/"
JPEG = reply(b"\xff\xd8\xff\xe0" + b"\0" * 60, "image/jpeg")
ONE_PAGE = 'role = "page"'
Scene = Callable[..., Arena]


def honeypot() -> Host:
    """Pinned by every grant here, and granted by none."""
    return Host("honeypot.example", {"/": page("caught")}, address="127.0.0.2")


def refusals(arena: Arena) -> set[tuple[str, str, str]]:
    """Return every refusal on record: address, place, reason."""
    return {(one.url, one.where, one.reason) for one in arena.contents.refusals}


# The seven places


def test_1_a_seed_and_a_link_are_refused_when_they_are_found(arena: Scene) -> None:
    site = arena(Host("clone.example", {"/": page(f'<a href="{AWAY}x">x</a>')}), honeypot())

    site.scan(site.grant(rules={"clone.example": ONE_PAGE}), f"{HOME}/", AWAY)

    reason = "honeypot.example is not a granted host"
    assert refusals(site) == {(AWAY, "enqueue", reason), (f"{AWAY}x", "enqueue", reason)}
    assert {one.parent_url for one in site.contents.refusals} == {None, f"{HOME}/"}


def test_2_what_was_permitted_when_it_was_found_is_refused_when_its_turn_comes(arena: Scene) -> None:
    links = "".join(f'<a href="/{number}">x</a>' for number in range(5))
    site = arena(Host("clone.example", {"/": page(links), **{f"/{n}": page("x") for n in range(5)}}))
    first = site.grant(limits="min_delay_s = 0\nmax_pages = 1", name="wide")
    site.scan(first, f"{HOME}/")
    asked = len(site.hosts["clone.example"].asked)

    narrow = site.grant(rules={"clone.example": f'{ONE_PAGE}\npath_prefixes = ["/1"]'}, name="narrow")
    site.scan(narrow)

    assert site.hosts["clone.example"].asked[asked:] == ["/1"]
    reason = "is below none of the path_prefixes granted for clone.example"
    assert refusals(site) == {(f"{HOME}/{n}", "dequeue", f"/{n} {reason}") for n in (0, 2, 3, 4)}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_3_a_redirect_is_refused_before_anything_is_asked(status: int, arena: Scene) -> None:
    site = arena(Host("clone.example", {"/": redirect(AWAY, status)}), honeypot())

    site.scan(site.grant(rules={"clone.example": ONE_PAGE}), f"{HOME}/")

    assert refusals(site) == {(AWAY, "redirect", "honeypot.example is not a granted host")}
    assert site.outcomes()[f"{HOME}/"] == "redirected_away"
    assert site.hosts["honeypot.example"].connections == 0


def test_4_an_address_is_refused_at_the_socket(tmp_path: Path) -> None:
    with Hosts([Host("clone.example", {"/": page("x")})]) as hosts:
        arena = Arena(tmp_path, hosts)
        rules = {"clone.example": ONE_PAGE, "private.example": ONE_PAGE}
        grant = arena.grant(rules=rules, limits="min_delay_s = 0.5")
        names = {"private.example": [["10.1.2.3"]]}
        watched_scan(tmp_path, grant, ["http://private.example/", f"{HOME}/"], case=arena.case, names=names)

    told = {url: (where, reason) for url, where, reason in refusals(arena)}
    where, reason = told["http://private.example/robots.txt"]
    assert where == "socket"
    assert "10.1.2.3" in reason


def test_5_robots_txt_is_asked_by_permit_and_obeyed_for_pages_and_media(arena: Scene) -> None:
    rules_of = b"User-agent: *\nDisallow: /no\nSitemap: http://honeypot.example/sitemap.xml\n"
    site = arena(
        Host(
            "clone.example",
            {
                "/robots.txt": reply(rules_of, "text/plain"),
                "/": page('<img src="/no.jpg"><img src="http://media.example/x.jpg"><a href="/no/1">x</a>'),
            },
        ),
        Host("media.example", {"/robots.txt": redirect(f"{AWAY}robots.txt"), "/x.jpg": JPEG}),
        honeypot(),
    )

    site.scan(site.grant(rules={"clone.example": ONE_PAGE, "media.example": 'role = "media"'}), f"{HOME}/")

    told = {(url, where): reason for url, where, reason in refusals(site)}
    assert "robots.txt does not allow it" in told[f"{HOME}/no.jpg", "robots"]
    assert "robots.txt does not allow it" in told[f"{HOME}/no/1", "robots"]
    assert "is unknown" in told["http://media.example/x.jpg", "robots"]
    assert (f"{AWAY}robots.txt", "redirect") in told
    assert site.hosts["media.example"].asked == ["/robots.txt"]
    assert site.hosts["honeypot.example"].connections == 0


def test_6_a_grant_for_a_browser_is_told_that_there_is_none(arena: Scene) -> None:
    site = arena(Host("clone.example", {"/": page("x")}))
    grant = site.grant()
    wanted = "[grant.browser]\nallowed = true\n[grant.development]\n"
    grant.write_text(grant.read_text().replace("[grant.development]\n", wanted))

    site.scan(grant, f"{HOME}/")

    notes = [event.text for event in site.events if isinstance(event, NoteEvent)]
    assert any("this version renders no page" in note for note in notes)


def test_7_a_record_that_no_grant_of_the_case_covers_is_not_exported(arena: Scene) -> None:
    site = arena(Host("clone.example", {"/": page("x")}))
    site.scan(site.grant(), f"{HOME}/")
    contents = site.contents

    export(contents, site.case, site.folder / "whole", key=None, as_zip=False, software=software())
    with sqlite3.connect(site.case / "case.db") as database:
        database.execute("DELETE FROM grants")
    database.close()

    with pytest.raises(VerificationError, match="not in the case"):
        export(site.contents, site.case, site.folder / "out", key=None, as_zip=False, software=software())
    assert not (site.folder / "out").exists()


# Nothing outside is asked, whatever a granted server says


def saying(host: str, url: str) -> dict[str, bytes]:
    """Return a page of `host` that names `url` in every way there is, and all else that leads there."""
    own = f"http://{host}"
    more = f'<div data-next="{own}/next" data-api="{own}/api.json"></div><a href="{own}/feed">x</a>'
    entry = f'{{"image": "{url}i.jpg", "url": "{url}p", "next": "{url}more.json"}}'
    item = f'<item><link>{url}item</link><enclosure url="{url}e.jpg"/></item>'
    fields = f"Refresh: 0; url={url}\r\nLink: <{url}l>; rel=preload\r\n"
    rules = f"User-agent: *\nAllow: /\nSitemap: {url}sitemap.xml\nHost: {url}\n"
    return {
        "/": page(embeddings(url) + more),
        "/next": page(f'<div data-next="{url}next2"><a href="{url}n"><img src="{url}n.jpg"></a></div>'),
        "/api.json": reply(f'{{"items": [{entry}], "has_next": true}}', "application/json"),
        "/feed": reply(f"<rss><channel>{item}</channel></rss>", "application/rss+xml"),
        "/refresh": page(f'<meta http-equiv="refresh" content="0; url={url}">'),
        "/refresh-header": reply("<p>Seen.</p>", extra=fields),
        "/moved": redirect(url),
        "/moved.jpg": redirect(f"{url}m.jpg", 307),
        "/robots.txt": reply(rules, "text/plain"),
        "/favicon.ico": redirect(f"{url}f.ico"),
        "/sitemap.xml": reply(f"<urlset><url><loc>{url}s</loc></url></urlset>", "application/xml"),
    }


def test_no_server_outside_the_grant_is_asked_by_whatever_construct(tmp_path: Path) -> None:
    outside = [
        honeypot(),
        Host("sub.clone0.example", {}),
        Host("127.0.0.1", {}),  # another port of an address that is granted
        Host("127.0.0.2", {}, address="127.0.0.2"),
        Host("localhost", {}),
    ]
    with Hosts(outside) as traps:
        literals = [f"http://{trap.address}:{trap.port}/" for trap in outside[1:]]
        leads = [AWAY, "http://sub.clone0.example/", *literals, f"http://localhost:{outside[4].port}/"]
        names = [f"clone{number}.example" for number in range(len(leads) + 3)]
        leads += [f"ftp://{names[-3]}/", f"https://{names[-2]}/", f"http://{names[-1]}:8080/"]
        clones = [Host(name, saying(name, url)) for name, url in zip(names, leads, strict=True)]
        with Hosts(clones) as hosts:
            arena = Arena(tmp_path, hosts)
            lines = f'{ONE_PAGE}\napi_prefixes = ["/"]\nschemes = ["http"]\nports = [80]'
            grant = arena.grant(rules={host.name: lines for host in clones})
            pins = "".join(f'"{t.name}" = "{t.address}:{t.port}"\n' for t in outside[:2])
            grant.write_text(grant.read_text() + pins)
            paths = ("", "refresh", "refresh-header", "moved")
            seeds = [f"http://{host.name}/{path}" for host in clones for path in paths]
            watched = watched_scan(tmp_path, grant, seeds, case=arena.case)

    assert watched.code == 0, watched.errors
    assert [trap.connections for trap in traps] == [0] * len(outside)
    assert watched.connected() == {(host.address, host.port) for host in clones}
    for host in clones:
        assert {"/robots.txt", "/", "/refresh", "/moved", "/next", "/api.json"} <= set(host.asked)
        assert all(not target.startswith("//") for target in host.asked)
    assert len(refusals(arena)) > 20 * len(leads)
    assert {where for _, where, _ in refusals(arena)} == {"enqueue", "redirect"}


@pytest.mark.parametrize(
    ("since", "lasting", "reason"),
    [
        pytest.param(timedelta(hours=2), -timedelta(hours=1), "the grant ended at", id="expired"),
        pytest.param(-timedelta(hours=1), timedelta(hours=2), "the grant begins at", id="not yet valid"),
    ],
)
def test_outside_its_window_a_grant_opens_no_socket(
    since: timedelta, lasting: timedelta, reason: str, tmp_path: Path
) -> None:
    with Hosts([Host("clone.example", {"/": page("x")})]) as hosts:
        arena = Arena(tmp_path, hosts)
        grant = arena.grant(valid_since=since, valid_for=lasting)
        watched = watched_scan(tmp_path, grant, [f"{HOME}/"], case=arena.case)

    assert watched.of("error")[0]["name"] == NotPermittedError.__name__
    assert not [event for event in watched.events if str(event["event"]).startswith("socket.")]
    assert hosts["clone.example"].connections == 0
    ((url, where, said),) = refusals(arena)
    assert (url, where) == (f"{HOME}/", "enqueue")
    assert reason in said
