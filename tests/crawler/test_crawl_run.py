from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from clonedetect.archive.custody import read_custody, verify_chain
from clonedetect.archive.warc import WarcArchive, iterate
from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.events import CaptureEvent, ProgressEvent, RefusalEvent
from clonedetect.crawl.frontier import NewEntry, State
from clonedetect.crawl.pace import PaceLimits
from clonedetect.errors import MediaError, VerificationError
from clonedetect.models.capture import FetchResult, Outcome, Purpose

OPEN = CrawlLimits(max_depth=10, disk_floor_bytes=0)


def captured(case, *purposes: Purpose) -> Counter[str]:
    wanted = purposes or tuple(Purpose)
    return Counter(
        c.url.partition("//")[2].partition("/")[2] for c in case.store.captures() if c.purpose in wanted
    )


def refused(case) -> set[tuple[str, str]]:
    return {(r.url.rpartition("/")[2] or r.url, r.where) for r in case.store.refusals()}


def test_everything_linked_and_granted_is_captured_once(case, serve, loopback):
    site = serve()
    summary = case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    assert captured(case, Purpose.PAGE) == {f"p/{n}": 1 for n in range(12)}
    assert captured(case, Purpose.MEDIA) == {**{f"i/{n}.png": 1 for n in range(12)}, "i/logo.png": 1}
    assert captured(case, Purpose.ROBOTS) == {"robots.txt": 1}
    assert set(site.asked.values()) == {1}
    assert (summary.captures, summary.stopped_by, summary.not_visited) == (26, "", 0)
    assert summary.outcomes == ((Outcome.OK, 26),)
    assert refused(case) == {("x", "robots"), ("http://elsewhere.example/", "enqueue")}
    assert summary.refusals == 2


def test_robots_comes_first_and_each_event_after_its_record(case, serve, loopback):
    site = serve()
    seen = []

    def on_event(event):
        if isinstance(event, CaptureEvent):
            assert case.store.capture_of(event.capture.record_id) == event.capture
            archived = iterate(case.store.folder / event.capture.facts.file)
            assert event.capture.facts.offset in {record.offset for record in archived}
        if isinstance(event, RefusalEvent):
            assert event.refusal in list(case.store.refusals())
        seen.append(event)

    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], on_event=on_event)
    assert site.times[0][0] == "/robots.txt"
    assert seen[0].capture.purpose is Purpose.ROBOTS
    assert len([e for e in seen if isinstance(e, CaptureEvent)]) == 26
    assert len([e for e in seen if isinstance(e, RefusalEvent)]) == 2
    last = seen[-1]
    assert isinstance(last, ProgressEvent)
    assert (last.captures, last.pending) == (26, 0)


def test_the_archive_of_a_run_satisfies_warcio_and_custody_its_verifier(case, serve, loopback):
    site = serve()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    files = [str(case.store.folder / name) for name in case.archive.files()]
    check = subprocess.run(
        [sys.executable, "-m", "warcio.cli", "check", *files], capture_output=True, check=False
    )
    assert check.returncode == 0, check.stdout
    actions = Counter(entry.action for entry in read_custody(case.store.folder / "custody.jsonl"))
    assert actions == {"case_created": 1, "run_begun": 1, "capture": 26, "run_ended": 1}
    for capture in case.store.captures():
        assert case.store.content(capture.record_id).startswith((b"<", b"picture", b"User-agent"))


def test_a_second_run_asks_for_nothing_again(case, serve, loopback):
    site = serve()
    permit_for = loopback.permits(site.port)
    case.run(permit_for, [f"{site.base}/p/0"])
    before = site.asked.copy()
    summary = case.run(permit_for, [f"{site.base}/p/0", f"{site.base}/p/3"])
    assert site.asked == before
    assert (summary.captures, summary.refusals) == (0, 0)


def test_depth_bounds_the_crawl_and_names_what_lies_beyond(case, serve, loopback):
    site = serve()
    limits = replace(OPEN, max_depth=1)
    summary = case.run(loopback.permits(site.port), [f"{site.base}/p/0"], limits=limits)
    assert captured(case, Purpose.PAGE) == {"p/0": 1, "p/1": 1, "p/2": 1}
    assert captured(case, Purpose.MEDIA).keys() == {"i/0.png", "i/1.png", "i/2.png", "i/logo.png"}
    beyond = {n.url.rpartition("/")[2]: n.reason for n in case.store.contents().not_visited}
    assert beyond == dict.fromkeys("3456", "deeper than max_depth 1")
    assert summary.not_visited == 4


def test_a_shorter_way_found_later_reaches_as_far_as_if_found_first(case, serve, loopback):
    site = serve(
        {
            "/a": loopback.page("/b"),
            "/b": loopback.page("/c"),
            "/c": loopback.page("/d"),
            "/d": loopback.page("/e"),
            "/e": loopback.page(),
        }
    )
    permit_for = loopback.permits(site.port)
    limits = replace(OPEN, max_depth=2)
    case.run(permit_for, [f"{site.base}/a"], limits=limits)
    assert captured(case, Purpose.PAGE).keys() == {"a", "b", "c"}
    case.run(permit_for, [f"{site.base}/c"], limits=limits)
    assert captured(case, Purpose.PAGE) == dict.fromkeys("abcde", 1)
    assert site.asked["/c"] == 1


def test_the_page_cap_holds_over_all_runs_and_still_takes_the_pictures(case, serve, loopback):
    site = serve()
    permit_for = loopback.permits(site.port)
    limits = replace(OPEN, max_pages=3)
    first = case.run(permit_for, [f"{site.base}/p/0"], limits=limits)
    assert captured(case, Purpose.PAGE).total() == 3
    assert captured(case, Purpose.MEDIA).total() == 4
    assert first.stopped_by == "max_pages 3 reached"
    assert {n.reason for n in case.store.contents().not_visited} == {"max_pages 3 reached"}
    second = case.run(permit_for, [f"{site.base}/p/0"], limits=limits)
    assert (second.captures, second.stopped_by) == (0, "max_pages 3 reached")
    third = case.run(permit_for, [], limits=replace(OPEN, max_pages=5))
    assert captured(case, Purpose.PAGE).total() == 5
    assert third.stopped_by == "max_pages 5 reached"


def test_no_run_waits_for_a_host_that_it_may_ask_for_no_more_pages(case, serve, loopback):
    resting = serve({"/robots.txt": (404, {}, b""), "/a": (429, {"Retry-After": "600"}, b"")})
    site = serve({"/robots.txt": (404, {}, b""), "/b": loopback.page()})
    limits = replace(OPEN, max_pages=2, run_time_s=60)
    permit_for = loopback.permits(resting.port, site.port)
    summary = case.run(permit_for, [f"{resting.base}/a", f"{site.base}/b"], limits=limits)
    assert summary.stopped_by == "max_pages 2 reached"
    assert summary.seconds < 30


def test_the_byte_cap_ends_the_run_cleanly(case, serve, loopback):
    site = serve()
    pace = PaceLimits(min_delay_s=0)
    limits = replace(OPEN, max_bytes=1500, concurrency=1)
    summary = case.run(loopback.permits(site.port), [f"{site.base}/p/0"], limits=limits, pace=pace)
    assert summary.stopped_by == "max_bytes 1500 reached"
    assert 1500 <= case.store.usage(loopback.GRANT).wire_bytes < 4500  # what is being written may pass it
    assert summary.not_visited > 0


def test_run_time_counts_over_all_runs(case, serve, loopback):
    site = serve()
    now = [0.0]

    def clock():
        now[0] += 1
        return now[0]

    limits = replace(OPEN, run_time_s=40)
    summary = case.run(loopback.permits(site.port), [f"{site.base}/p/0"], limits=limits, clock=clock)
    assert summary.stopped_by == "run_time_s 40 reached"
    assert 0 < summary.captures < 26


def test_a_host_gives_only_so_many_pages(case, serve, loopback):
    site, other = serve(), serve()
    seeds = [f"{site.base}/p/0", f"{other.base}/p/0"]
    limits = replace(OPEN, pages_per_host=4)
    case.run(loopback.permits(site.port, other.port), seeds, limits=limits, pace=PaceLimits(min_delay_s=0))
    for one in (site, other):
        assert sum(n for path, n in one.asked.items() if path.startswith("/p/")) == 4
    reasons = {n.reason for n in case.store.contents().not_visited}
    assert reasons == {f"more than 4 pages of 127.0.0.1:{one.port}" for one in (site, other)}


def test_the_disk_floor_stops_before_anything_is_asked(case, serve, loopback):
    site = serve()
    limits = replace(OPEN, disk_floor_bytes=100)
    summary = case.run(
        loopback.permits(site.port), [f"{site.base}/p/0"], limits=limits, free_bytes=lambda _: 99
    )
    assert summary.stopped_by.startswith("disk_full")
    assert not site.asked


def test_a_disk_that_fills_up_ends_the_run_and_the_next_one_goes_on(
    case, serve, loopback, monkeypatch, tmp_path
):
    site = serve()
    permit_for = loopback.permits(site.port)
    written = []

    def write(path, data):
        written.append(path)
        if len(written) == 3:
            with path.open("ab") as stream:
                stream.write(data[:50])
            raise OSError(28, "No space left on device")
        return real(path, data)

    real = WarcArchive._write
    with monkeypatch.context() as patch:
        patch.setattr(WarcArchive, "_write", staticmethod(write))
        summary = case.run(permit_for, [f"{site.base}/p/0"])
    assert summary.stopped_by.startswith("disk_full")
    assert 2 <= summary.captures == len(list(case.store.captures())) < 26
    case.close()
    again = loopback.Case(tmp_path / "case")
    again.run(permit_for, [])
    assert captured(again) == captured(again) & Counter(captured(again).keys())
    assert captured(again).total() == 26
    again.close()


def test_stop_ends_a_run_that_hangs(case, serve, loopback):
    site = serve({"/robots.txt": (404, {}, b""), "/a": loopback.page("/hang/1", "/hang/2")})

    async def go():
        stop, hanging = asyncio.Event(), []

        async def fetch(permit, *, follow):
            if "/hang" in permit.url:
                hanging.append(permit.url)
                if len(hanging) == 2:
                    stop.set()
            return await loopback.fetch(permit, follow=follow)

        limits = replace(OPEN, grace_s=0.05)
        crawler = case.crawler(loopback.permits(site.port), limits=limits, fetch=fetch)
        return await asyncio.wait_for(crawler.run([f"{site.base}/a"], stop), 5)

    summary = asyncio.run(go())
    assert (summary.captures, summary.stopped_by, summary.not_visited) == (2, "stopped by the operator", 2)
    assert list(read_custody(case.store.folder / "custody.jsonl"))[-1].action == "run_ended"


def test_seeds_outside_the_grant_are_refused_by_name(case, serve, loopback):
    site = serve()
    summary = case.run(loopback.permits(site.port), ["http://elsewhere.example/", "not a url"])
    assert (summary.seeds_refused, summary.captures, summary.refusals) == (2, 0, 2)
    assert not site.asked


def test_a_grant_that_ends_while_queued_refuses_at_the_lease(case, serve, loopback):
    site = serve()
    permit_for = loopback.permits(site.port)
    asked = Counter()

    def ending(url, purpose):
        asked[purpose] += 1
        if purpose is Purpose.PAGE and asked[purpose] > 1:
            return loopback.Refusal(url, purpose, "the grant has ended")
        return permit_for(url, purpose)

    case.run(ending, [f"{site.base}/p/0"])
    assert refused(case) == {("0", "dequeue")}
    assert not site.asked
    case.run(permit_for, [])
    assert captured(case, Purpose.PAGE).total() == 12


@pytest.mark.parametrize(("status", "allowed"), [(404, True), (500, False)])
def test_robots_that_cannot_be_had_decides_by_its_status(status, allowed, case, serve, loopback):
    site = serve({"/robots.txt": (status, {}, b""), "/a": loopback.page()})
    case.run(loopback.permits(site.port), [f"{site.base}/a"])
    assert (site.asked["/a"] == 1) is allowed
    assert (("a", "robots") in refused(case)) is not allowed
    assert captured(case, Purpose.ROBOTS) == {"robots.txt": 1}


def test_an_unreachable_host_is_recorded_and_refused(case, loopback, serve):
    site = serve()
    site.close()
    case.run(loopback.permits(site.port), [f"{site.base}/a"])
    (capture,) = case.store.captures()
    assert (capture.purpose, capture.outcome, capture.record_id) == (
        Purpose.ROBOTS,
        Outcome.CONNECT_ERROR,
        None,
    )
    assert refused(case) == {("a", "robots")}


def test_redirects_pass_grant_and_robots_at_every_hop(case, serve, loopback):
    def to(url):
        return (302, {"Location": url}, b"")

    site = serve(
        {
            "/robots.txt": (200, {}, b"Disallow: /private"),
            "/good": to("/target"),
            "/target": loopback.page("/linked"),
            "/linked": loopback.page(),
            "/away": to("http://elsewhere.example/x"),
            "/hidden": to("/private/y"),
        }
    )
    seeds = [f"{site.base}/{name}" for name in ("good", "away", "hidden")]
    case.run(loopback.permits(site.port), seeds)
    outcomes = {c.url.rpartition("/")[2]: (c.outcome, len(c.hops)) for c in case.store.captures()}
    assert outcomes["good"] == (Outcome.OK, 2)
    assert outcomes["away"] == outcomes["hidden"] == (Outcome.BLOCKED_SCOPE, 1)
    assert refused(case) == {("x", "redirect"), ("y", "robots")}
    assert captured(case, Purpose.PAGE)["linked"] == 1
    assert site.asked["/private/y"] == 0


def test_a_redirect_to_another_host_asks_its_robots_first(case, serve, loopback):
    other = serve(
        {"/robots.txt": (200, {}, b"Disallow: /no"), "/yes": loopback.page(), "/no": loopback.page()}
    )
    site = serve(
        {
            "/y": (302, {"Location": f"{other.base}/yes"}, b""),
            "/n": (302, {"Location": f"{other.base}/no"}, b""),
        }
    )
    case.run(loopback.permits(site.port, other.port), [f"{site.base}/y", f"{site.base}/n"])
    assert other.times[0][0] == "/robots.txt"
    assert other.asked == {"/robots.txt": 1, "/yes": 1}


def test_a_throttled_page_is_asked_again_and_every_attempt_kept(case, serve, loopback):
    site = serve(
        {
            "/robots.txt": (404, {}, b""),
            "/once": lambda n: (429, {"Retry-After": "0"}, b"slow") if n == 1 else loopback.page("/next"),
            "/never": (503, {}, b"slow"),
            "/next": loopback.page(),
        }
    )
    case.run(loopback.permits(site.port), [f"{site.base}/once", f"{site.base}/never"])
    assert captured(case, Purpose.PAGE) == {"once": 2, "never": 3, "next": 1}
    assert case.frontier.counts() == {State.DONE: 3}
    assert case.store.usage(loopback.GRANT).pages == 6


def test_a_host_that_asks_for_an_hour_is_parked_and_taken_up_later(case, serve, loopback):
    site = serve(
        {
            "/robots.txt": (404, {}, b""),
            "/a": lambda n: (429, {"Retry-After": "7200"}, b"") if n == 1 else loopback.page(),
            "/b": loopback.page(),
        }
    )
    permit_for = loopback.permits(site.port)
    pace = PaceLimits(min_delay_s=0, per_host=1)
    summary = case.run(permit_for, [f"{site.base}/a", f"{site.base}/b"], pace=pace)
    assert site.asked == {"/robots.txt": 1, "/a": 1}
    assert case.frontier.counts() == {State.PARKED: 2}
    assert summary.not_visited == 1
    (unvisited,) = case.store.contents().not_visited
    assert "429" in unvisited.reason
    case.run(permit_for, [f"{site.base}/a"], pace=pace)
    assert site.asked == {"/robots.txt": 1, "/a": 1}
    case.store.database.execute("UPDATE frontier SET not_before = 0")
    case.store.database.execute("DELETE FROM host_pauses")
    case.run(permit_for, [], pace=pace)
    assert (site.asked["/a"], site.asked["/b"]) == (2, 1)


def test_a_throttled_robots_is_asked_again_before_any_page(case, serve, loopback):
    site = serve(
        {
            "/robots.txt": lambda n: (
                (429, {"Retry-After": "0"}, b"") if n == 1 else (200, {}, b"Disallow: /x")
            ),
            "/a": loopback.page("/x"),
        }
    )
    case.run(loopback.permits(site.port), [f"{site.base}/a"])
    assert [path for path, _ in site.times] == ["/robots.txt", "/robots.txt", "/a"]
    assert captured(case, Purpose.ROBOTS) == {"robots.txt": 2}


def test_requests_to_one_host_keep_their_distance(case, serve, loopback):
    site = serve(loopback.small_site(3))
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], pace=PaceLimits(min_delay_s=0.05, per_host=4))
    times = [moment for _, moment in site.times]
    assert len(times) == 8
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.03


def test_crawl_delay_is_honoured(case, serve, loopback):
    site = serve(
        {"/robots.txt": (200, {}, b"Crawl-delay: 0.1"), "/a": loopback.page("/b"), "/b": loopback.page()}
    )
    case.run(loopback.permits(site.port), [f"{site.base}/a"])
    times = [moment for _, moment in site.times]
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.08


def test_classified_pages_are_kept_as_such_and_lead_nowhere(case, serve, loopback):
    site = serve({"/a": loopback.page("/b"), "/b": loopback.page()})

    async def examine(result: FetchResult):
        seen = await loopback.examine(result)
        return (
            replace(seen, wall=(Outcome.CHALLENGE_PAGE, "Just a moment"))
            if result.url.endswith("/a")
            else seen
        )

    case.run(loopback.permits(site.port), [f"{site.base}/a"], examine=examine)
    (capture,) = (c for c in case.store.captures() if c.purpose is Purpose.PAGE)
    assert (capture.outcome, capture.reason) == (Outcome.CHALLENGE_PAGE, "Just a moment")
    assert site.asked["/b"] == 0


def test_pagination_is_read_as_api_where_granted_and_as_page_else(case, serve, loopback):
    site = serve(
        {
            "/a": loopback.page(apis=("/api/2", "/more/2")),
            "/api/2": loopback.page("/b"),
            "/more/2": loopback.page(),
            "/b": loopback.page(),
        }
    )
    case.run(loopback.permits(site.port), [f"{site.base}/a"])
    assert captured(case, Purpose.API) == {"api/2": 1}
    assert captured(case, Purpose.PAGE) == {"a": 1, "more/2": 1, "b": 1}
    assert refused(case) == set()


def test_videos_are_known_and_not_asked(case, serve, loopback):
    site = serve({"/a": loopback.page(videos=("/v.mp4",), images=("data:image/png;base64,AA",))})
    case.run(loopback.permits(site.port), [f"{site.base}/a"])
    (video,) = case.store.contents().not_visited
    assert (video.url, video.reason) == (f"{site.base}/v.mp4", "video is not examined")


def test_links_and_pictures_of_one_page_are_bounded(case, serve, loopback):
    many = loopback.page(*(f"/l/{n}" for n in range(30)), images=tuple(f"/i/{n}" for n in range(30)))
    site = serve({"/a": many})
    limits = replace(OPEN, links_per_page=3, media_per_page=2)
    case.run(loopback.permits(site.port), [f"{site.base}/a"], limits=limits)
    assert captured(case, Purpose.PAGE).keys() == {"a", "l/0", "l/1", "l/2"}
    assert captured(case, Purpose.MEDIA).keys() == {"i/0", "i/1"}


def test_a_page_that_cannot_be_read_ends_there_and_the_run_goes_on(case, serve, loopback):
    site = serve()

    async def read_page(content, url, content_type):
        if url.endswith("/p/1"):
            raise MediaError("the parser was killed")
        return await loopback.read_page(content, url, content_type)

    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], read_page=read_page)
    assert captured(case, Purpose.PAGE).keys() == {f"p/{n}" for n in (0, 1, 2, 5, 6, 11)}
    reasons = [
        row[0] for row in case.store.database.execute("SELECT reason FROM frontier WHERE url LIKE '%/p/1'")
    ]
    assert reasons == ["its links could not be read: the parser was killed"]


def test_a_defect_in_the_fetch_ends_one_visit_and_is_named(case, serve, loopback, caplog):
    site = serve()

    async def fetch(permit, *, follow):
        if permit.url.endswith("/p/2"):
            raise RuntimeError("broken")
        return await loopback.fetch(permit, follow=follow)

    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], fetch=fetch)
    (failed,) = case.store.contents().not_visited
    assert failed.url.endswith("/p/2")
    assert "RuntimeError: broken" in failed.reason
    assert "a defect ended one visit" in caplog.text


def test_a_guarded_address_is_a_refusal_at_the_socket(case, serve, loopback):
    site = serve()

    async def fetch(permit, *, follow):
        if permit.purpose is Purpose.ROBOTS:
            return await loopback.fetch(permit, follow=follow)
        return FetchResult(
            permit.url, permit.url, permit.purpose, Outcome.BLOCKED_ADDRESS, "10.0.0.1 is private"
        )

    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], fetch=fetch)
    assert refused(case) == {("0", "socket")}


def test_an_archive_that_does_not_read_back_ends_the_run_with_its_error(case, serve, loopback, monkeypatch):
    site = serve()
    monkeypatch.setattr(
        WarcArchive, "_write", staticmethod(lambda path, data: path.write_bytes(b"x" * len(data)) and None)
    )
    with pytest.raises(VerificationError):
        case.run(loopback.permits(site.port), [f"{site.base}/p/0"])
    assert list(case.store.captures()) == []


def test_a_stale_robots_is_asked_again(case, serve, loopback):
    site = serve()
    permit_for = loopback.permits(site.port)
    limits = replace(OPEN, max_depth=0)
    case.run(permit_for, [f"{site.base}/p/0"], limits=limits)
    case.run(permit_for, [f"{site.base}/p/1"], limits=replace(limits, robots_age_s=0))
    assert site.asked["/robots.txt"] == 2
    assert verify_chain(case.store.folder / "custody.jsonl").length > 4


def test_what_was_archived_before_a_kill_is_adopted_and_its_links_followed(case, serve, loopback, tmp_path):
    site = serve()
    permit_for = loopback.permits(site.port)
    permit = permit_for(f"{site.base}/p/0", Purpose.PAGE)

    async def capture():
        result = await loopback.fetch(permit, follow=None)
        case.store.put_object(result.content)
        return case.archive.append(result, permit, captured_at=datetime.now(UTC))

    archived = asyncio.run(capture())
    case.close()
    again = loopback.Case(tmp_path / "case")
    again.frontier.enqueue([NewEntry(permit.url, Purpose.PAGE, f"127.0.0.1:{site.port}")])
    summary = again.run(permit_for, [])
    assert (summary.adopted, summary.captures) == (1, 25)
    assert next(again.store.captures()) == archived
    assert site.asked["/p/0"] == 1
    again.close()


def test_a_database_that_fills_up_ends_the_run_cleanly(case, serve, loopback, tmp_path):
    links = [f"/{'long' * 200}/{n}" for n in range(300)]
    site = serve({"/robots.txt": (404, {}, b""), "/a": loopback.page(*links)})
    (pages,) = case.store.database.execute("PRAGMA page_count").fetchone()
    case.store.database.execute(f"PRAGMA max_page_count = {pages + 12}")
    permit_for = loopback.permits(site.port)
    summary = case.run(permit_for, [f"{site.base}/a"])
    assert summary.stopped_by.startswith("disk_full")
    case.close()
    again = loopback.Case(tmp_path / "case")
    again.run(permit_for, [f"{site.base}/a"], limits=replace(OPEN, max_pages=3))
    assert site.asked["/a"] == 1
    assert captured(again, Purpose.PAGE).total() == 3
    again.close()


def test_a_refused_robots_keeps_from_the_page(case, serve, loopback):
    site = serve()
    permit_for = loopback.permits(site.port)

    def without_robots(url, purpose):
        if purpose is Purpose.ROBOTS:
            return loopback.Refusal(url, purpose, "robots.txt is not granted")
        return permit_for(url, purpose)

    case.run(without_robots, [f"{site.base}/p/0"])
    assert refused(case) == {("robots.txt", "robots")}
    assert not site.asked


def test_a_redirect_to_a_host_that_rests_is_not_followed(case, serve, loopback):
    resting = serve({"/robots.txt": (429, {"Retry-After": "7200"}, b"")})
    site = serve({"/y": (302, {"Location": f"{resting.base}/x"}, b"")})
    case.run(loopback.permits(site.port, resting.port), [f"{site.base}/y"])
    (capture,) = (c for c in case.store.captures() if c.purpose is Purpose.PAGE)
    assert capture.outcome is Outcome.BLOCKED_SCOPE
    assert "come back later" in capture.reason
    assert resting.asked == {"/robots.txt": 1}


def test_a_pause_is_kept_over_runs(case, serve, loopback):
    site = serve(
        {"/robots.txt": (404, {}, b""), "/a": (429, {"Retry-After": "600"}, b""), "/b": loopback.page()}
    )
    permit_for = loopback.permits(site.port)
    limits = replace(OPEN, run_time_s=0.3)
    pace = PaceLimits(min_delay_s=0, per_host=1)
    case.run(permit_for, [f"{site.base}/a"], limits=limits, pace=pace)
    summary = case.run(permit_for, [f"{site.base}/b"], limits=replace(OPEN, run_time_s=0.6), pace=pace)
    assert summary.captures == 0
    assert site.asked == {"/robots.txt": 1, "/a": 1}
