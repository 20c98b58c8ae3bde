"""The whole list of hostile input, through real scans of a process of its own.

Each case ends by type and reason, the page after it is captured, nothing outside the grant is
connected to, and neither the scan nor a worker takes 150 MB more than it does at rest.
docs/hostile-input.md holds the same list; `tests.adversarial.hostile.table` writes it.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clonedetect.demo.pictures import jpeg
from clonedetect.extract.page import read_page
from clonedetect.extract.sandbox import Sandbox
from clonedetect.grant.file import sign_grant_file
from clonedetect.grant.keys import new_key, public_key_path, read_private_key
from clonedetect.signals.image import query_image
from tests.adversarial.arena import Arena, Host, Hosts, free_port, page
from tests.adversarial.hostile import table
from tests.adversarial.hostile import wire_cases as wire
from tests.adversarial.hostile.picture_cases import PICTURES, PictureCase, original
from tests.adversarial.hostile.watched import (
    PAGE_READER,
    PICTURE_READER,
    SAMPLE_S,
    Watched,
    children,
    resident,
    watched_scan,
)

pytestmark = [pytest.mark.xdist_group("hostile input"), pytest.mark.timeout(300)]

MARGIN = 150_000_000
LARGEST_MARGIN = 250_000_000
"""A picture just within the 40 megapixels takes 4 bytes a pixel in the decoder, before anything else."""

SHORT = {"connect_s": 5.0, "idle_s": 3.0, "fetch_s": 6.0}
HOME = "http://clone.example"
CASES = {case.name: case for case in wire.wire_cases(0)}
OUTSIDE = ("honeypot.example", "sub.clone.example")
"""Hosts that the grant pins and does not grant: they listen and count."""

DOCUMENT = Path(__file__).parents[2] / "docs" / "hostile-input.md"


@dataclass(slots=True)
class Run:
    """One scan of the whole list, and the hosts that it met."""

    arena: Arena
    cases: dict[str, wire.Case]
    watched: Watched
    outside: tuple[Host, ...]
    idle: dict[str, int]

    def captures(self, url: str) -> list[dict[str, object]]:
        """Return how an address was captured, in order."""
        return [event for event in self.watched.of("capture") if event["url"] == url]

    def judged(self, url: str) -> dict[str, object]:
        """Return what was said of a page."""
        return next(event for event in self.watched.of("judged") if event["url"] == url)

    def extra(self, role: str, since: float, until: float) -> int:
        """Return how far a process was above its rest between two moments, to the nearest samples."""
        return self.watched.peak(role, since - SAMPLE_S, until + SAMPLE_S) - self.idle[role]


def page_of(case: wire.Case) -> str:
    """Return the page that is judged: the hostile address, or what shows it."""
    return f"http://{case.name}.example/{case.name}" if case.alone else f"{HOME}/{case.name}"


def url_of(case: wire.Case) -> str:
    """Return the hostile address itself."""
    return f"{page_of(case)}.jpg" if case.is_media else page_of(case)


def served(cases: dict[str, wire.Case]) -> list[Host]:
    """Return the hosts that serve all cases, and a good page beside each."""
    clone = Host("clone.example", dict(wire.CHAIN))
    hosts = [clone, Host("fenced.example", {"/in": page("within"), "/out": page("outside")})]
    for case in cases.values():
        if case.alone:
            hosts.append(Host(f"{case.name}.example", {}))
        replies = hosts[-1].replies if case.alone else clone.replies
        shown = page(f'<img src="/{case.name}.jpg">') if case.is_media else case.reply
        replies |= {f"/{case.name}": shown, f"/{case.name}/good": page("here is nothing bad")}
        if case.is_media:
            replies[f"/{case.name}.jpg"] = case.reply
    links = "".join(f'<a href="{one.url}">x</a>' for one in wire.FORBIDDEN)
    clone.replies |= {"/warm": page('<img src="/warm.jpg">'), "/warm.jpg": PICTURES[0].answer()}
    clone.replies |= {"/forbidden": page(links)}
    for picture in PICTURES:
        clone.replies[f"/show/{picture.name}"] = page(f'<img src="/shown/{picture.name}">')
        clone.replies[f"/shown/{picture.name}"] = picture.answer()
    return hosts


def rules_for(hosts: Hosts) -> dict[str, str]:
    """Return the grant's rules: every host but those outside, one of them fenced in."""
    rules = {host.name: 'role = "page"' for host in hosts if host.name not in OUTSIDE}
    return rules | {"fenced.example": 'role = "page"\npath_prefixes = ["/in"]'}


def seeds_of(cases: dict[str, wire.Case]) -> list[str]:
    seeds = [f"{HOME}/warm", "http://fenced.example/in"]
    for case in cases.values():
        seeds += [page_of(case), f"{page_of(case)}/good"]
    seeds += [f"{HOME}/show/{picture.name}" for picture in PICTURES]
    return [*seeds, f"{HOME}/forbidden", *(one.url for one in wire.FORBIDDEN)]


def index_of(arena: Arena) -> Path:
    """Index the photograph and the two captions that some cases show."""
    media = [{"path": arena.picture("cat.jpg", jpeg(original(), 92))}]
    return arena.index(
        [
            {"item_id": "cat", "account_id": "owner", "media": media},
            {"item_id": "crane", "account_id": "owner", "caption": wire.ENGLISH},
            {"item_id": "minato", "account_id": "owner", "caption": wire.JAPANESE},
        ]
    )


def at_rest() -> dict[str, int]:
    """Return what a worker of either role holds when it has read next to nothing."""
    with (
        Sandbox(1) as pages,
        Sandbox(1, preload=("clonedetect.signals.image", "clonedetect.signals.display")) as pictures,
    ):
        pages.call(read_page, b"<p>x", HOME)
        pictures.call(query_image, jpeg(original().resize((96, 96))))
        return {role: resident(pid) for pid, role in children(os.getpid()).items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The whole list in one scan, with shorter limits on time than a user has."""
    folder = tmp_path_factory.mktemp("hostile")
    trap = Host("honeypot.example", {"/": page("caught")}, address="127.0.0.2", port=free_port("127.0.0.2"))
    cases = {case.name: case for case in wire.wire_cases(trap.port)}
    wire.make_bombs()
    idle = at_rest()
    below = Host("sub.clone.example", {"/": page("caught")})
    with Hosts([*served(cases), trap, below]) as hosts:
        arena = Arena(folder, hosts)
        grant = arena.grant(rules=rules_for(hosts), limits="min_delay_s = 0\nmax_depth = 0")
        watched = watched_scan(
            folder, grant, seeds_of(cases), case=arena.case, index=index_of(arena), limits=SHORT
        )
        assert watched.code == 0, watched.errors
        warm = next(event for event in watched.of("capture") if event["url"] == f"{HOME}/warm.jpg")
        idle["scan"] = watched.level("scan", float(str(warm["at"])))
        yield Run(arena, cases, watched, (trap, below), idle)


# Each case by itself


@pytest.mark.parametrize("name", CASES)
def test_hostile_answers_end_by_type_and_reason(name: str, run: Run) -> None:
    case = run.cases[name]

    ends = run.captures(url_of(case))

    assert [end["outcome"] for end in ends] == [case.outcome, *([case.then] if case.then else [])]
    assert case.reason in str(ends[0]["reason"])


@pytest.mark.parametrize("name", CASES)
def test_pages_of_hostile_answers_are_judged_by_what_was_seen(name: str, run: Run) -> None:
    case = run.cases[name]

    said = run.judged(page_of(case))

    if case.verdict == "found":
        assert said["items"] == ["minato" if name == "shift-jis" else "crane"]
    else:
        assert said["verdict"] == case.verdict
    unseen = " ".join(str(reason) for reason, _ in said["unseen"])
    assert (case.unseen or (case.outcome if case.verdict == "inconclusive" else "")) in unseen


@pytest.mark.parametrize("name", [name for name in CASES if name != "rate-2099"])
def test_a_good_page_is_captured_after_each(name: str, run: Run) -> None:
    ends = run.captures(f"{page_of(run.cases[name])}/good")

    assert [end["outcome"] for end in ends] == ["ok"]


def test_a_host_that_asks_to_wait_for_decades_is_left_alone_and_listed(run: Run) -> None:
    url = f"{page_of(run.cases['rate-2099'])}/good"

    waiting = {one.url: one.reason for one in run.arena.contents.not_visited}

    assert run.captures(url) == []
    assert "asked to wait 3600 s" in waiting[url]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_every_picture_reaches_its_analysis(picture: PictureCase, run: Run) -> None:
    (end,) = run.captures(f"{HOME}/shown/{picture.name}")
    said = run.judged(f"{HOME}/show/{picture.name}")

    assert end["outcome"] == picture.outcome
    assert said["verdict"] == picture.verdict
    assert said["items"] == (["cat"] if picture.verdict == "confirmed" else [])
    assert picture.unseen in " ".join(str(reason) for reason, _ in said["unseen"])
    assert bool(said["unseen"]) == (picture.verdict != "confirmed")


@pytest.mark.parametrize("one", wire.FORBIDDEN, ids=lambda one: one.name)
def test_forbidden_addresses_are_refused_with_their_reason(one: wire.Forbidden, run: Run) -> None:
    told = [event for event in run.watched.of("refusal") if event["url"] == one.url]

    refusals = [event for event in told if event["where"] == "enqueue"]  # some are redirected to as well
    assert refusals
    assert all(one.reason in str(event["reason"]) for event in refusals)


# The run as a whole


def test_no_socket_left_the_grant(run: Run) -> None:
    granted = {(host.address, host.port) for host in run.arena.hosts if host not in run.outside}

    assert [host.connections for host in run.outside] == [0, 0]
    assert run.watched.connected() <= granted
    assert not run.watched.of("socket.getaddrinfo")  # every name of this grant is pinned
    for host in run.arena.hosts:
        assert set(host.asked) <= {*host.replies, "/robots.txt", "/favicon.ico"}
    assert run.arena.hosts["fenced.example"].asked[:2] == ["/robots.txt", "/in"]


def test_the_scan_takes_little_memory_whatever_it_is_sent(run: Run) -> None:
    over = {}
    for name, case in run.cases.items():
        host = run.arena.hosts[f"{name}.example" if case.alone else "clone.example"]
        since = host.first_asked_at[f"/{name}"]
        ends = run.captures(f"{page_of(case)}/good") or run.captures(url_of(case))
        for role in ("scan", PAGE_READER):
            over[name, role] = run.extra(role, since, float(str(ends[-1]["at"])))
    _report({f"{name} ({role})": extra for (name, role), extra in over.items()})

    assert {key: extra for key, extra in over.items() if extra > MARGIN} == {}


def test_picture_workers_take_little_memory_whatever_they_decode(run: Run) -> None:
    over, since = {}, 0.0
    for event in run.watched.of("judged"):
        until = float(str(event["at"]))
        over[str(event["url"]).rpartition("/")[2]] = run.extra(PICTURE_READER, since, until)
        since = until
    shown = {picture.name: over[picture.name] for picture in PICTURES}
    _report(shown)

    assert max(shown.pop("largest"), shown.pop("largest-clear")) < LARGEST_MARGIN
    assert {name: extra for name, extra in shown.items() if extra > MARGIN} == {}


@pytest.mark.slow
def test_sixteen_hosts_that_send_all_they_may_at_once_take_little_memory(tmp_path: Path) -> None:
    noise = next(case.reply for case in wire.BODIES if case.name == "endless-noise")
    replies = {"/": page('<img src="/x.jpg">'), "/x.jpg": noise, "/warm": page("warm")}
    with Hosts([Host(f"h{number}.example", dict(replies)) for number in range(16)]) as hosts:
        arena = Arena(tmp_path, hosts)
        seeds = ["http://h0.example/warm", *(f"http://{host.name}/" for host in hosts)]
        watched = watched_scan(tmp_path, arena.grant(), seeds, case=arena.case, limits={"fetch_s": 10})
    assert watched.code == 0, (watched.errors, watched.events[-3:])

    ends = Counter(event["outcome"] for event in watched.of("capture") if event["purpose"] == "media")
    warm = next(event for event in watched.of("capture") if str(event["url"]).endswith("/warm"))
    assert ends == {"too_large": 16}
    assert watched.peak("scan") - watched.level("scan", float(str(warm["at"]))) < MARGIN


def _report(over: dict[str, int]) -> None:
    """Write the peaks, for ``pytest -rP``."""
    sys.stdout.writelines(f"{extra / 1e6:5.0f} MB  {name}\n" for name, extra in over.items())


# What needs a scan of its own


def test_names_that_change_their_answer_gain_nothing(tmp_path: Path) -> None:
    names = {
        f"{name}.example": [["127.0.0.1"], [address]]
        for name, address, _ in wire.REBOUND
        if name != "loopback"
    }
    with Hosts([Host("clone.example", {"/good": page("fine")})]) as hosts:
        arena = Arena(tmp_path, hosts)
        port = hosts["clone.example"].port
        lines = f'role = "page"\nports = [80, {port}]\nschemes = ["http"]'
        grant = arena.grant(rules=dict.fromkeys(("clone.example", *names), lines), limits="min_delay_s = 0.5")
        seeds = [*(f"http://{name}:{port}/" for name in names), "http://clone.example/good"]
        watched = watched_scan(tmp_path, grant, seeds, case=arena.case, names=names)

    ends = {event["url"]: event for event in watched.of("capture")}
    for name in names:
        assert ends[f"http://{name}:{port}/robots.txt"]["outcome"] == "gone"  # that answer was good
        assert ends[f"http://{name}:{port}/"]["outcome"] == "blocked_address"
        assert "is not loopback" in str(ends[f"http://{name}:{port}/"]["reason"])
    told = {event["url"]: event["where"] for event in watched.of("refusal")}
    assert set(told.values()) == {"socket"}
    assert len(told) == len(names)
    assert watched.connected() == {("127.0.0.1", port)}
    assert ends["http://clone.example/good"]["outcome"] == "ok"


def test_names_that_lead_where_nobody_may_go_are_refused_under_a_real_grant(tmp_path: Path) -> None:
    trap = Host("honeypot.example", {"/": page("caught")}, address="127.0.0.2")
    with Hosts([trap]) as hosts:
        arena = Arena(tmp_path, hosts)
        names = {f"{name}.example": [[address]] for name, address, _ in wire.REBOUND}
        lines = f'role = "page"\nports = [{trap.port}]\nschemes = ["http"]'
        grant = arena.grant(rules=dict.fromkeys(names, lines), limits="min_delay_s = 0.5", development=False)
        new_key(tmp_path / "approver.pem", None)
        sign_grant_file(grant, read_private_key(tmp_path / "approver.pem"))
        watched = watched_scan(
            tmp_path,
            grant,
            [f"http://{name}:{trap.port}/" for name in names],
            case=arena.case,
            names=names,
            approvers=[public_key_path(tmp_path / "approver.pem")],
        )

    ends = {event["url"]: event for event in watched.of("capture")}
    for name, _, reason in wire.REBOUND:
        end = ends[f"http://{name}.example:{trap.port}/robots.txt"]
        assert end["outcome"] == "blocked_address"
        assert reason in str(end["reason"])
    assert watched.connected() == set()
    assert trap.connections == 0


def test_a_grant_that_expires_mid_run_ends_the_asking(tmp_path: Path) -> None:
    moments: list[datetime] = []

    def told() -> bytes:
        moments.append(datetime.now(UTC))
        return page("fine")

    pages: dict[str, Callable[[], bytes]] = {f"/{number}": told for number in range(60)}
    with Hosts([Host("clone.example", dict(pages))]) as hosts:
        arena = Arena(tmp_path, hosts)
        grant = arena.grant(valid_for=timedelta(seconds=6), limits="min_delay_s = 0.25")
        end = datetime.fromisoformat(grant.read_text().partition("valid_to = ")[2].partition("\n")[0])
        seeds = [f"{HOME}{path}" for path in pages]
        watched = watched_scan(tmp_path, grant, seeds, case=arena.case)

    assert 0 < len(moments) < len(pages)
    assert max(moments) < end + timedelta(seconds=0.2)
    assert "the grant ended at" in str(watched.of("summary")[0]["stopped_by"])
    left = {one.url: one.reason for one in arena.contents.not_visited if "favicon" not in one.url}
    assert len(left) == len(pages) - len(moments)
    assert all("the grant ended at" in reason for reason in left.values())


def test_a_scan_killed_while_an_address_is_leased_asks_it_again_and_keeps_it_once(tmp_path: Path) -> None:
    hang = next(case.reply for case in wire.SLOW if case.name == "silent")
    clone = Host("clone.example", {"/a": page("a"), "/hang": hang, "/b": page("b")})
    with Hosts([clone]) as hosts:
        arena = Arena(tmp_path, hosts)
        grant, seeds = arena.grant(), [f"{HOME}{path}" for path in ("/a", "/hang", "/b")]
        killed = watched_scan(
            tmp_path,
            grant,
            seeds,
            case=arena.case,
            kill_when=lambda: "/hang" in clone.asked,
        )
        with sqlite3.connect(arena.case / "case.db") as database:
            leased = database.execute("SELECT url FROM frontier WHERE state = 'leased'").fetchall()
        database.close()
        clone.replies["/hang"] = page("it answers now")
        whole = watched_scan(tmp_path, grant, seeds, case=arena.case)

    assert killed.code == -9
    assert (f"{HOME}/hang",) in leased
    assert whole.code == 0
    # What came milliseconds before the kill was not written yet, and is asked again like the leased one.
    asked = Counter(clone.asked)
    assert (asked["/hang"], asked["/b"], asked["/robots.txt"]) == (2, 1, 1)
    assert asked["/a"] <= 2
    assert Counter(c.url for c in arena.contents.captures if c.purpose == "page") == Counter(seeds)


def test_a_full_disk_ends_the_run_cleanly_and_the_next_one_completes_it(tmp_path: Path) -> None:
    pages = {f"/{number}": page(f"page {number}") for number in range(6)}
    with Hosts([Host("clone.example", dict(pages))]) as hosts:
        arena = Arena(tmp_path, hosts)
        grant, seeds = arena.grant(), [f"{HOME}{path}" for path in pages]
        full = watched_scan(tmp_path, grant, seeds, case=arena.case, disk_full_at=2)
        kept = Counter(capture.url for capture in arena.contents.captures)
        whole = watched_scan(tmp_path, grant, seeds, case=arena.case)

    assert str(full.of("summary")[0]["stopped_by"]).startswith("disk_full")
    assert 0 < kept.total() < len(pages) + 1
    assert whole.code == 0
    assert Counter(c.url for c in arena.contents.captures if c.purpose == "page") == Counter(seeds)


@pytest.mark.slow
def test_slow_answers_end_by_the_limits_a_user_has(tmp_path: Path) -> None:
    cases = {case.name: case for case in wire.SLOW if case.alone}
    with Hosts(served(cases)) as hosts:
        arena = Arena(tmp_path, hosts)
        began = time.monotonic()
        watched = watched_scan(
            tmp_path, arena.grant(rules=rules_for(hosts)), map(page_of, cases.values()), case=arena.case
        )

    ends = {event["url"]: event for event in watched.of("capture")}
    for case in cases.values():
        assert ends[page_of(case)]["outcome"] == "timeout"
        limit = "15 s" if case.name.startswith("silent") else "60 s"
        assert f"{case.reason} {limit}" in str(ends[page_of(case)]["reason"])
    assert time.monotonic() - began >= 60, "no limit is shorter than the documents say"


def test_every_case_stands_in_the_documents(run: Run) -> None:
    assert table.table() in DOCUMENT.read_text(encoding="utf-8")
