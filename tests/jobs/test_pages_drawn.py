"""Where a cap keeps a crawl from all pages it knows, it says how many of how many, and by which draw."""

from __future__ import annotations

import json

import pytest

from clonedetect.archive.custody import read_custody
from clonedetect.case.store import CaseStore
from clonedetect.models.sample import order_of
from tests.jobs.playground import command, write_grant

ROOT = "http://clone.example/"


def page(*links: str) -> bytes:
    return ("<html><body>" + "".join(f'<a href="{link}">x</a>' for link in links) + "</body></html>").encode()


@pytest.fixture
def site(serve):
    links = [f"/v/name{n}" for n in range(20)]
    return serve({ROOT: page(*links), **{ROOT + link[1:]: page() for link in links}})


def pages_of(site) -> set[str]:
    return {url for url in site.asked if not url.endswith(("robots.txt", "favicon.ico"))}


def test_a_cap_draws_among_equal_pages_and_says_so(site, scene):
    arranged = scene(site, limits="max_pages = 6")
    told = arranged.scan(ROOT, "--json")
    summary = told.summary
    assert (summary["pages_asked"], summary["pages_known"]) == (6, 21)
    draw = summary["page_draw"]
    assert (draw["asked"], draw["known"], draw["stopped_by"]) == (6, 21, "max_pages 6 reached")
    assert draw["strata"] == [
        ["named by the operator", 1, 1],
        ["of a shape of which nothing is known", 5, 20],
    ]
    linked = {f"{ROOT}v/name{n}" for n in range(20)}
    expected = sorted(linked, key=lambda url: order_of(draw["seed"], url))[:5]
    assert pages_of(site) == {ROOT, *expected}
    with CaseStore.read(arranged.case) as store:
        held = store.contents().page_draw
        assert store.object(held.frame_digest).decode().splitlines() == sorted({ROOT, *linked})
    (line,) = [one for one in read_custody(arranged.case / "custody.jsonl") if one.action == "pages_drawn"]
    assert line.subject == f"{held.frame_digest} 6 of 21 seed {held.seed}"


def test_the_same_grant_draws_the_same_pages_in_a_case_that_is_made_again(site, scene, tmp_path):
    arranged = scene(site, limits="max_pages = 6")
    arranged.scan(ROOT, "--json")
    first = pages_of(site)
    site.asked.clear()
    arranged.scan(ROOT, "--json", case=tmp_path / "again")
    assert pages_of(site) == first


def test_findings_and_the_table_say_how_many_were_asked(site, scene):
    arranged = scene(site, limits="max_pages = 6")
    arranged.scan(ROOT, "--json")
    told = command("findings", arranged.case, "--json")
    assert told.err.startswith("6 of 21 known pages asked, at the last cap (max_pages 6 reached)")
    assert all(json.loads(line)["page_url"] for line in told.out.splitlines())


def test_a_case_that_asked_for_all_says_nothing_of_it(site, scene):
    arranged = scene(site)
    summary = arranged.scan(ROOT, "--json").summary
    assert (summary["pages_asked"], summary["pages_known"], summary["page_draw"]) == (21, 21, None)
    assert "known pages" not in command("findings", arranged.case, "--json").err


def test_a_wider_grant_goes_on_with_the_draw_that_was_begun(site, scene, tmp_path):
    arranged = scene(site, limits="max_pages = 6")
    seed = arranged.scan(ROOT, "--json").summary["page_draw"]["seed"]
    before = pages_of(site)
    write_grant(arranged.grant, site.port, ["clone.example"], grant_id="g-2", limits="max_pages = 5")
    summary = arranged.scan(ROOT, "--json").summary
    assert (summary["pages_asked"], summary["page_draw"]["seed"]) == (11, seed)
    linked = sorted((f"{ROOT}v/name{n}" for n in range(20)), key=lambda url: order_of(seed, url))
    assert pages_of(site) == {ROOT, *linked[:10]}
    assert before < pages_of(site)
