"""What takes long and gives nothing yet is told while it happens."""

from __future__ import annotations

from pathlib import Path

from clonedetect.jobs.scanning import ScanRequest, StepEvent, scan
from tests.jobs.playground import PUBLISHED, Platform, copy_page

ROOT = "http://clone.example/"


def test_an_index_that_is_opened_for_the_first_time_says_that_it_learns(
    serve, scene, platform: Platform, tmp_path: Path
) -> None:
    index = platform.index_in(tmp_path / "index", *PUBLISHED)
    prepared = scene(serve({ROOT: copy_page("p-1001", "/1.jpg")}))

    def steps(case: str) -> list[str]:
        told: list[str] = []
        request = ScanRequest(prepared.grant, index, tmp_path / case, (ROOT,), workers=1)
        scan(request, lambda event: told.append(event.text) if isinstance(event, StepEvent) else None)
        return told

    opening = "opening the index, reading what was captured"
    assert steps("first") == [opening, "learning the index's captions, once only: 0 so far"]
    assert steps("second") == [opening]
