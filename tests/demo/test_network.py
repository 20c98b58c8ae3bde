"""The made-up network: its truth is really on its pages, and its servers answer as its routes say."""

from __future__ import annotations

import io
import os
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import msgspec
import pytest
from PIL import Image

from clonedetect.analysis.addresses import site_of_host
from clonedetect.analysis.relations import RELATED_BITS
from clonedetect.analysis.traits import ConnectionSeen, IconSeen, PageSeen, Source, site_traits
from clonedetect.demo import pictures, server
from clonedetect.demo.captions import COMMON, INNOCENT, POSTS
from clonedetect.demo.network import Truth, build_network, seeds
from clonedetect.demo.pictures import MANIPULATIONS, TEMPLATES, photograph
from clonedetect.demo.platform import asset_id, posted_picture, write_platform
from clonedetect.demo.routes import Network, Route, Site, load, save
from clonedetect.errors import InputError
from clonedetect.evidence.signals import Signals
from clonedetect.extract.operator import read_operator
from clonedetect.extract.page import read_page
from clonedetect.grant.urls import normalise
from clonedetect.models.ids import RecordId, digest_of
from clonedetect.signals.icon import icon_print


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Network, Truth]:
    folder = tmp_path_factory.mktemp("network")
    network = build_network(folder / "network", folder / "truth.json")
    return folder / "network", network, msgspec.json.decode((folder / "truth.json").read_bytes(), type=Truth)


def _answers(folder: Path, network: Network) -> dict[str, tuple[Route, bytes]]:
    return {
        f"http://{site.host}{route.target}": (route, (folder / route.file).read_bytes())
        for site in network.sites
        for route in site.routes
    }


def test_routes_are_read_as_they_were_written(built) -> None:
    folder, network, _ = built
    assert load(folder) == network


def _asked_as(url: str) -> str:
    """Return the URL as a crawl asks for it."""
    return url if url.startswith("data:") else str(normalise(url))


def test_each_expected_picture_and_caption_stands_on_its_page(built) -> None:
    folder, network, truth = built
    answers = _answers(folder, network)
    read = {
        url: read_page(answers[url][1], url, answers[url][0].content_type)
        for url in {one.page for one in truth.expectations}
    }
    captions = {post.item_id: post.caption for post in POSTS}
    for copy in truth.expectations:
        content = read[copy.page]
        if copy.kind == "image":
            assert copy.media in {_asked_as(ref.url) for ref in content.media}, copy
        else:
            texts = "\n".join(block.text for block in content.blocks)
            assert captions[copy.items[0]][:15] in texts, copy


def test_each_seed_is_answered_and_every_clone_page_is_reached_from_one(built) -> None:
    folder, network, truth = built
    answers = _answers(folder, network)
    waiting, reached = list(seeds(network)), set()
    assert set(waiting) <= set(answers)
    while waiting:
        url = waiting.pop()
        if url in reached or url not in answers or answers[url][0].content_type.startswith("image"):
            continue
        reached.add(url)
        route, body = answers[url]
        waiting += [urljoin(url, link.url) for link in read_page(body, url, route.content_type).links]
    assert {one.page for one in truth.expectations} <= reached


def test_the_innocent_share_no_host_text_or_picture_with_the_platform(built) -> None:
    _, network, truth = built
    copied = {one.host for one in truth.expectations}
    assert copied.isdisjoint(truth.innocent)
    assert {site.host for site in network.sites if site.operator == "nobody"} == set(truth.innocent)
    assert {post.picture for post in POSTS}.isdisjoint(pictures.INNOCENT_PICTURES)
    assert {post.caption for post in POSTS}.isdisjoint({*INNOCENT, *COMMON})
    assert len({urlsplit(url).hostname for url in truth.outcomes}) == 1


def test_the_platform_s_listing_names_pictures_that_are_there(tmp_path: Path) -> None:
    listing = write_platform(tmp_path)
    rows = [msgspec.json.decode(line) for line in listing.read_bytes().splitlines()]
    assert [row["item_id"] for row in rows] == [post.item_id for post in POSTS]
    media = [one for row in rows for one in row.get("media", ())]
    assert len({one["asset_id"] for one in media}) == len(media) > 5
    assert all((tmp_path / one["path"]).read_bytes()[:2] == b"\xff\xd8" for one in media)


@pytest.mark.parametrize("name", sorted(MANIPULATIONS))
def test_each_manipulation_gives_a_picture_and_all_but_one_change_it(name: str) -> None:
    picture = photograph("coffee")
    before = picture.tobytes()
    changed = MANIPULATIONS[name](picture)
    assert changed.mode == "RGB"
    assert picture.tobytes() == before, "the original was drawn on"
    assert (changed.tobytes() == before) == (name == "plain copy")


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_holds_more_than_the_photograph(name: str) -> None:
    one, other = (TEMPLATES[name](photograph(photo)) for photo in ("coffee", "moon"))
    assert one.size == other.size
    assert one.crop((0, 0, 700, 50)).tobytes() == other.crop((0, 0, 700, 50)).tobytes()


def test_a_post_in_a_template_is_published_in_it() -> None:
    framed = [post for post in POSTS if post.template]
    assert framed
    for post in framed:
        with Image.open(io.BytesIO(posted_picture(post))) as image:
            assert image.size == TEMPLATES[post.template](photograph(post.picture)).size
    assert len({asset_id(post) for post in POSTS}) == len(POSTS)


def test_a_missing_photograph_is_told_with_the_command_that_installs_it(monkeypatch) -> None:
    with pytest.raises(InputError, match=r"pip install 'clonedetect\[demo\]'"):
        photograph("no such picture")
    monkeypatch.setattr(pictures, "_FOLDERS", (("no_such_package", "data"),))
    with pytest.raises(InputError, match="coffee"):
        photograph("coffee")


def _get(port: int, target: str) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}", timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Retry-After", ""), error.read()


def test_the_servers_answer_as_the_routes_say_and_end_with_their_input(tmp_path: Path, monkeypatch) -> None:
    import asyncio

    (tmp_path / "page").write_bytes(b"<p>page</p>")
    routes = (
        Route("/p?a=1&b=%2F", "page", "text/html"),
        Route("/img/https:||x||1.jpg", "page", "image/jpeg"),
        Route("/wall", "page", "text/html", status=403),
        Route("/slow", "page", "text/html", refusals=1),
    )
    save(Network((Site("one.example", "north", routes), Site("two.example", "south", ()))), tmp_path)
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(tmp_path)))
        thread.start()
        ready = threading.Event()
        while not (tmp_path / "ports.json").exists():
            assert thread.is_alive()
            ready.wait(0.01)
        ports = msgspec.json.decode((tmp_path / "ports.json").read_bytes(), type=dict[str, int])
        one, two = ports["one.example"], ports["two.example"]
        assert _get(one, "/p?a=1&b=%2F") == (200, "text/html", b"<p>page</p>")
        assert _get(one, "/img/https:||x||1.jpg")[0] == 200
        assert _get(one, "/wall")[0] == 403
        assert [_get(one, "/slow")[0] for _ in range(2)] == [429, 200]
        assert _get(two, "/wall")[0] == 404
        os.close(writing)
        thread.join(10)
    assert not thread.is_alive()
    assert len((tmp_path / "requests.jsonl").read_bytes().splitlines()) == 6


def _signals(built) -> Signals:
    """What the analysis would collect of each site's pages, icon and header."""
    folder, network, _ = built
    answers = _answers(folder, network)
    traits = []
    for site in network.sites:
        own = {url: one for url, one in answers.items() if url.startswith(f"http://{site.host}/")}
        pages = [
            PageSeen(_source(url, body), read_operator(body, url, route.content_type))
            for url, (route, body) in sorted(own.items())
            if not route.content_type.startswith("image") and route.status == 200
        ]
        icons = [
            IconSeen(_source(url, body), icon_print(body), url)
            for url, (_, body) in own.items()
            if url.endswith("/favicon.ico")
        ]
        shown = ConnectionSeen(_source(site.host, b""), site.headers, ("127.0.0.1",))
        traits += site_traits(site_of_host(site.host), pages, icons, [shown])
    return Signals.of(traits)


def _source(url: str, body: bytes) -> Source:
    return Source(url, RecordId("urn:uuid:1"), digest_of(body))


def test_the_sites_of_an_operator_are_related_and_nobody_else_is(built) -> None:
    _, network, truth = built
    told = _signals(built)
    operators = {site_of_host(site.host): site.operator for site in network.sites}
    for site, operator in operators.items():
        others = {one.site for one in told.related(site)}
        assert {operators[other] for other in others} <= {operator}, site
        if operator == "nobody" or site == "wallcheck.example":
            assert others == set(), site
        else:
            assert len(others) == 2, site
    assert not {one for host in truth.innocent for one in told.related(host)}


def test_the_traps_stand_on_clones_and_on_innocent_neighbours(built) -> None:
    told = _signals(built)
    for kind in ("ad platform", "header order"):
        (cell,) = [one for one in told.cells("memeboard.example") if one.kind == kind]
        assert (cell.weight, "gramlook.example" in cell.shared_with, cell.common != "") == (0, True, True)
    (consent,) = [one for one in told.cells("greetings.example") if one.kind == "analytics account"]
    assert consent.shared_with == ("memeboard.example", "picvault.example", "toppost.example")
    assert 0 < consent.weight < RELATED_BITS
