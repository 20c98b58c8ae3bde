"""Supplied files of every kind, taken into a case under its grant and judged; what was refused, and why."""

from __future__ import annotations

import base64
import io
import json
import socket
from pathlib import Path

import pytest
from PIL import Image

from clonedetect.archive.custody import read_custody
from clonedetect.case.objects import object_path
from clonedetect.case.store import CaseStore
from clonedetect.demo.pictures import jpeg
from clonedetect.models.capture import Outcome, WireFidelity
from clonedetect.models.ids import digest_of
from clonedetect.models.supplied import HeadOrigin
from tests.ingest import made
from tests.jobs.playground import command, copy_page, post, recompressed, write_grant

ITEM = "p-1001"
PAGE, PICTURE = f"{made.HOST}/p/{ITEM}", f"{made.HOST}/{ITEM}.jpg"


@pytest.fixture(scope="session")
def copied(platform) -> dict[str, bytes]:
    """A page that shows a post, and its picture, as a server answers."""
    return {
        PAGE: made.answer(copy_page(ITEM, f"/{ITEM}.jpg")),
        PICTURE: made.answer(recompressed(platform.picture(ITEM)), "image/jpeg"),
    }


def _confirmed(ended) -> set[object]:
    return {one["item_id"] for one in ended.of("finding") if one["verdict"] == "confirmed"}


def _case(desk):
    with CaseStore.read(desk.case) as store:
        return store.contents()


def _body(block: bytes) -> bytes:
    return block.partition(b"\r\n\r\n")[2]


def _files(platform, copied) -> dict[str, bytes]:
    page, picture = _body(copied[PAGE]), _body(copied[PICTURE])
    encoded = base64.b64encode(picture).decode()
    return {
        "wacz": made.wacz({"rec-0.warc.gz": made.wget_warc(copied)}, [PAGE]),
        "har": made.har(
            made.har_entry(PAGE, page.decode()),
            made.har_entry(PICTURE, encoded, "image/jpeg", is_base64=True),
        ),
        "mhtml": made.mhtml(PAGE, [made.html_part(PAGE, page), made.image_part(PICTURE, picture)]),
        "named": made.mhtml(
            PAGE,
            [
                made.html_part(PAGE, page.replace(f"/{ITEM}.jpg".encode(), b"cid:one@blink")),
                made.image_part("", picture, Content_ID="<one@blink>"),
            ],
        ),
    }


@pytest.mark.parametrize("name", ["wacz", "har", "mhtml", "named"])
def test_each_format_gives_the_verdict_of_its_content(
    name: str, desk, platform, copied, tmp_path: Path
) -> None:
    data = _files(platform, copied)[name]
    ended = desk.ingest(made.written(tmp_path / "handed-over", data))
    assert ended.code == 0, ended.err
    assert _confirmed(ended) == {ITEM}
    contents = _case(desk)
    (verdict,) = contents.verdicts
    assert verdict.page_url == PAGE
    said = (
        f"supplied by R. Ali from file {digest_of(data)}, not captured by this tool: its origin is as claimed"
    )
    assert verdict.supplied == (said,)
    assert f"rests on supplied captures only: {said}" in verdict.reasons
    assert "image" in {kind for one in contents.findings for kind in one.match.kinds}
    assert {one.fidelity for one in contents.captures} == {WireFidelity.SUPPLIED}
    heads = {"har": HeadOrigin.RECONSTRUCTED, "wacz": HeadOrigin.AS_SUPPLIED}
    assert {one.origin.head for one in contents.captures} == {heads.get(name, HeadOrigin.NONE)}
    assert {f"{one.origin.claimed_at:%Y-%m-%d}" for one in contents.captures} == {"2026-10-01"}
    assert object_path(desk.case, digest_of(data)).read_bytes() == data
    makers = {"wacz": "Browsertrix-Crawler 1.5", "har": "WebInspector 537.36"}
    assert [one.made_with for one in contents.supplied] == [makers.get(name, "Saved by Blink")]


def test_the_same_file_again_adds_nothing(desk, copied, tmp_path: Path) -> None:
    copied = {**copied, "http://stranger.example/": made.answer(b"<html>away</html>")}
    file = made.written(tmp_path / "a.warc.gz", made.wget_warc(copied))
    first = desk.ingest(file)
    custody, before = (desk.case / "custody.jsonl").read_bytes(), _case(desk)
    again = desk.ingest(file, "--by", "Somebody Else")
    assert (again.code, again.summary["taken"], again.summary["known"]) == (0, 0, 2)
    assert first.of("refusal") != []
    assert again.of("refusal") == again.of("capture") == []
    assert (desk.case / "custody.jsonl").read_bytes() == custody
    assert _case(desk) == before


def test_hosts_outside_the_grant_are_refused_and_custody_counts_them(desk, copied, tmp_path: Path) -> None:
    away = {f"http://stranger.example/{n}": made.answer(b"<html><p>x</p></html>") for n in range(3)}
    media_host = {"http://cdn.example/page": made.answer(b"<html><p>x</p></html>")}
    data = made.wget_warc({**copied, **away, **media_host, "ftp://clone.example/": made.answer(b"<html>")})
    ended = desk.ingest(made.written(tmp_path / "a.warc.gz", data))
    assert ended.code == 0, ended.err
    reasons = {one["url"]: one["reason"] for one in ended.of("refusal")}
    assert reasons["http://stranger.example/0"] == "stranger.example is not a granted host"
    assert reasons["http://cdn.example/page"] == "cdn.example is granted for embedded media only"
    assert {one["where"] for one in ended.of("refusal")} == {"ingest"}
    assert ended.summary["refused"] == {"not granted": 5}
    acts = [one for one in read_custody(desk.case / "custody.jsonl") if one.action == "supplied"]
    digest = digest_of(data)
    assert [one.subject for one in acts] == [
        f"{digest} warc of {len(data)} bytes, a.warc.gz, by R. Ali",
        f"{digest} 2 captures",
        f"{digest} refused 5 x not granted",
    ]
    assert {one.url for one in _case(desk).captures} == {PAGE, PICTURE}


def test_a_media_host_gives_pictures(desk, copied, tmp_path: Path) -> None:
    picture = "http://cdn.example/a.jpg"
    data = made.wget_warc({PAGE: made.answer(copy_page(ITEM, picture)), picture: copied[PICTURE]})
    ended = desk.ingest(made.written(tmp_path / "a.warc.gz", data))
    assert "image" in {kind for one in ended.of("finding") for kind in one["kinds"]}
    assert {one["purpose"] for one in ended.of("capture")} == {"page", "media"}


def test_a_file_of_nothing_usable_ends_in_3_and_says_why(desk, tmp_path: Path) -> None:
    away = made.wget_warc({"http://stranger.example/": made.answer(b"<html>away</html>")})
    made.written(tmp_path / "away.warc.gz", away)
    made.written(tmp_path / "notes.txt", b"hello")
    picture = io.BytesIO()
    Image.new("RGB", (60, 60)).save(picture, "PNG")
    made.written(tmp_path / "shot.png", picture.getvalue())
    ended = desk.ingest(tmp_path / "away.warc.gz", tmp_path / "notes.txt", tmp_path / "shot.png")
    assert ended.code == 3
    assert "nothing in these files could be used" in ended.err
    assert {one["reason"] for one in ended.of("refusal")} == {
        "stranger.example is not a granted host",
        "notes.txt: neither WARC, WACZ, HAR, MHTML nor a picture",
        "shot.png: a picture has no address: name the page it shows with --page",
    }
    assert {(one.name, one.is_kept) for one in _case(desk).supplied} == {
        ("away.warc.gz", True),
        ("notes.txt", False),
        ("shot.png", False),
    }


def test_a_refused_file_beside_a_usable_one_ends_in_0(desk, copied, tmp_path: Path) -> None:
    folder = tmp_path / "handed over"
    folder.mkdir()
    made.written(folder / "a.warc.gz", made.wget_warc(copied))
    made.written(folder / "b.txt", b"hello")
    ended = desk.ingest(folder)
    assert (ended.code, ended.summary["files"]) == (0, 2)
    assert desk.ingest(folder, "--fail-on-findings").code == 1


def test_a_grant_whose_window_is_over_takes_nothing_in(desk, copied, tmp_path: Path) -> None:
    from datetime import timedelta

    window = (timedelta(hours=-2), timedelta(hours=-1))
    grant = write_grant(tmp_path / "over.toml", 9, ["clone.example"], window=window)
    file = made.written(tmp_path / "a.warc.gz", made.wget_warc(copied))
    ended = desk.ingest(file, "--grant", grant)
    assert ended.code == 4
    assert "nothing may be taken in now" in ended.err


def test_a_record_whose_digest_does_not_hold_is_refused_by_name(desk, copied, tmp_path: Path) -> None:
    whole = made.wget_warc(copied, members=False)
    data = whole.replace(b"</html>", b"</HTML>")
    assert data != whole
    ended = desk.ingest(made.written(tmp_path / "a.warc", data))
    (refusal,) = ended.of("refusal")
    assert refusal["url"] == PAGE
    assert refusal["reason"].startswith("a.warc, byte ")
    assert "does not have the digest that the record states (sha1:" in refusal["reason"]
    assert {one.url for one in _case(desk).captures} == {PICTURE}


def test_who_could_see_the_item_counts_from_the_claimed_time_or_is_not_said(
    desk, copied, tmp_path: Path
) -> None:
    for name, date in (("past", made.DATE), ("ahead", "2999-01-01T00:00:00Z"), ("none", "soon")):
        answers = {url.replace("/p/", f"/{name}/"): block for url, block in copied.items() if url == PAGE}
        data = made.wget_warc(answers, members=False).replace(made.DATE.encode(), date.encode())
        desk.ingest(made.written(tmp_path / f"{name}.warc", data))
    contents = _case(desk)
    said = {one.page_url.split("/")[3]: one.standing is not None for one in contents.findings}
    assert said == {"past": True, "ahead": False, "none": False}
    dates = {one.url.split("/")[3]: one.origin.claimed_at for one in contents.captures}
    assert (dates["ahead"].year, dates["none"]) == (2999, None)


# ---------------------------------------------------------------- what answers hold


def test_encodings_are_undone_and_bombs_are_named(desk, tmp_path: Path) -> None:
    import gzip

    import brotli

    html = f"<html><body><p>{post(ITEM).caption}</p></body></html>".encode()
    at = f"{made.HOST}/e/"
    answers = {
        f"{at}br": made.answer(brotli.compress(html), Content_Encoding="br"),
        f"{at}gzip": made.answer(gzip.compress(html), Content_Encoding="gzip"),
        f"{at}chunked": made.answer(
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(html), html), Transfer_Encoding="chunked"
        ),
        f"{at}undone": made.answer(
            html, Content_Encoding="br", Transfer_Encoding="chunked", Content_Length="9"
        ),
        f"{at}bomb": made.answer(gzip.compress(bytes(40_000_000)), Content_Encoding="gzip"),
        f"{at}cut": made.answer(gzip.compress(html)[:-9], Content_Encoding="gzip"),
        f"{at}gone": made.answer(b"<html>no</html>", status="404 Not Found"),
        f"{at}style.css": made.answer(b"a {}", "text/css"),
        f"{at}none": made.answer(b"", status="304 Not Modified"),
    }
    ended = desk.ingest(made.written(tmp_path / "a.warc.gz", made.wget_warc(answers)))
    outcomes = {one["url"].removeprefix(at): one["outcome"] for one in ended.of("capture")}
    assert outcomes == {
        "br": "ok",
        "gzip": "ok",
        "chunked": "ok",
        "undone": "ok",
        "bomb": "bomb",
        "cut": "decode_error",
        "gone": "gone",
    }
    assert ended.summary["passed_over"]["text/css"] == 1
    contents = _case(desk)
    (undone,) = [one for one in contents.captures if one.url.endswith("undone")]
    assert "the file holds it without" in undone.reason
    with CaseStore.read(desk.case) as store:
        bodies = {
            one.url: store.object(one.content_digest)
            for one in contents.captures
            if one.outcome is Outcome.OK
        }
    assert set(bodies.values()) == {html}
    verdicts = {one.page_url.removeprefix(at): str(one.verdict) for one in contents.verdicts}
    assert verdicts["bomb"] == verdicts["cut"] == verdicts["gone"] == "inconclusive"


def test_a_challenge_page_is_never_nothing_found(desk, tmp_path: Path) -> None:
    wall = b"<html><head><title>Just a moment...</title></head><body></body></html>"
    block = made.answer(wall, status="403 Forbidden", cf_mitigated="challenge")
    desk.ingest(made.written(tmp_path / "a.warc.gz", made.wget_warc({PAGE: block})))
    (verdict,) = _case(desk).verdicts
    assert str(verdict.verdict) == "inconclusive"
    assert verdict.not_examined == (("challenge_page", 1),)


def test_redirects_are_followed_within_the_file_and_named_where_they_leave_it(
    desk, copied, tmp_path: Path
) -> None:
    def moved(to: str) -> bytes:
        return made.answer(b"", status="301 Moved Permanently", Location=to)

    answers = {
        f"{made.HOST}/short": moved(f"{made.HOST}/longer"),
        f"{made.HOST}/longer": moved(PAGE),
        f"{made.HOST}/away": moved("http://stranger.example/"),
        f"{made.HOST}/lost": moved(f"{made.HOST}/not-there"),
        f"{made.HOST}/loop": moved(f"{made.HOST}/loop"),
        **copied,
    }
    ended = desk.ingest(made.written(tmp_path / "a.warc.gz", made.wget_warc(answers)))
    told = {one["url"].removeprefix(made.HOST): one for one in ended.of("capture")}
    assert (told["/short"]["final_url"], told["/short"]["outcome"]) == (PAGE, "ok")
    assert [hop["status"] for hop in told["/short"]["hops"]] == [301, 301, 200]
    assert told["/away"]["outcome"] == "redirected_away"
    assert told["/lost"]["outcome"] == told["/loop"]["outcome"] == "not_visited"
    verdicts = {one.page_url: str(one.verdict) for one in _case(desk).verdicts}
    assert verdicts[f"{made.HOST}/short"] == "confirmed"
    assert verdicts[f"{made.HOST}/lost"] == "inconclusive"


def _revisit(url: str, of: bytes, **fields: str) -> bytes:
    head = of.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    named = {
        "WARC_Profile": "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest",
        "WARC_Payload_Digest": made.base32_sha1(_body(of)),
        **fields,
    }
    return made.raw_record("revisit", url, head, version="1.1", **named)


def test_a_revisit_has_the_payload_of_the_record_that_it_refers_to(desk, copied, tmp_path: Path) -> None:
    other = "http://other.example/copy"
    by_digest = _revisit(other, copied[PAGE])
    by_place = _revisit(
        f"{other}/2",
        copied[PAGE],
        WARC_Payload_Digest="",
        WARC_Refers_To_Target_URI=PAGE,
        WARC_Refers_To_Date=made.DATE,
    )
    unchanged = _revisit(
        PAGE, copied[PAGE], WARC_Profile="http://netpreserve.org/warc/1.0/revisit/server-not-modified"
    )
    lost = _revisit(f"{other}/3", made.answer(b"another"))
    forged = _revisit(
        f"{other}/4", made.answer(b"another"), WARC_Refers_To_Target_URI=PAGE, WARC_Refers_To_Date=made.DATE
    )
    data = by_digest + made.wget_warc(copied, members=False) + by_place + unchanged + lost + forged
    ended = desk.ingest(made.written(tmp_path / "a.warc", data))
    contents = _case(desk)
    pages = {one.url: one for one in contents.captures}
    assert pages[other].content_digest == pages[f"{other}/2"].content_digest == pages[PAGE].content_digest
    assert pages[other].origin.head is HeadOrigin.REVISIT
    assert ended.summary["passed_over"]["revisit that says that nothing had changed"] == 1
    reasons = {one["url"]: one["reason"] for one in ended.of("refusal")}
    assert "is not in this file" in reasons[f"{other}/3"]
    assert "does not have the payload digest" in reasons[f"{other}/4"]
    assert set(ended.of("capture")[0]) >= {"url", "outcome", "record_id"}


# ---------------------------------------------------------------- pictures of pages


def _screenshot(platform, *items: str) -> bytes:
    """A page as a browser shows it: a bar, posts below each other, an empty margin."""
    shot = Image.new("RGB", (1280, 220 + 700 * len(items)), "white")
    shot.paste((59, 89, 152), (0, 0, 1280, 90))
    for number, item in enumerate(items):
        with Image.open(io.BytesIO(platform.picture(item))) as picture:
            shot.paste(picture, (320, 160 + 700 * number))
    stream = io.BytesIO()
    shot.save(stream, "PNG")
    return stream.getvalue()


def test_a_screenshot_is_a_picture_of_the_page_that_is_named(desk, platform, tmp_path: Path) -> None:
    data = _screenshot(platform, ITEM)
    ended = desk.ingest(made.written(tmp_path / "shot", data), "--page", PAGE)
    assert ended.code == 0, ended.err
    assert _confirmed(ended) == {ITEM}
    (capture,) = _case(desk).captures
    assert (capture.url, capture.purpose, capture.status, capture.peer) == (PAGE, "page", None, None)
    assert capture.origin.is_screenshot
    assert capture.origin.claimed_at is None
    assert capture.hops[0].url == f"urn:view:{PAGE}"


def test_a_tall_screenshot_of_a_whole_page_is_looked_at_band_by_band(desk, platform, tmp_path: Path) -> None:
    shown = ["p-1001", "p-2001", "p-3001", "p-7001"]
    data = _screenshot(platform, *shown, *shown, *shown)
    ended = desk.ingest(made.written(tmp_path / "shot.png", data), "--page", PAGE)
    assert _confirmed(ended) == set(shown)
    with CaseStore.read(desk.case) as store:
        for finding in store.findings():
            with Image.open(io.BytesIO(store.object(finding.content_digest))) as band:
                width, height = band.size
            assert (width, height <= 2560) == (1280, True)
            assert all(y <= height for region in finding.match.regions for _, y in region.polygon)
    package = tmp_path / "package"
    assert command("export", desk.case, package).code == 0
    assert command("verify", package).code == 0


def test_a_screenshot_that_shows_nothing_is_never_none(desk, tmp_path: Path) -> None:
    picture = jpeg(Image.effect_noise((600, 400), 80))
    desk.ingest(made.written(tmp_path / "shot.jpg", picture), "--page", PAGE)
    (verdict,) = _case(desk).verdicts
    assert str(verdict.verdict) == "inconclusive"
    assert ("text of a screenshot", 1) in verdict.not_examined


def test_a_screenshot_of_a_page_outside_the_grant_is_refused(desk, platform, tmp_path: Path) -> None:
    shot = made.written(tmp_path / "shot.png", _screenshot(platform, ITEM))
    ended = desk.ingest(shot, "--page", "http://stranger.example/p/1")
    assert ended.code == 3
    assert [one["reason"] for one in ended.of("refusal")] == ["stranger.example is not a granted host"]


def test_a_saved_page_and_a_screenshot_of_it_are_judged_together(desk, platform, tmp_path: Path) -> None:
    saved = made.mhtml(PAGE, [made.html_part(PAGE, b"<html><body><p>Just a page.</p></body></html>")])
    made.written(tmp_path / "a.mhtml", saved)
    made.written(tmp_path / "b.png", _screenshot(platform, ITEM))
    ended = desk.ingest(tmp_path / "a.mhtml", tmp_path / "b.png", "--page", PAGE)
    assert _confirmed(ended) == {ITEM}
    (verdict,) = _case(desk).verdicts
    assert len(verdict.supplied) == 2


def test_a_frame_of_a_saved_page_is_found_by_its_name(desk, platform, copied, tmp_path: Path) -> None:
    frame = f"{made.HOST}/frame"
    outer = b'<html><body><p>outer page</p><iframe src="cid:frame-2@mhtml.blink"></iframe></body></html>'
    parts = [
        made.html_part(PAGE, outer),
        made.html_part(frame, _body(copied[PAGE]), Content_ID="<frame-2@mhtml.blink>"),
        made.image_part(PICTURE, _body(copied[PICTURE])),
    ]
    ended = desk.ingest(made.written(tmp_path / "a.mhtml", made.mhtml(PAGE, parts)))
    assert _confirmed(ended) == {ITEM}
    verdicts = {one.page_url: one for one in _case(desk).verdicts}
    assert str(verdicts[frame].verdict) == "confirmed"
    assert "frame: not captured" not in dict(verdicts[PAGE].not_examined)


def test_a_redirect_to_a_revisit_has_the_payload_too(desk, copied, tmp_path: Path) -> None:
    other = f"{made.HOST}/again"
    moved = made.answer(b"", status="302 Found", Location=other)
    data = made.wget_warc({f"{made.HOST}/go": moved, **copied}, members=False) + _revisit(other, copied[PAGE])
    desk.ingest(made.written(tmp_path / "a.warc", data))
    told = {one.url: one for one in _case(desk).captures}
    assert told[f"{made.HOST}/go"].final_url == other
    assert told[f"{made.HOST}/go"].content_digest == told[PAGE].content_digest


def test_no_connection_is_made(desk, copied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX:
            asked.append(address)
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *named, **_: asked.append(named))
    assert desk.ingest(made.written(tmp_path / "a.warc.gz", made.wget_warc(copied))).code == 0
    assert asked == []


# ---------------------------------------------------------------- the command


def test_json_lines_are_those_of_a_scan(desk, copied, tmp_path: Path) -> None:
    ended = desk.ingest(made.written(tmp_path / "a.warc.gz", made.wget_warc(copied)), "--json")
    assert {"capture", "finding", "summary"} == {one["event"] for one in ended.events}
    assert all(one["schema"] == 1 for one in ended.events)
    assert ended.summary["taken"] == ended.summary["captures"] == 2
    told = {one["supplied"] for one in ended.of("capture")}
    assert {tuple(one["supplied"]) for one in ended.of("finding")} == {tuple(told)}
    assert "its origin is as claimed" in told.pop()


def test_a_file_that_is_not_there_is_named(desk, tmp_path: Path) -> None:
    ended = desk.ingest(tmp_path / "absent.warc")
    assert ended.code == 3
    assert "there is no file" in ended.err


def test_a_name_that_is_no_unicode_is_recorded(desk, copied, tmp_path: Path) -> None:
    folder = tmp_path / "handed over"
    folder.mkdir()
    try:
        made.written(Path(str(folder).encode().decode() + "/\udcff.warc.gz"), made.wget_warc(copied))
    except OSError:
        pytest.skip("this file system takes no such name")
    ended = desk.ingest(folder)
    assert ended.code == 0, ended.err
    assert [one.name for one in _case(desk).supplied] == ["\\udcff.warc.gz"]
    assert json.loads((desk.case / "custody.jsonl").read_bytes().splitlines()[-1])["seq"] > 1
