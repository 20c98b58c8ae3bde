"""Whatever keeps a run from a URL, what the case holds of it is read as that very reason."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from clonedetect.analysis.gaps import gaps_of
from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.models.gap import Gap, GapKind


def gaps(case) -> dict[GapKind, Gap]:
    found = gaps_of(case.store.contents(), case.store.pauses(), datetime.now(UTC))
    return {gap.kind: gap for gap in found}


@pytest.mark.parametrize(
    ("limits", "kind"),
    [
        ({"max_pages": 2}, GapKind.PAGE_CAP),
        ({"max_bytes": 500}, GapKind.BYTES),
        ({"run_time_s": 0}, GapKind.TIME),
        ({"pages_per_host": 2}, GapKind.HOST_CAP),
        ({"max_depth": 1}, GapKind.TOO_DEEP),
        ({"disk_floor_bytes": 1 << 60}, GapKind.DISK),
        ({"ends_at": datetime(2026, 1, 1, tzinfo=UTC)}, GapKind.GRANT_END),
    ],
    ids=lambda value: value.value if isinstance(value, GapKind) else None,
)
def test_caps_are_named(case, serve, loopback, limits: dict[str, object], kind: GapKind) -> None:
    site = serve()
    given = {"max_depth": 10, "disk_floor_bytes": 0, **limits}
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], limits=CrawlLimits(**given))
    assert gaps(case)[kind].count > 0
    assert GapKind.QUEUED not in gaps(case)


def test_the_operators_stop_is_named(case, serve, loopback) -> None:
    site, stop = serve(), asyncio.Event()
    stop.set()
    case.run(loopback.permits(site.port), [f"{site.base}/p/0"], stop=stop)
    assert gaps(case)[GapKind.INTERRUPTED].next_steps == ("run the same command again: it goes on",)


def test_a_parked_host_is_named_with_its_time(case, serve, loopback) -> None:
    site = serve({"/a": (429, {"Retry-After": "7200"}, b"")})
    began = datetime.now(UTC)
    seeds = [f"{site.base}/a", *(f"{site.base}/{number}" for number in range(30))]
    case.run(loopback.permits(site.port), seeds)
    (pause,) = case.store.pauses()
    assert pause.until - began >= timedelta(seconds=7199)
    found = gaps(case)
    assert found[GapKind.WALL].count == 1
    assert found[GapKind.PARKED_HOST].count >= 20
    (step,) = found[GapKind.PARKED_HOST].next_steps
    assert step.endswith(f": 127.0.0.1:{site.port}")


def test_videos_and_a_fetch_that_fails_by_our_defect_are_named(case, serve, loopback) -> None:
    site = serve({"/a": loopback.page("/b", videos=("/v.mp4",))})

    async def fetch(permit, *, follow):
        if permit.url.endswith("/b"):
            raise ValueError("a defect")
        return await loopback.fetch(permit, follow=follow)

    case.run(loopback.permits(site.port), [f"{site.base}/a"], fetch=fetch)
    found = gaps(case)
    assert found[GapKind.VIDEO].examples == (f"{site.base}/v.mp4",)
    assert found[GapKind.DEFECT].examples == (f"{site.base}/b",)
