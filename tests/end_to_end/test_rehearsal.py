"""What the rehearsal promises: everything required is found, nobody innocent is accused."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from clonedetect.demo.judge import judge, read_events
from clonedetect.demo.network import Truth
from clonedetect.demo.rehearsal import prepare
from clonedetect.demo.routes import load, save
from clonedetect.errors import ExitCode
from tests.end_to_end.rehearsed import Played, play

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600), pytest.mark.xdist_group("rehearsal")]


def test_the_rehearsal_ends_well(played: Played) -> None:
    assert played.code is ExitCode.DONE, played.printed


def test_every_required_copy_is_found_and_nobody_innocent_accused(played: Played) -> None:
    truth = msgspec.json.decode(played.rehearsal.truth.read_bytes(), type=Truth)
    with played.rehearsal.events.open("rb") as lines:
        judgement = judge(truth, *read_events(lines))
    assert [f"{copy.manipulation} {copy.page}" for copy in judgement.required_misses] == []
    assert judgement.accused == ()
    assert judgement.wrong_outcomes == ()


@pytest.mark.parametrize("manipulation", ["plain copy", "thumbnail", "recompression", "watermark", "flip"])
def test_the_truth_holds_each_manipulation(played: Played, manipulation: str) -> None:
    truth = msgspec.json.decode(played.rehearsal.truth.read_bytes(), type=Truth)
    assert (
        sum(copy.manipulation == manipulation and copy.required == "confirmed" for copy in truth.expectations)
        >= 2
    )


def test_it_says_where_everything_lies(played: Played) -> None:
    assert str(played.rehearsal.package / "data" / "report.html") in played.printed.replace("\n", "")
    assert "clonedetect verify" in played.printed


def test_a_broken_threshold_ends_in_1(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "[thresholds.image]\nstrong_inliers = 5000\ninliers = 5000\npossible_inliers = 5000\n"
        "[thresholds.text]\npossible_bits = 90000\nconfirmed_bits = 100000\n"
    )
    ended = play(tmp_path / "out", settings=settings)
    assert ended.code is ExitCode.FINDINGS
    assert "MISSED" in ended.printed


def test_a_copied_picture_on_an_innocent_page_and_a_lost_page_end_in_1(tmp_path: Path) -> None:
    rehearsal = prepare(tmp_path / "out")
    network = load(rehearsal.network)
    stolen = next(
        route.file
        for site in network.sites
        if site.host == "picvault.example"
        for route in site.routes
        if route.content_type == "image/jpeg"
    )
    sites = []
    for site in network.sites:
        routes = [
            msgspec.structs.replace(route, file=stolen) if route.target == "/photos/camera.jpg" else route
            for route in site.routes
            if not (site.host == "toppost.example" and route.target == "/tags/best")
        ]
        sites.append(msgspec.structs.replace(site, routes=tuple(routes)))
    save(msgspec.structs.replace(network, sites=tuple(sites)), rehearsal.network)
    ended = play(tmp_path / "out", rehearsal=rehearsal)
    assert ended.code is ExitCode.FINDINGS
    assert "ACCUSED: http://quietlens.example/" in ended.printed
    assert "toppost.example" in ended.printed


def test_each_event_of_the_scan_is_one_json_object_and_the_last_is_the_summary(played: Played) -> None:
    events = [json.loads(line) for line in played.rehearsal.events.read_text().splitlines()]
    assert {event["event"] for event in events} >= {"capture", "finding", "summary"}
    assert events[-1]["event"] == "summary"
    captures = [event for event in events if event["event"] == "capture"]
    assert events[-1]["captures"] == len(captures)
    assert all(event["payload_digest"] for event in captures if event["outcome"] == "ok")
