"""One case through its life: captured, judged, run again, judged anew by other settings and a grown index."""

from __future__ import annotations

import base64
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from clonedetect.case.store import CaseStore
from clonedetect.evidence.verify import verify
from clonedetect.models.ids import digest_of
from clonedetect.models.match import Verdict
from tests.jobs.playground import (
    LATER,
    Ended,
    Platform,
    Scene,
    Web,
    command,
    copy_page,
    post,
    recompressed,
    standing,
    write_grant,
)

pytestmark = pytest.mark.xdist_group("scan life")

ROOT = "http://clone.example/"
MEDIA = "http://media.clone.example/"
PARTNER = "http://partner.example/"
UMLAUT = "http://xn--bcher-kva.example/"
SEEDS = (
    *(
        ROOT + name
        for name in ("", "data", "unpadded", "broken", "later", "far", "hosted", "blocked", "empty", "odd")
    ),
    *(PARTNER + "p", UMLAUT + "p", "http://stranger.example/", ROOT + "gone"),
)


def _data_url(picture: bytes, *, padded: bool = True) -> str:
    encoded = base64.b64encode(picture).decode()
    return f"data:image/jpeg;base64,{encoded if padded else encoded.rstrip('=')}"


def _page(*images: str) -> bytes:
    shown = "".join(f'<p><img src="{image}" width="600" height="500"></p>' for image in images)
    return f"<html><body>{shown}</body></html>".encode()


def _jpeg(data: bytes) -> tuple[int, str, bytes]:
    return 200, "image/jpeg", data


def _blocked(platform: Platform) -> bytes:
    return recompressed(platform.picture("p-3001"), 41)


def _unpadded(picture: bytes) -> bytes:
    """Return the picture with as many bytes as leave base64 one short of full."""
    return picture + b"\0" * ((-len(picture) + 1) % 3)


def _replies(platform: Platform) -> dict[str, object]:
    first = recompressed(platform.picture("p-1001"))
    odd = b'{"items": [{"caption": "half a pair \\ud83d", "display_url": "/odd.jpg"}]}'
    return {
        ROOT: b'<html><body><a href="/p/1">one</a> <a href="http://stranger.example/x">away</a></body></html>',
        f"{ROOT}p/1": copy_page("p-1001", "/1.jpg"),
        f"{ROOT}1.jpg": _jpeg(first),
        f"{ROOT}data": _page(_data_url(recompressed(platform.picture("p-2001")))),
        f"{ROOT}unpadded": _page(
            _data_url(_unpadded(recompressed(platform.picture("p-2001"), 70)), padded=False)
        ),
        f"{ROOT}broken": _page("data:image/jpeg;base64,/9j/4AAQ!!!!", "data:image/png;base64", "/broken.jpg"),
        f"{ROOT}broken.jpg": _jpeg(b"\xff\xd8\xff\xe0 no picture"),
        f"{ROOT}later": copy_page(LATER, "/later.jpg", caption="the neighbours"),
        f"{ROOT}later.jpg": _jpeg(recompressed(platform.picture(LATER))),
        f"{ROOT}far": _page("http://cdn.stranger.example/1.jpg", "http://cdn.stranger.example/2.jpg"),
        f"{ROOT}hosted": copy_page("p-7001", f"{MEDIA}7.jpg"),
        f"{MEDIA}7.jpg": _jpeg(recompressed(platform.picture("p-7001"))),
        f"{ROOT}blocked": _page("/blocked.jpg"),
        f"{ROOT}blocked.jpg": _jpeg(_blocked(platform)),
        f"{ROOT}empty": b"",
        f"{ROOT}odd": (200, "application/json", odd),
        f"{ROOT}odd.jpg": (404, "text/plain", b"gone"),
        f"{PARTNER}p": copy_page("p-1001", "/1.jpg", host="partner.example"),
        f"{PARTNER}1.jpg": _jpeg(first),
        f"{UMLAUT}p": copy_page("p-1001", "/1.jpg", host="bücher.example"),
        f"{UMLAUT}1.jpg": _jpeg(first),
    }


@dataclass(frozen=True)
class Lived:
    """The first scan of the case, and what it was made of."""

    web: Web
    scene: Scene
    settings: Path
    crawled: Ended
    judged: Ended


@pytest.fixture(scope="module")
def lived(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A case that was first crawled, then judged."""
    folder = tmp_path_factory.mktemp("life")
    web = Web(_replies(platform))
    hosts = ("clone.example", "partner.example", "xn--bcher-kva.example")
    grant = write_grant(folder / "grant.toml", web.port, hosts, media=["media.clone.example"])
    index = shutil.copytree(platform.index, folder / "index")
    (folder / "blocked.txt").write_text(
        f"# from the hotline\n  # and more\n{digest_of(_blocked(platform))}\n"
    )
    settings = folder / "settings.toml"
    settings.write_text(
        '[allow]\ndomains = ["partner.example", "bücher.example"]\n'
        '[banks]\nblocked_digests = ["blocked.txt"]\n',
        "utf-8",
    )
    scene = Scene(folder, grant, index)
    crawled = scene.scan("--settings", settings, "--crawl-only", *SEEDS)
    judged = scene.scan("--settings", settings, "--analyse-only")
    yield Lived(web, scene, settings, crawled, judged)
    web.close()


def _again(lived: Lived, *arguments: object, settings: Path | None = None) -> Ended:
    before = lived.web.pages_asked
    ended = lived.scene.scan("--settings", settings or lived.settings, *arguments)
    assert lived.web.pages_asked == before, "something was fetched again"
    return ended


def _verdict(lived: Lived, url: str) -> tuple[object, ...]:
    return standing(lived.scene.case)[url]


def test_crawling_captures_and_tells_and_judges_nothing(lived: Lived) -> None:
    assert lived.crawled.code == 0
    assert lived.crawled.of("finding") == []
    assert lived.crawled.summary["captures"] == len(lived.crawled.of("capture"))
    assert lived.crawled.summary["pages_confirmed"] == 0
    ok = next(one for one in lived.crawled.of("capture") if one["url"] == f"{ROOT}p/1")
    assert ok["peer"] == f"127.0.0.1:{lived.web.port}"
    assert ok["content_digest"] == digest_of(lived.web.replies[f"{ROOT}p/1"])
    assert ok["hops"][0]["status"] == 200


def test_what_the_grant_does_not_name_is_refused_and_told(lived: Lived) -> None:
    refused = {one["url"]: one["where"] for one in lived.crawled.of("refusal")}
    assert refused["http://stranger.example/"] == "enqueue"
    assert refused["http://stranger.example/x"] == "enqueue"
    assert refused["http://cdn.stranger.example/1.jpg"] == "enqueue"


def test_judging_makes_no_connection_and_finds_the_copies(lived: Lived) -> None:
    assert lived.judged.code == 0
    assert lived.judged.of("capture") == []
    confirmed = {
        (one["page_url"], one["item_id"])
        for one in lived.judged.of("finding")
        if one["verdict"] == "confirmed"
    }
    assert confirmed == {
        (f"{ROOT}p/1", "p-1001"),
        (f"{ROOT}data", "p-2001"),
        (f"{ROOT}unpadded", "p-2001"),
        (f"{ROOT}hosted", "p-7001"),
    }
    summary = lived.judged.summary
    assert (summary["confirmed_items"], summary["pages_confirmed"]) == (3, 4)
    assert summary["confirmed_accounts"] == len({post(i).account_id for i in ("p-1001", "p-2001", "p-7001")})


@pytest.mark.parametrize("page", [f"{PARTNER}p", f"{UMLAUT}p"])
def test_an_allowed_domain_is_shown_with_the_reason_and_never_confirmed(lived: Lived, page: str) -> None:
    verdict, items, reasons, _, found = _verdict(lived, page)
    assert verdict == "possible"
    assert items == ("p-1001",)
    assert "allow list" in reasons[0]
    assert {row[2] for row in found} == {"possible"}
    events = [one for one in lived.judged.of("finding") if one["page_url"] == page]
    assert any("allow list" in reason for one in events for reason in one["reasons"])


def test_pictures_on_a_host_that_is_not_granted_leave_the_page_inconclusive_with_counts(lived: Lived) -> None:
    verdict, _, reasons, not_examined, _ = _verdict(lived, f"{ROOT}far")
    assert verdict == "inconclusive"
    assert not_examined == (("not captured", 2),)
    assert "not examined: 2 x not captured" in reasons


def test_blocked_content_is_withheld_and_never_decoded(lived: Lived) -> None:
    verdict, _, _, not_examined, found = _verdict(lived, f"{ROOT}blocked")
    assert (verdict, found) == ("inconclusive", [])
    assert not_examined == (("withheld: on the operator's list of blocked content", 1),)


def test_what_cannot_be_decoded_is_counted_by_reason(lived: Lived) -> None:
    verdict, _, _, not_examined, _ = _verdict(lived, f"{ROOT}broken")
    assert verdict == "inconclusive"
    assert sum(count for reason, count in not_examined if "malformed data URL" in reason) == 2
    assert sum(count for _, count in not_examined) == 3


def test_an_empty_page_and_half_a_surrogate_pair_end_nothing(lived: Lived) -> None:
    assert _verdict(lived, f"{ROOT}empty")[0] == "inconclusive"
    verdict, _, _, not_examined, _ = _verdict(lived, f"{ROOT}odd")
    assert verdict == "inconclusive"
    assert not_examined == (("picture: gone", 1),)


def test_a_page_that_could_not_be_seen_is_never_clear(lived: Lived) -> None:
    verdict, _, reasons, not_examined, _ = _verdict(lived, f"{ROOT}gone")
    assert (verdict, not_examined) == ("inconclusive", (("gone", 1),))
    assert "could not be examined" in reasons[0]


def test_the_summary_is_a_table_for_people(lived: Lived, monkeypatch) -> None:
    monkeypatch.setattr("clonedetect.cli.scan.wants_json", lambda _: False)
    monkeypatch.setenv("COLUMNS", "80")
    ended = _again(lived, "--quiet", "--fail-on-findings")
    assert ended.code == 1
    rows = {line.split("  ")[0]: line for line in ended.out.splitlines()}
    assert "4 of 14 confirmed" in rows["pages"]
    assert "3 items of 3 accounts confirmed" in rows["items"]
    assert "4 possible findings" in rows["for people"]
    assert max(map(len, ended.out.splitlines())) <= 80


def test_a_page_that_is_none_was_examined_whole(lived: Lived) -> None:
    verdict, _, reasons, not_examined, _ = _verdict(lived, ROOT)
    assert (verdict, not_examined) == ("none", ())
    assert "nothing of the index was found" in reasons[0]


def test_the_settings_are_kept_with_the_digest_of_their_lists(lived: Lived) -> None:
    with CaseStore.read(lived.scene.case) as store:
        recorded = store.contents().analyses[0].settings
    assert f"# blocked.txt {digest_of((lived.scene.folder / 'blocked.txt').read_bytes())}" in recorded


def test_one_scan_says_the_same_as_crawling_and_judging_apart(lived: Lived, tmp_path: Path) -> None:
    ended = lived.scene.scan("--settings", lived.settings, *SEEDS, case=tmp_path / "whole")
    assert ended.code == 0
    assert standing(tmp_path / "whole") == standing(lived.scene.case)
    assert {one["finding_id"] for one in ended.of("finding")} == {
        one["finding_id"] for one in lived.judged.of("finding")
    }


def test_running_again_fetches_nothing_keeps_the_findings_and_begins_no_analysis(lived: Lived) -> None:
    before = standing(lived.scene.case)
    ended = _again(lived, *SEEDS)
    assert ended.code == 0
    assert ended.of("capture") == ended.of("finding") == ended.of("refusal") == []
    assert standing(lived.scene.case) == before
    with CaseStore.read(lived.scene.case) as store:
        assert len(store.contents().analyses) == 1
    assert {**ended.summary, "seconds": 0} == {**lived.judged.summary, "seconds": 0}


def test_the_case_is_exported_with_the_picture_that_stood_in_the_page_itself(
    lived: Lived, tmp_path: Path
) -> None:
    ended = command("export", lived.scene.case, tmp_path / "package", "--settings", lived.settings, "--json")
    assert ended.code == 0, ended.err
    assert verify(tmp_path / "package").exit_code == 0
    with CaseStore.read(lived.scene.case) as store:
        finding = next(one for one in store.findings() if one.page_url == f"{ROOT}data")
        assert finding.record_id == finding.page_record_id
        assert finding.content_digest == digest_of(_first_data(lived))
        assert store.object(finding.content_digest) == _first_data(lived)
    digests = {digest_of(path.read_bytes()) for path in (tmp_path / "package").rglob("*") if path.is_file()}
    assert finding.content_digest in digests


def _first_data(lived: Lived) -> bytes:
    page = lived.web.replies[f"{ROOT}data"].decode()
    return base64.b64decode(page.partition("base64,")[2].partition('"')[0])


def test_other_settings_judge_anew_without_a_request(lived: Lived, tmp_path: Path) -> None:
    case = shutil.copytree(lived.scene.case, tmp_path / "case")
    stricter = tmp_path / "settings.toml"
    stricter.write_text('[allow]\ndomains = ["clone.example"]\n', "utf-8")
    before = lived.web.pages_asked
    ended = lived.scene.scan("--settings", stricter, case=case)
    assert (ended.code, lived.web.pages_asked) == (0, before)
    assert standing(case)[f"{ROOT}p/1"][0] == "possible"
    assert standing(case)[f"{PARTNER}p"][0] == "confirmed"
    with CaseStore.read(case) as store:
        assert len(store.contents().analyses) == 2


def test_a_grown_index_finds_in_old_captures_without_a_request(
    lived: Lived, platform: Platform, tmp_path: Path
) -> None:
    case = shutil.copytree(lived.scene.case, tmp_path / "case")
    index = shutil.copytree(lived.scene.index, tmp_path / "index")
    assert standing(case)[f"{ROOT}later"][0] != "confirmed"
    own = Platform(shutil.copytree(platform.folder, tmp_path / "platform"), index)
    own.index_in(index, LATER)
    (own.folder / f"{LATER}.jpg").unlink()
    ended = command(
        *("scan", "--grant", lived.scene.grant, "--index", index, "--case", case),
        *("--settings", lived.settings, "--analyse-only", "--workers", "1", "--fail-on-findings"),
    )
    assert ended.code == 1
    assert standing(case)[f"{ROOT}later"][:2] == ("confirmed", (LATER,))
    with CaseStore.read(case) as store:
        copies = {one.item.item_id: one for one in store.contents().references if one.media_id is not None}
        stands_in = copies[LATER]
        assert (stands_in.is_original, stands_in.media_type) == (False, "image/png")
        with Image.open(io.BytesIO(store.object(stands_in.object_digest))) as image:
            assert max(image.size) == 192
        original = copies["p-1001"]
        assert (original.is_original, original.media_type) == (True, "image/jpeg")
        assert store.object(original.object_digest) == platform.picture("p-1001")


def test_a_person_decides_in_the_custody_log(lived: Lived, tmp_path: Path) -> None:
    case = shutil.copytree(lived.scene.case, tmp_path / "case")
    with CaseStore.read(case) as store:
        finding = next(one for one in store.findings() if one.match.verdict is Verdict.CONFIRMED)
    words = ("decide", case, finding.finding_id, "confirm", "--by", "R. [Ali]", "--note", "same print")
    ended = command(*words, "--seconds", "12")
    assert ended.code == 0
    assert json.loads(ended.out)["by"] == "R. [Ali]"
    last = (case / "custody.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["action"] == "decision"
    assert json.loads(last)["actor"] == "R. [Ali]"
    assert command("decide", case, "0" * 16, "reject", "--by", "R").code == 3
    assert command("decide", case, finding.finding_id, "perhaps", "--by", "R").code == 2
