"""A case that was crawled and not judged says so, everywhere, and goes on to be judged and decided on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from clonedetect.case.store import CaseStore
from tests.jobs.playground import Platform, Scene, Web, command, copy_page, recompressed


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands think that a person reads, on 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("scan", "findings", "decide", "export"):
        monkeypatch.setattr(f"clonedetect.cli.{name}.wants_json", lambda as_json: as_json)


ROOT = "http://clone.example/"


@pytest.fixture
def crawled(platform: Platform, scene: Callable[..., Scene], serve: Callable[..., Web]) -> Scene:
    """Two pages and a picture, captured only; one link leads out of the grant."""
    page = copy_page("p-1001", "/1.jpg").replace(b"</body>", b'<a href="http://away.example/x">a</a></body>')
    web = serve(
        {
            f"{ROOT}p/1": page,
            f"{ROOT}about": b"<html><body><p>About us</p></body></html>",
            f"{ROOT}1.jpg": (200, "image/jpeg", recompressed(platform.picture("p-1001"))),
        }
    )
    made = scene(web)
    ended = made.scan("--crawl-only", f"{ROOT}p/1", f"{ROOT}about", f"{ROOT}missing")
    assert ended.code == 0, ended.err
    return made


def test_pages_not_judged_say_so_by_page_and_by_site(crawled: Scene) -> None:
    rows = {row["page_url"]: row for row in command("findings", crawled.case, "--json").events}
    assert rows[f"{ROOT}p/1"]["verdict"] == "not judged"
    assert rows[f"{ROOT}about"]["verdict"] == "not judged"
    assert rows[f"{ROOT}missing"]["verdict"] == "inconclusive"
    (site,) = command("findings", crawled.case, "--by", "site", "--json").events
    assert (site["verdict"], site["pages_confirmed"]) == ("not judged", 0)
    table = command("findings", crawled.case)
    assert "2 pages not judged yet: run clonedetect scan ... --analyse-only" in table.err
    assert "clone.example/p/1" in table.out
    assert "http://" not in table.out
    assert max(map(len, table.out.splitlines())) <= 80


def test_an_export_of_pages_not_judged_warns(crawled: Scene, tmp_path: Path) -> None:
    ended = command("export", crawled.case, tmp_path / "package")
    assert ended.code == 0, ended.err
    assert "2 pages not judged yet" in ended.err


def test_the_summary_counts_robots_txt_apart_and_gives_reasons_of_refusals(crawled: Scene) -> None:
    out = " ".join(crawled.scan("--analyse-only").out.split())
    assert "captures 4 (1 gone, 3 ok)" in out
    assert "robots.txt 1 of 1 sites have none" in out
    assert "1 items of 1 accounts confirmed" in out
    refused = out.partition("refused ")[2].partition(" not visited")[0]
    assert refused.startswith("1 (1 x ")


def test_judged_findings_have_ids_whose_beginnings_decide(crawled: Scene) -> None:
    crawled.scan("--analyse-only")
    assert "not judged" not in command("findings", crawled.case).err
    rows = command("findings", crawled.case, "--by", "finding", "--json").events
    assert [row["decision"] for row in rows] == [""] * len(rows)
    chosen = str(rows[0]["finding_id"])
    shown = command("findings", crawled.case, "--by", "finding").out
    assert chosen[:8] in shown
    assert max(map(len, shown.splitlines())) <= 80
    ended = command("decide", crawled.case, chosen[:8], "confirm", "--by", "R. Ali", "--json")
    assert (ended.code, ended.events[0]["finding_id"]) == (0, chosen)
    after = command("findings", crawled.case, "--by", "finding", "--json").events
    assert after[0]["decision"] == "confirm"


def test_too_short_unknown_and_ambiguous_beginnings_are_refused_by_name(crawled: Scene) -> None:
    crawled.scan("--analyse-only")
    with CaseStore.read(crawled.case) as store:
        one = next(store.findings()).finding_id
    assert "too short" in command("decide", crawled.case, one[:3], "confirm", "--by", "R").err
    unknown = "0" * 8 if not one.startswith("0" * 8) else "1" * 8
    assert "--by finding" in command("decide", crawled.case, unknown, "confirm", "--by", "R").err
