"""WARC files of other tools, taken into a case and judged."""

from __future__ import annotations

from pathlib import Path

from clonedetect.case.store import CaseStore
from clonedetect.models.capture import WireFidelity
from tests.ingest import made
from tests.jobs.playground import copy_page, recompressed


def _copied(platform, item: str = "p-1001") -> dict[str, bytes]:
    page, picture = f"{made.HOST}/p/{item}", f"{made.HOST}/{item}.jpg"
    return {
        page: made.answer(copy_page(item, f"/{item}.jpg")),
        picture: made.answer(recompressed(platform.picture(item)), "image/jpeg"),
    }


def test_a_wget_warc_gives_the_verdict_that_a_crawl_gives(desk, platform, tmp_path: Path) -> None:
    file = made.written(tmp_path / "wget.warc.gz", made.wget_warc(_copied(platform)))
    ended = desk.ingest(file)
    assert ended.code == 0, ended.err
    assert ended.summary["taken"] == 2
    assert {one["item_id"] for one in ended.of("finding") if one["verdict"] == "confirmed"} == {"p-1001"}
    with CaseStore.read(desk.case) as store:
        captures = list(store.captures())
        (supplied,) = store.supplied()
    assert {one.fidelity for one in captures} == {WireFidelity.SUPPLIED}
    assert supplied.made_with == "Wget/1.21.3 (linux-gnu)"
