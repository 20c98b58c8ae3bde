"""What `grant check` says of an address is what a scan does: it is asked once, or refused for that reason."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clonedetect.cli.main import cli
from clonedetect.errors import NotPermittedError
from clonedetect.extract.page import read_page
from clonedetect.grant.urls import normalise
from clonedetect.models.capture import Purpose
from clonedetect.models.page import LinkKind
from tests.adversarial.arena import Arena, Host, Hosts, reply

pytestmark = pytest.mark.timeout(900)

HUB = "http://hub.example/hub"
NAMES = ("alpha.example", "sub.alpha.example", "deep.sub.alpha.example", "beta.example", "media.beta.example")
OUTSIDE = "gamma.example"
"""Pinned like all others, and never granted: a pin is no permission."""

PREFIXES = ("/", "/a", "/a/b", "/A", "/p/", "/api")
SEGMENTS = (
    "a", "b", "A", "p", "api", "x.jpg", "", ".", "..", "%2e%2e", "%2E", "%61", "a%2fb", "a%5Cb", "..;",
    "%252e", "a;v=1", "é", "a%20b", "a%", "\\b", "a b",
)  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """A made-up grant: (host, lines) of its rules, and whether its window is open, past or still to come."""

    hosts: tuple[tuple[str, str], ...]
    window: str


def some(values: tuple[object, ...], least: int = 1) -> st.SearchStrategy[list[object]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=3, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """A grant of one to four rules, over names and all names below them."""
    hosts = draw(
        st.lists(
            st.sampled_from((*NAMES, "*.alpha.example", "*.beta.example")),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    chosen = []
    for host in hosts:
        role = draw(st.sampled_from(("page", "page", "media")))
        lines = [f'role = "{role}"', f"path_prefixes = {json.dumps(draw(st.just(['/']) | some(PREFIXES)))}"]
        if role == "page":
            lines.append(f"api_prefixes = {json.dumps(draw(some(PREFIXES, 0)))}")
        lines.append(f"schemes = {json.dumps(draw(st.just(['https', 'http']) | some(('http', 'https'))))}")
        lines.append(f"ports = {json.dumps(draw(st.just([80, 443]) | some((80, 443, 8080))))}")
        chosen.append((host, "\n".join(lines)))
    return Rules(tuple(chosen), draw(st.sampled_from(("open",) * 6 + ("past", "to come"))))


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """An address, well meant or not, on a granted host or beside it."""
    scheme = draw(st.sampled_from(("http", "https") * 4 + ("HTTP", "ftp")))
    user = draw(st.sampled_from(("",) * 20 + ("u@", "alpha.example@", "alpha.example:80@")))
    host = draw(
        st.sampled_from(
            (*NAMES, *NAMES, OUTSIDE, "ALPHA.example", "beta.example.", "alpha.example.evil.example")
        )
    )
    port = draw(st.sampled_from(("",) * 9 + (":80", ":443", ":8080", ":9", ":", ":x")))
    segments = st.sampled_from(("a", "b", "a", "api", "A", "p")) | st.sampled_from(SEGMENTS)
    path = "/".join(draw(st.lists(segments, max_size=4)))
    query = draw(st.sampled_from(("", "", "?q=1", "?q=/../a")))
    return f"{scheme}://{user}{host}{port}/{path}{query}"


@pytest.fixture(scope="module")
def hosts() -> Iterator[Hosts]:
    """All names, each with a server that counts, the ungranted one among them."""
    with Hosts([Host(name, {}) for name in (*NAMES, OUTSIDE, "hub.example")]) as running:
        yield running


def checked(grant: Path, urls: list[str], purpose: Purpose) -> dict[str, dict[str, object]]:
    """Return what the command says of each address, by the address as it was given."""
    if not urls:
        return {}
    words = ["grant", "check", str(grant), "--as", purpose.value, "--json", "--", *urls]
    told = CliRunner().invoke(cli, words)
    assert told.exit_code in (0, 4), told.output
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["url"] for row in rows] == urls
    return {row["url"]: row for row in rows}


def hub_of(media: list[str], apis: list[str]) -> bytes:
    """A page that shows some addresses as pictures and names others as endpoints."""
    shown = "".join(f'<img src="{escape(url)}">' for url in media)
    named = "".join(f'<div data-api="{escape(url)}"></div>' for url in apis)
    return f"<!doctype html><title>Hub</title><h1>All of it</h1>{shown}{named}".encode()


def predict(
    grant: Path, seeds: list[str], hub: bytes, *, is_open: bool
) -> tuple[Counter[tuple[str, str]], set[tuple[str, str, str]]]:
    """Return by the command alone what a scan asks, and what it refuses: (url, purpose, reason)."""
    asked: dict[str, list[str]] = {"page": list(dict.fromkeys(seeds)), "media": [], "api": []}
    if is_open:
        page = read_page(hub, HUB, "text/html")
        asked["media"] = list(dict.fromkeys(ref.url for ref in page.media))
        asked["api"] = list(dict.fromkeys(link.url for link in page.links if link.kind is LinkKind.API))
    requests: set[tuple[str, str]] = set()
    refusals: set[tuple[str, str, str]] = set()
    for purpose, urls in asked.items():
        for url, row in checked(grant, urls, Purpose(purpose)).items():
            if row["permitted"]:
                requests.add((str(normalise(url)), purpose))
            else:
                refusals.add((url, purpose, str(row["reason"])))
    sent: Counter[tuple[str, str]] = Counter()
    for url, _ in requests:
        one = normalise(url)
        sent[one.host, one.path + (f"?{one.query}" if one.query else "")] += 1
    return sent, refusals


def check_prediction(hosts: Hosts, made: Rules, seeds: list[str], media: list[str], apis: list[str]) -> None:
    hub = hub_of(media, apis)
    for host in hosts:
        host.asked.clear()
        host.connections = 0
    hosts["hub.example"].replies["/hub"] = reply(hub)
    hour = timedelta(hours=1)
    since, lasting = {"open": (hour, hour), "past": (2 * hour, -hour), "to come": (-hour, 2 * hour)}[
        made.window
    ]
    with tempfile.TemporaryDirectory() as folder:
        arena = Arena(Path(folder), hosts)
        grant = arena.grant(
            rules=(("hub.example", 'role = "page"\npath_prefixes = ["/hub"]'), *made.hosts),
            valid_since=since,
            valid_for=lasting,
            limits="min_delay_s = 0\nmax_depth = 1",
        )
        is_open = made.window == "open"
        sent, refusals = predict(grant, [HUB, *seeds], hub, is_open=is_open)
        if is_open:
            arena.scan(grant, HUB, *seeds)
        else:
            with pytest.raises(NotPermittedError):
                arena.scan(grant, HUB, *seeds)
        told = arena.contents.refusals

        icons = {f"http://{host.name}/favicon.ico" for host in hosts if "/favicon.ico" in host.asked}
        assert all(row["permitted"] for row in checked(grant, sorted(icons), Purpose.FAVICON).values())

    own = ("/robots.txt", "/favicon.ico")
    got = Counter((host.name, target) for host in hosts for target in host.asked if target not in own)
    assert got == Counter({one: count for one, count in sent.items() if one[1] not in own})
    assert {
        (one.url, str(one.purpose), one.reason) for one in told if one.purpose is not Purpose.FAVICON
    } == refusals
    assert {one.where for one in told} <= {"enqueue"}
    assert hosts[OUTSIDE].connections == 0


SEEDS = st.lists(addresses(), min_size=1, max_size=14)
OTHERS = st.lists(addresses(), max_size=10)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example is a whole scan: shrinking one takes minutes, and the first that fails says enough."""

QUIET = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@settings(max_examples=25, phases=PHASES, suppress_health_check=QUIET)
@given(rules(), SEEDS, OTHERS, OTHERS)
def test_a_scan_does_what_grant_check_says(
    hosts: Hosts, made: Rules, seeds: list[str], media: list[str], apis: list[str]
) -> None:
    check_prediction(hosts, made, seeds, media, apis)


@pytest.mark.slow
@settings(max_examples=150, phases=PHASES, suppress_health_check=QUIET)
@given(rules(), SEEDS, OTHERS, OTHERS)
def test_hundreds_of_scans_do_what_grant_check_says(
    hosts: Hosts, made: Rules, seeds: list[str], media: list[str], apis: list[str]
) -> None:
    check_prediction(hosts, made, seeds, media, apis)
