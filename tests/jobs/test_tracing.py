"""Signals of operators in a scan: icons within the grant, traits stored per site, verdicts untouched."""

from __future__ import annotations

import base64
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image, ImageDraw

from clonedetect.archive.custody import CustodyLog
from clonedetect.archive.warc import WarcArchive
from clonedetect.case.store import CaseStore
from clonedetect.jobs.examining import Examiner
from clonedetect.jobs.opening import open_reference
from clonedetect.jobs.tracing import Tracer
from clonedetect.models.capture import Exchange, FetchResult, Outcome, Purpose, TlsFacts
from clonedetect.models.ids import digest_of
from clonedetect.models.permit import Permit
from clonedetect.models.platform import Platform
from clonedetect.models.trait import Trait, TraitKind
from clonedetect.settings.document import Settings
from tests.extract.test_certificate import certificate
from tests.jobs.playground import HTML, NOW, command, copy_page, make_case, standing
from tests.jobs.test_analysing import _analyse, _analysis

HOSTS = ("one.example", "two.example", "club.example")
COUNTER = "<script>gtag('config','G-AB12CD34');</script>"
ICON_LINK = '<link rel="icon" href="/i.png">'


def icon(colour: str = "#1f4e79") -> bytes:
    image = Image.new("RGB", (32, 32), colour)
    ImageDraw.Draw(image).ellipse((4, 4, 20, 26), fill="white")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def dressed(body: bytes, head: str, foot: str = "") -> bytes:
    return body.replace(b"</head>", f"{head}</head>".encode()).replace(b"</body>", f"{foot}</body>".encode())


def network() -> dict[str, object]:
    """Two clones of one operator and a stranger who copied nothing."""
    foot = '<footer><a href="mailto:desk@op.test">write</a></footer>'
    replies: dict[str, object] = {}
    for name in ("one", "two"):
        page = copy_page("p-1001", "/1.jpg", host=f"{name}.example")
        replies[f"http://{name}.example/p/1"] = dressed(
            page, COUNTER + '<link rel="icon" href="/i.png">', foot
        )
        replies[f"http://{name}.example/i.png"] = (200, "image/png", icon())
    replies["http://club.example/p/1"] = b"<html><body><h1>Club</h1><p>We meet on Mondays.</p></body></html>"
    replies["http://club.example/favicon.ico"] = (200, "image/png", icon("#a03030"))
    return replies


SEEDS = tuple(f"http://{host}/p/1" for host in HOSTS)


def stored(case: Path) -> tuple[Trait, ...]:
    with CaseStore.read(case) as store:
        return store.contents().traits


def values(traits: tuple[Trait, ...], site: str, kind: TraitKind) -> list[str]:
    return [one.value for one in traits if (one.site, one.kind) == (site, kind)]


def test_a_scan_stores_traits_and_relates_the_operator_s_sites_alone(serve, scene) -> None:
    prepared = scene(serve(network()), *HOSTS)
    assert prepared.scan(*SEEDS).code == 0
    traits = stored(prepared.case)
    assert values(traits, "one.example", TraitKind.ANALYTICS_ACCOUNT) == ["G-AB12CD34"]
    assert values(traits, "one.example", TraitKind.MAIL) == ["desk@op.test"]
    assert values(traits, "two.example", TraitKind.FAVICON_SHA256) == [digest_of(icon())]
    assert values(traits, "club.example", TraitKind.FAVICON_SHA256) == [digest_of(icon("#a03030"))]
    with CaseStore.read(prepared.case) as store:
        records = {one.record_id for one in store.captures()} | {
            one.facts.record_id for one in store.captures()
        }
    assert {one.source for one in traits} <= records
    rows = [
        json.loads(line)
        for line in command("findings", prepared.case, "--by", "site", "--json").out.splitlines()
    ]
    related = {row["site"]: [one["site"] for one in row["related"]] for row in rows}
    assert related == {"one.example": ["two.example"], "two.example": ["one.example"], "club.example": []}


def test_icons_are_asked_for_once_an_origin_after_everything_else(serve, scene) -> None:
    replies = network()
    replies["http://one.example/p/1"] = dressed(
        replies["http://one.example/p/1"], "", '<a href="/p/2">next</a>'
    )
    replies["http://one.example/p/2"] = dressed(
        copy_page("p-2001", "/2.jpg"), '<link rel="icon" href="/other.png">'
    )
    web = serve(replies)
    prepared = scene(web, "one.example")
    assert prepared.scan("--crawl-only", SEEDS[0]).code == 0
    with CaseStore.read(prepared.case) as store:
        captures = list(store.captures())
    icons = [one for one in captures if one.purpose is Purpose.FAVICON]
    assert {(one.url, one.outcome) for one in icons} == {
        ("http://one.example/favicon.ico", Outcome.GONE),
        ("http://one.example/i.png", Outcome.OK),
    }
    known_before = [one for one in captures if one.url.endswith(("/p/1", "/1.jpg"))]
    assert max(map(captures.index, known_before)) < min(map(captures.index, icons))
    assert prepared.scan("--crawl-only", SEEDS[0]).code == 0
    assert web.asked["http://one.example/i.png"] == web.asked["http://one.example/favicon.ico"] == 1


def test_an_icon_outside_the_grant_is_refused_and_never_asked_for(serve, scene) -> None:
    replies = network()
    replies["http://one.example/p/1"] = dressed(
        copy_page("p-1001", "/1.jpg"), '<link rel="icon" href="http://cdn.example/i.png">'
    )
    replies["http://cdn.example/i.png"] = (200, "image/png", icon())
    web = serve(replies)
    prepared = scene(web, "one.example")
    ended = prepared.scan("--crawl-only", SEEDS[0])
    assert ("http://cdn.example/i.png", "enqueue") in {
        (one["url"], one["where"]) for one in ended.of("refusal")
    }
    assert web.asked["http://cdn.example/i.png"] == 0


def test_a_page_that_answers_for_an_icon_is_none(serve, scene) -> None:
    replies = network()
    replies["http://one.example/favicon.ico"] = (200, "text/html", b"<p>nothing here</p>")
    prepared = scene(serve(replies), "one.example")
    assert prepared.scan(SEEDS[0]).code == 0
    assert values(stored(prepared.case), "one.example", TraitKind.FAVICON_SHA256) == [digest_of(icon())]


def test_robots_txt_holds_for_icons_too(serve, scene) -> None:
    replies = network()
    replies["http://one.example/robots.txt"] = (200, "text/plain", b"User-agent: *\nDisallow: /i.png")
    web = serve(replies)
    prepared = scene(web, "one.example")
    ended = prepared.scan("--crawl-only", SEEDS[0])
    assert ("http://one.example/i.png", "robots") in {
        (one["url"], one["where"]) for one in ended.of("refusal")
    }
    assert web.asked["http://one.example/i.png"] == 0


def test_verdicts_are_the_same_with_and_without_traits(serve, scene, tmp_path: Path, monkeypatch) -> None:
    prepared = scene(serve(network()), *HOSTS)
    assert prepared.scan("--crawl-only", *SEEDS).code == 0
    shutil.copytree(prepared.case, tmp_path / "bare")
    assert prepared.scan("--analyse-only").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(Tracer, "traits", lambda self, site: ())
        assert prepared.scan("--analyse-only", case=tmp_path / "bare").code == 0
    assert stored(prepared.case) != stored(tmp_path / "bare") == ()
    assert standing(prepared.case) == standing(tmp_path / "bare")
    tables = [
        command("findings", case, "--by", "page", "--json").out for case in (prepared.case, tmp_path / "bare")
    ]
    assert tables[0] == tables[1]


def test_traits_are_collected_again_from_the_archive_alone(serve, scene) -> None:
    web = serve(network())
    prepared = scene(web, *HOSTS)
    assert prepared.scan(*SEEDS).code == 0
    before, asked = stored(prepared.case), web.pages_asked
    with sqlite3.connect(prepared.case / "case.db") as database:
        database.execute("DELETE FROM traits")
        database.execute("DELETE FROM traced_sites")
    assert stored(prepared.case) == ()
    assert prepared.scan("--analyse-only").code == 0
    assert stored(prepared.case) == before
    assert web.pages_asked == asked


def test_an_interrupted_analysis_ends_with_the_same_traits(platform, tmp_path: Path) -> None:
    page = (dressed(copy_page("p-1001", "/x.jpg"), COUNTER), HTML)
    whole = make_case(tmp_path / "whole", {f"http://{host}/p/{n}": page for host in HOSTS for n in range(2)})
    cut = Path(shutil.copytree(whole, tmp_path / "cut"))
    _analyse(whole, platform.index)
    assert len(_analyse(cut, platform.index, pages=3)) == 3
    assert {one.site for one in stored(cut)} < set(HOSTS)
    _analyse(cut, platform.index)
    assert stored(cut) == stored(whole) != ()


def test_another_site_s_page_that_an_archive_keeps_says_nothing_of_the_archive(
    platform, tmp_path: Path
) -> None:
    url = "http://keep.example/web/20240101000000/http://clone.example/p/1"
    case = make_case(
        tmp_path / "case", {url: (dressed(b"<html><head></head><body><p>x</p></body></html>", COUNTER), HTML)}
    )
    _analyse(case, platform.index)
    assert values(stored(case), "keep.example", TraitKind.ANALYTICS_ACCOUNT) == []


@pytest.mark.parametrize("is_blocked", [False, True])
def test_a_blocked_icon_is_never_decoded(platform, tmp_path: Path, is_blocked: bool) -> None:
    data = base64.b64encode(icon()).decode()
    page = f'<html><head><link rel="icon" href="data:image/png;base64,{data}"></head><body>x</body></html>'
    case = make_case(tmp_path / "case", {"http://one.example/": (page.encode(), HTML)})
    with _analysis(case, platform.index) as done:
        list(done)
    assert values(stored(case), "one.example", TraitKind.FAVICON_SHA256) == [digest_of(icon())]
    with CaseStore.read(case) as store:
        blocked = frozenset([digest_of(icon())] if is_blocked else [])
        with open_reference(platform.index) as index, Examiner(index, Settings(), workers=1) as examiner:
            told = Tracer.of(store, examiner, blocked).traits("one.example")
    assert bool(values(told, "one.example", TraitKind.FAVICON_SHA256)) is not is_blocked


@pytest.mark.parametrize("is_verified", [False, True])
def test_only_a_certificate_that_verified_is_the_site_s(platform, tmp_path: Path, is_verified: bool) -> None:
    der = certificate(ec.generate_private_key(ec.SECP256R1()), ("one.example", "sister.example"))
    tls = TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256", (der,), verified=is_verified)
    url, head, body = "https://one.example/", b"HTTP/1.1 200 OK\r\nServer: nx\r\n\r\n", b"<p>x</p>"
    exchange = Exchange(
        url, b"GET / HTTP/1.1\r\n\r\n", head + body, len(head), NOW, NOW, 200, (("Server", "nx"),), tls=tls
    )
    permit = Permit(url, Purpose.PAGE, "https", "one.example", 443, "g", digest_of(b""), "rule", NOW)
    result = FetchResult(url, url, Purpose.PAGE, Outcome.OK, "", (exchange,), body, HTML)
    case = make_case(tmp_path / "case", {})
    with CaseStore.open(case, custody=CustodyLog.open, now=NOW) as store:
        archive = WarcArchive.open(case, "CASE-1", known={}, custody=store.custody, now=NOW)
        store.put_object(body)
        store.record_capture(archive.append(result, permit, captured_at=NOW), actor="test")
    _analyse(case, platform.index)
    names = ["one.example", "sister.example"] if is_verified else []
    assert values(stored(case), "one.example", TraitKind.CERTIFICATE_NAME) == names
    assert values(stored(case), "one.example", TraitKind.SERVER) == ["nx"]


def test_profiles_on_the_platform_are_those_that_are_copied(platform, tmp_path: Path) -> None:
    foot = '<footer><a href="https://www.instagram.com/mara">m</a><a href="https://t.me/op">o</a></footer>'
    page = f"<html><body><p>x</p>{foot}</body></html>".encode()
    case = make_case(tmp_path / "case", {"http://one.example/": (page, HTML)})
    with open_reference(platform.index) as index, CaseStore.read(case) as store:
        for hosts, told in (
            ((), ["instagram:mara", "telegram:op"]),
            (("www.instagram.com",), ["telegram:op"]),
        ):
            settings = Settings(platform=Platform(hosts=hosts))
            with Examiner(index, settings, workers=1) as examiner:
                found = Tracer.of(store, examiner).traits("one.example")
            assert values(found, "one.example", TraitKind.PROFILE) == told
