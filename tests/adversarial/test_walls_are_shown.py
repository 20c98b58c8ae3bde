"""A wall keeps the signs by which it was told: in the capture, the verdict, and the report."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from clonedetect.evidence.package import export
from clonedetect.jobs.doctor import software
from tests.adversarial.arena import Arena, Host, Hosts, page, redirect, reply
from tests.extract.wall_pages import WALLS, Shown

HOME = "http://lumiview.example"
WAITING = ("rate_limited",)
TOLD = {
    one.name: one
    for one in WALLS
    if one.outcome and one.outcome not in WAITING and one.status != 503 and not one.final_url
    if one.name != "reworded, en"
}
"""Walls as one address gives them; those that ask to wait would keep the others of their host waiting."""

STATUS = {200: "OK", 403: "Forbidden", 405: "Not Allowed", 422: "Odd"}


def served(shown: Shown) -> bytes:
    head = reply(shown.body, shown.content_type)
    return head.replace(b"200 OK", f"{shown.status} {STATUS[shown.status]}".encode(), 1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    """A scan of one page of every kind of wall, and of a good page behind an empty shell."""
    replies = {f"/{number}": served(shown) for number, shown in enumerate(TOLD.values())}
    shell = '<div id=app></div><a href="/behind">more</a><script src=/x.js></script>'
    replies |= {
        "/shell": reply(shell),
        "/behind": page("behind the shell"),
        "/bounced": redirect("/in?to=/bounced"),
    }
    replies["/in?to=/bounced"] = reply("<form><input type=tel><button>Weiter</button></form>")
    hosts = [Host("lumiview.example", dict(replies))]
    with Hosts(hosts) as running:
        arena = Arena(tmp_path_factory.mktemp("walls"), running)
        rows = [
            {
                "item_id": "1",
                "account_id": "a",
                "caption": "a caption that stands on none of these pages here",
            }
        ]
        arena.scan(arena.grant(), *(f"{HOME}{path}" for path in hosts[0].replies), index=arena.index(rows))
    return arena


@pytest.mark.parametrize("name", TOLD)
def test_a_wall_is_inconclusive_and_says_by_which_signs(name: str, site: Arena) -> None:
    url = f"{HOME}/{list(TOLD).index(name)}"
    contents = site.contents
    (capture,) = [one for one in contents.captures if one.url == url]
    (verdict,) = [one for one in contents.verdicts if one.page_url == url]

    assert capture.outcome == TOLD[name].outcome
    assert capture.reason
    assert verdict.verdict == "inconclusive"
    if capture.outcome != "needs_rendering":
        assert capture.reason in " ".join(verdict.reasons)


def test_the_report_lists_each_with_its_signs(site: Arena, tmp_path: Path) -> None:
    export(site.contents, site.case, tmp_path / "out", key=None, as_zip=False, software=software())
    report = (tmp_path / "out/data/report.html").read_text(encoding="utf-8")
    unseen = report.partition('<section id="unseen">')[2].partition("</section>")[0]
    shown = " ".join(unescape(re.sub(r"<[^>]+>", "", unseen)).split())

    walls = [one for one in site.contents.captures if one.purpose == "page" and one.outcome != "ok"]
    assert len(walls) > 30
    for capture in walls:
        assert f"(seen: {' '.join(capture.reason.split())})" in shown


def test_what_stands_behind_an_empty_shell_is_captured(site: Arena) -> None:
    told = site.outcomes()

    assert told[f"{HOME}/shell"] == "needs_rendering"
    assert told[f"{HOME}/behind"] == "ok"


def test_an_answer_that_carries_the_address_asked_for_is_a_login_wall(site: Arena) -> None:
    (capture,) = [one for one in site.contents.captures if one.url == f"{HOME}/bounced"]

    assert capture.outcome == "login_wall"
    assert "carries the address asked for" in capture.reason
