"""What was recorded stays, once and unchanged, whatever ends a scan."""

from __future__ import annotations

import errno
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from clonedetect.archive.custody import CustodyLog, verify_chain
from clonedetect.archive.record import field_of
from clonedetect.archive.warc import WarcArchive
from clonedetect.case import objects
from clonedetect.demo.pictures import jpeg, photograph
from clonedetect.evidence.package import export
from clonedetect.evidence.verify import verify
from clonedetect.jobs.doctor import software
from clonedetect.models.ids import digest_of
from tests.adversarial.arena import Arena, Host, page, reply

PHOTOGRAPH = jpeg(photograph("chelsea"))
PICTURES = {f"/{number}.jpg": reply(PHOTOGRAPH + bytes([number]), "image/jpeg") for number in range(6)}
PAGES = {f"/{number}": page(f'<p>page {number}</p><img src="/{number}.jpg">') for number in range(6)}
SEEDS = tuple(f"http://clone.example{path}" for path in PAGES)
Scene = Callable[..., Arena]


def clone(arena: Scene) -> tuple[Arena, Path]:
    """A clone of twelve addresses, and the index of what it shows."""
    site = arena(Host("clone.example", {**PAGES, **PICTURES}))
    row = {"item_id": "cat", "account_id": "owner", "media": [{"path": site.picture("cat.jpg", PHOTOGRAPH)}]}
    return site, site.index([row])


def check(site: Arena, verdict: str = "confirmed") -> None:
    """Every address once in database, archive and custody; every object as its name says; a whole package."""
    contents = site.contents
    once = Counter(capture.url for capture in contents.captures)
    assert set(once.values()) == {1}
    closing = [one for one in site.records() if field_of(one.header, "WARC-Type") == "metadata"]
    assert len(closing) == len(contents.captures)
    assert {str(one.verdict) for one in contents.verdicts} == {verdict}
    assert len(contents.verdicts) == len(PAGES)
    for path in (site.case / "objects").glob("*/*"):
        assert digest_of(path.read_bytes()) == f"sha256:{path.name}"
    verify_chain(site.case / "custody.jsonl")
    out = site.folder / "package"
    export(contents, site.case, out, key=None, as_zip=False, software=software())
    assert verify(out).exit_code == 0


def failing(real: Callable[..., object], at: int, error: Exception) -> Callable[..., object]:
    """Return `real` but for its call number `at`, which raises."""
    calls = 0

    def act(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == at:
            raise error
        return real(*arguments, **options)

    return act


@pytest.mark.parametrize(
    ("place", "at"),
    [
        ("custody", 1),
        ("half a record", 2),
        *(
            pytest.param(place, at, marks=pytest.mark.slow)
            for place in ("archive", "object", "custody", "half a record")
            for at in (1, 2, 3)
        ),
    ],
)
def test_a_disk_that_fills_up_ends_the_run_and_the_next_one_completes_it(
    place: str, at: int, arena: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, index = clone(arena)
    grant = site.grant()
    full = OSError(errno.ENOSPC, "No space left on device")
    with monkeypatch.context() as patch:
        if place == "archive":
            patch.setattr(WarcArchive, "_write", staticmethod(failing(WarcArchive._write, at, full)))
        elif place == "object":
            patch.setattr(objects, "put_object", failing(objects.put_object, at, full))
        elif place == "custody":
            patch.setattr(CustodyLog, "append_all", failing(CustodyLog.append_all, at + 4, full))
        else:
            patch.setattr(WarcArchive, "_write", staticmethod(_half(WarcArchive._write, at, full)))
        summary = site.scan(grant, *SEEDS)
    assert summary.stopped_by.startswith("disk_full")

    site.scan(grant, *SEEDS, index=index)

    check(site)


def _half(real: Callable[[Path, bytes], None], at: int, error: Exception) -> Callable[[Path, bytes], None]:
    """Return a write that at its call number `at` gets half of its bytes down."""
    calls = 0

    def write(path: Path, data: bytes) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            with path.open("ab") as stream:
                stream.write(data[: len(data) // 2])
            raise error
        real(path, data)

    return write


def test_a_capture_that_only_the_archive_knew_changes_the_verdict_it_bears_on(
    arena: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between archive and database, then judged, then crawled again: the picture must still count."""
    site, index = clone(arena)
    grant = site.grant()
    site.scan(grant, *SEEDS)
    with sqlite3.connect(site.case / "case.db") as database:
        last = database.execute("SELECT max(seq) FROM captures WHERE purpose = 'media'").fetchone()[0]
        (whole,) = database.execute("SELECT max(seq) FROM captures").fetchone()
        assert last == whole
        database.execute("DELETE FROM captures WHERE seq = ?", [last])
    database.close()

    site.scan(grant, index=index, crawl=False)
    assert "inconclusive" in {str(one.verdict) for one in site.contents.verdicts}
    site.scan(grant, *SEEDS, index=index)

    check(site)
