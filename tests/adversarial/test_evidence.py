"""A package says what the archive says, or there is none; and nothing in it acts."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from clonedetect.demo.pictures import jpeg, photograph
from clonedetect.errors import ClonedetectError
from clonedetect.evidence.package import export
from clonedetect.evidence.verify import verify
from clonedetect.jobs.analysing import PageDone
from clonedetect.jobs.doctor import software
from tests.adversarial.arena import Arena, Host, Hosts, page, reply

PHOTOGRAPH = jpeg(photograph("chelsea"))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    """A case with one confirmed page and one that shows nothing; copy it before changing it."""
    replies = {"/": page('<img src="/cat.jpg">'), "/clean": page("nothing here")}
    with Hosts([Host("clone.example", {**replies, "/cat.jpg": reply(PHOTOGRAPH, "image/jpeg")})]) as hosts:
        site = Arena(tmp_path_factory.mktemp("recorded"), hosts)
        media = [{"path": site.picture("cat.jpg", PHOTOGRAPH)}]
        index = site.index([{"item_id": "cat", "account_id": "owner", "media": media}])
        site.scan(site.grant(), "http://clone.example/clean", "http://clone.example/", index=index)
    return site


@pytest.fixture
def case(recorded: Arena, tmp_path: Path) -> Arena:
    """A copy of that case."""
    return Arena(Path(shutil.copytree(recorded.folder, tmp_path / "copy")), recorded.hosts)


def exported(site: Arena, name: str = "package") -> Path:
    """Export the case as it stands, without a key, and return the package."""
    out = site.folder / name
    export(site.contents, site.case, out, key=None, as_zip=False, software=software())
    return out


def edit(site: Arena, sql: str, *values: object) -> None:
    """Change the case's database behind the program's back."""
    with sqlite3.connect(site.case / "case.db") as database:
        assert database.execute(sql, values).rowcount > 0
    database.close()


def test_an_untouched_case_makes_a_package_that_verifies(case: Arena) -> None:
    assert verify(exported(case)).exit_code == 0


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.url", "http://innocent.example/"),
        ("$.final_url", "http://innocent.example/"),
        ("$.captured_at", "2020-01-01T00:00:00Z"),
        ("$.outcome", "gone"),
        ("$.content_digest", f"sha256:{'0' * 64}"),
        ("$.peer.address", "192.0.2.1"),
        ("$.purpose", "api"),
        ("$.parent_url", "http://innocent.example/"),
    ],
)
def test_a_capture_that_says_other_than_its_record_makes_no_package(
    path: str, value: str, case: Arena
) -> None:
    edit(case, "UPDATE captures SET record = json_set(record, ?, ?) WHERE url LIKE '%/clean'", path, value)

    with pytest.raises(ClonedetectError):
        exported(case)


def test_a_capture_that_was_left_out_makes_no_package(case: Arena) -> None:
    edit(case, "DELETE FROM captures WHERE url LIKE '%/clean'")

    with pytest.raises(ClonedetectError):
        exported(case)


def test_a_finding_that_names_a_page_its_record_is_not_of_makes_no_package(case: Arena) -> None:
    edit(case, "UPDATE findings SET record = json_set(record, '$.page_url', 'http://innocent.example/')")

    with pytest.raises(ClonedetectError):
        exported(case)


def test_a_finding_that_names_the_record_of_another_page_makes_no_package(case: Arena) -> None:
    clean = next(c for c in case.contents.captures if c.url.endswith("/clean"))
    edit(case, "UPDATE findings SET record = json_set(record, '$.page_record_id', ?)", clean.record_id)

    with pytest.raises(ClonedetectError):
        exported(case)


def test_every_match_names_the_analysis_that_made_it(case: Arena) -> None:
    """A later analysis that was begun and stopped decided nothing."""
    settings = case.folder / "later.toml"
    settings.write_text('[claimant]\nname = "somebody else"\n')

    class StoppedError(Exception):
        pass

    def stop(event: object) -> None:
        if isinstance(event, PageDone):
            raise StoppedError

    first = case.contents.analyses[-1]
    with pytest.raises(StoppedError):
        case.scan(
            case.folder / "grant.toml",
            index=case.folder / "index",
            settings=settings,
            crawl=False,
            on_event=stop,
        )
    assert len(case.contents.analyses) == 2

    rows = [json.loads(line) for line in (exported(case) / "data" / "matches.jsonl").read_text().splitlines()]

    known = {one.analysis_id: one.settings_digest for one in case.contents.analyses}
    with sqlite3.connect(case.case / "case.db") as database:
        query = "SELECT finding_id, analysis_id FROM findings WHERE standing"
        made = dict(database.execute(query).fetchall())
    database.close()
    assert first.analysis_id in known
    for row in rows:
        assert row["analysis"]["analysis_id"] == made[row["finding_id"]]
        assert row["analysis"]["settings_digest"] == known[made[row["finding_id"]]]


@pytest.mark.parametrize("name", ["captures.jsonl", "matches.jsonl", "custody.jsonl", "provenance.json"])
def test_a_package_made_to_end_the_verifier_is_refused_by_name(name: str, case: Arena) -> None:
    package = exported(case)
    (package / "data" / name).write_bytes(b"[" * 200_000 + b"\n")

    report = verify(package)

    assert report.exit_code == 6
    assert len(report.checks) == 15
