"""A scan of a random sample of a list: drawn once, recorded, resumed, estimated from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from clonedetect.analysis.intervals import wilson
from clonedetect.archive.custody import read_custody
from clonedetect.case.store import CaseStore
from clonedetect.demo.pages import CHALLENGE
from clonedetect.evidence.verify import verify
from clonedetect.jobs.seeds import read_seeds
from tests.jobs.playground import Reply, Scene, Web, command, recompressed

pytestmark = pytest.mark.xdist_group("sampled scan")

ROOT = "http://clone.example/"
LISTED = tuple(f"{ROOT}p/{number}" for number in range(12))
COPIED = LISTED[:8]


def _replies(picture: bytes) -> Mapping[str, Reply]:
    copied = b'<html><body><img src="/1.jpg"><a href="/extra">more</a></body></html>'
    clear = {url: f"<html><body><p>nothing of yours at {url}</p></body></html>".encode() for url in LISTED}
    pages: dict[str, Reply] = {url: copied if url in COPIED else clear[url] for url in LISTED}
    return pages | {f"{ROOT}1.jpg": (200, "image/jpeg", picture), f"{ROOT}extra": copied}


@pytest.fixture
def site(serve: Callable[[Mapping[str, Reply]], Web], platform) -> Web:
    return serve(_replies(recompressed(platform.picture("p-1001"))))


@pytest.fixture
def listed(tmp_path: Path) -> str:
    path = tmp_path / "list.txt"
    path.write_text("\n".join((*LISTED, LISTED[0], LISTED[1])) + "\n")
    return f"@{path}"


def _sample(case: Path):
    with CaseStore.read(case) as store:
        return store.contents().sample


def test_only_what_was_drawn_is_asked_for_and_the_draw_is_recorded(scene, site, listed) -> None:
    one: Scene = scene(site)
    ended = one.scan(listed, "--sample", 5, "--sample-seed", "2026-11")
    assert ended.code == 0
    sample = _sample(one.case)
    assert (sample.frame_size, sample.duplicates, sample.size, sample.seed) == (12, 2, 5, "2026-11")
    assert set(sample.drawn) == {url for url in site.asked if "/p/" in url}
    assert len(sample.drawn) == 5
    (line,) = [one for one in read_custody(one.case / "custody.jsonl") if one.action == "sample_drawn"]
    assert line.subject == f"{sample.frame_digest} 5 of 12 seed 2026-11"
    assert "the case's sample: 5 of 12 addresses, seed 2026-11; 2 were named again" in ended.err


def test_the_summary_and_the_sites_say_what_is_observed_and_what_is_estimated(scene, site, listed) -> None:
    one: Scene = scene(site)
    told = one.scan(listed, "--sample", 6, "--sample-seed", "7").summary["sample"]
    drawn = _sample(one.case).drawn
    confirmed = len(set(drawn) & set(COPIED))
    expected = wilson(confirmed / 6, 6)
    assert (told["frame"], told["drawn"], told["judged"], told["confirmed"]) == (12, 6, 6, confirmed)
    assert (told["low"], told["high"]) == pytest.approx((expected.low, expected.high), abs=1e-4)
    (row,) = [
        json.loads(line) for line in command("findings", one.case, "--by", "site", "--json").out.splitlines()
    ]
    # The page that the crawl came to by a link is observed, and no part of the estimate.
    assert (row["pages_seen"], row["pages_confirmed"]) == (7, confirmed + 1)
    assert (row["sample_drawn"], row["sample_confirmed"]) == (6, confirmed)
    assert row["observed_share"] == pytest.approx((confirmed + 1) / 7, abs=1e-4)
    assert row["reasons"][0] == (f"observed: 7 pages captured, 7 of these seen, {confirmed + 1} confirmed")
    assert row["reasons"][1].startswith("estimated: ")
    assert row["reasons"][1].endswith(
        f"{confirmed} of the 6 addresses drawn from the list's 12 on clone.example confirmed"
    )
    assert row["page_kinds"] == ["post 6", "other 1"]


def test_a_resumed_scan_keeps_the_draw_whether_it_asks_for_it_again_or_not(scene, site, listed) -> None:
    one: Scene = scene(site)
    one.scan(listed, "--sample", 5, "--sample-seed", "7")
    first, asked = _sample(one.case), dict(site.asked)
    for arguments in ((listed, "--sample", 5, "--sample-seed", "7"), (listed,), ()):
        assert one.scan(*arguments).code == 0
        assert _sample(one.case) == first
        assert {url: count for url, count in site.asked.items() if "/p/" in url} == {
            url: count for url, count in asked.items() if "/p/" in url
        }
    acts = [line.action for line in read_custody(one.case / "custody.jsonl")]
    assert acts.count("sample_drawn") == 1


def test_a_second_draw_is_refused(scene, site, listed) -> None:
    one: Scene = scene(site)
    one.scan(listed, "--sample", 5, "--sample-seed", "7")
    ended = one.scan(listed, "--sample", 5, "--sample-seed", "8")
    assert ended.code == 2
    assert "a case has one, so that nobody chooses between two" in ended.err


def test_other_addresses_beside_the_sample_are_captured_and_not_estimated_from(scene, site, listed) -> None:
    one: Scene = scene(site)
    one.scan(listed, "--sample", 3, "--sample-seed", "7")
    before = _sample(one.case)
    other = next(url for url in COPIED if url not in before.drawn)
    summary = one.scan(other).summary
    assert summary["sample"]["drawn"] == 3
    assert _sample(one.case) == before


def test_drawn_pages_that_did_not_answer_widen_the_estimate(scene, site, listed) -> None:
    missing = LISTED[:6]
    for url in missing:
        site.replies[url] = CHALLENGE.encode()
    one: Scene = scene(site)
    told = one.scan(listed, "--sample", 12, "--sample-seed", "7").summary["sample"]
    assert (told["drawn"], told["judged"], told["confirmed"]) == (12, 6, 2)
    assert (told["low"], told["high"]) == (round(2 / 12, 4), round(8 / 12, 4))
    assert "6 could not be judged" in told["reasons"][0]
    assert "all of them were drawn" in told["reasons"][0]


def test_a_package_carries_list_and_sample_and_its_verifier_draws_again(
    scene, site, listed, tmp_path: Path
) -> None:
    one: Scene = scene(site)
    one.scan(listed, "--sample", 5, "--sample-seed", "7")
    assert command("export", one.case, tmp_path / "out").code == 0
    told = json.loads((tmp_path / "out/data/sample.json").read_bytes())
    assert (tmp_path / "out" / told["frame"]).read_text().splitlines() == sorted(LISTED)
    checks = {check.name: check.result.value for check in verify(tmp_path / "out").checks}
    assert checks["sample"] == "passed"
    report = (tmp_path / "out/data/report.html").read_text()
    assert "5 of 12 listed addresses were drawn at random" in report
    assert "Estimated: " in report


@pytest.mark.parametrize(
    "arguments",
    [
        ("--sample", "3"),
        ("--sample-seed", "7"),
        ("--sample", "3", "--sample-seed", "7", "--analyse-only"),
        ("--sample", "0", "--sample-seed", "7"),
        ("--sample", "3", "--sample-seed", " "),
    ],
    ids=["no seed", "no size", "nothing is fetched", "none", "an empty seed"],
)
def test_a_sample_takes_size_seed_and_a_list(scene, site, listed, arguments) -> None:
    one: Scene = scene(site)
    assert one.scan(listed, *arguments).code in (2, 3)
    assert not site.asked


def test_a_list_is_read_with_its_repetitions_where_a_sample_is_drawn(listed) -> None:
    assert len(read_seeds([listed], is_distinct=False)) == 14
    assert len(read_seeds([listed])) == 12


def test_a_crawl_alone_records_the_sample(scene, site, listed) -> None:
    one: Scene = scene(site)
    ended = one.scan(listed, "--sample", 2, "--sample-seed", "7", "--crawl-only")
    assert (ended.summary["sample"]["drawn"], ended.summary["sample"]["judged"]) == (2, 0)
    assert len(_sample(one.case).drawn) == 2
