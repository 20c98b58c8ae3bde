"""scan --refetch: what stands is judged on what was seen, whatever a later answer says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

import pytest
from aiohttp import web

from clonedetect.case.store import CaseStore
from clonedetect.evidence.verify import verify
from clonedetect.models.capture import Outcome
from clonedetect.models.ids import digest_of
from tests.jobs.playground import HTML, Platform, Reply, Web, command, copy_page, recompressed, standing

ROOT = "http://clone.example/"
PAGES = (f"{ROOT}p/1", f"{ROOT}p/2")


class Validating(Web):
    """A site whose answers carry an ETag, and that answers 304 to it."""

    async def _answer(self, request: web.Request) -> web.Response:
        answer = await super()._answer(request)
        if answer.status != 200:
            return answer
        etag = f'"{digest_of(bytes(answer.body))[7:19]}"'
        if etag in request.headers.getall("If-None-Match", []):
            return web.Response(status=304, headers={"ETag": etag})
        answer.headers["ETag"] = etag
        return answer


def replies(platform: Platform) -> Mapping[str, Reply]:
    return {
        PAGES[0]: copy_page("p-1001", "/1.jpg"),
        PAGES[
            1
        ]: b"<html><body><h1>Bread</h1><p>Flour, water, salt and a night of patience.</p></body></html>",
        f"{ROOT}1.jpg": (200, "image/jpeg", recompressed(platform.picture("p-1001"))),
    }


@pytest.fixture
def site(platform):
    opened = Validating(replies(platform))
    yield opened
    opened.close()


def rows(scene) -> dict[str, dict[str, object]]:
    told = command("findings", scene.case, "--json")
    return {row["page_url"]: row for row in map(json.loads, told.out.splitlines())}


def test_a_page_that_has_not_changed_keeps_its_verdict_and_is_seen_later(site, scene, tmp_path):
    arranged = scene(site)
    first = arranged.scan(*PAGES, "--json")
    assert first.code == 0
    judged, seen = standing(arranged.case), rows(arranged)
    assert (judged[PAGES[0]][0], judged[PAGES[1]][0]) == ("confirmed", "none")
    again = arranged.scan("--refetch", "--json")
    assert again.code == 0
    captures = {row["url"]: row for row in again.of("capture")}
    assert {row["outcome"] for row in captures.values()} == {"not_modified"}
    assert (
        captures[PAGES[0]]["content_digest"]
        == {row["url"]: row["content_digest"] for row in first.of("capture")}[PAGES[0]]
    )
    assert standing(arranged.case) == judged
    later = rows(arranged)
    for url in PAGES:
        assert later[url]["outcome"] == "not_modified"
        assert later[url]["first_seen"] == seen[url]["first_seen"]
        assert later[url]["last_seen"] > seen[url]["last_seen"]
    assert site.asked[PAGES[0]] == 2
    assert command("export", arranged.case, tmp_path / "package").code == 0
    assert verify(tmp_path / "package").exit_code == 0
    shipped = [sys.executable, "-I", str(tmp_path / "package" / "verify.py"), str(tmp_path / "package")]
    ended = subprocess.run(shipped, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout


def test_a_second_look_that_finds_a_page_gone_leaves_what_was_seen(site, scene):
    arranged = scene(site)
    arranged.scan(*PAGES, "--json")
    judged = standing(arranged.case)
    del site.replies[PAGES[0]]
    arranged.scan("--refetch", "--json")
    assert standing(arranged.case)[PAGES[0]] == judged[PAGES[0]]
    assert rows(arranged)[PAGES[0]]["outcome"] == "gone"


def test_a_page_that_has_changed_is_judged_by_what_it_shows_now(site, scene):
    arranged = scene(site)
    arranged.scan(*PAGES, "--json")
    site.replies[PAGES[1]] = (200, HTML, copy_page("p-1001", "/1.jpg"))
    arranged.scan("--refetch", "--json")
    assert standing(arranged.case)[PAGES[1]][0] == "confirmed"
    with CaseStore.read(arranged.case) as store:
        outcomes = [one.outcome for one in store.captures() if one.url == PAGES[1]]
    assert outcomes == [Outcome.OK, Outcome.OK]


def test_a_second_look_ends_with_its_run_and_the_next_asks_again(site, scene):
    arranged = scene(site)
    arranged.scan(*PAGES, "--json")
    for number in (1, 2):
        told = arranged.scan("--refetch", "--json")
        assert f"second look {number}: 3 URLs are asked again" in told.err
    assert site.asked[PAGES[0]] == 3
    arranged.scan("--json")
    assert site.asked[PAGES[0]] == 3


def test_a_second_look_needs_the_network(site, scene):
    told = scene(site).scan("--refetch", "--analyse-only")
    assert told.code == 2
    assert "--analyse-only makes no connection" in told.err


def test_a_package_that_says_another_content_stands_is_noticed(site, scene, tmp_path):
    arranged, package = scene(site), tmp_path / "package"
    arranged.scan(*PAGES, "--json")
    arranged.scan("--refetch", "--json")
    assert command("export", arranged.case, package).code == 0
    path = package / "data/captures.jsonl"
    told = list(map(json.loads, path.read_text("utf-8").splitlines()))
    again = next(row for row in told if row["outcome"] == "not_modified" and row["url"] == PAGES[1])
    other = next(row for row in told if row["outcome"] == "ok" and row["url"] == PAGES[0])
    again["content_digest"], again["refers_to"] = other["content_digest"], again["record_id"]
    path.write_text("".join(json.dumps(row) + "\n" for row in told), "utf-8")
    (captures,) = [check for check in verify(package).checks if check.name == "captures"]
    assert any("which is said to stand" in note for note in captures.notes)
    assert any("refers to" in note for note in captures.notes)
