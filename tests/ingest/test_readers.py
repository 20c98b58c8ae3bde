"""What the readers make of whole, damaged and hostile files, format by format."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clonedetect.archive.supplied import warc_file
from clonedetect.archive.supplied.digests import is_known, is_stated_of
from clonedetect.archive.supplied.formats import format_of, read_supplied
from clonedetect.archive.supplied.har_file import read_har
from clonedetect.archive.supplied.message import Fault, Message, MessageKind, PassedOver, Software
from clonedetect.archive.supplied.mhtml_file import read_mhtml
from clonedetect.archive.supplied.wacz_file import read_wacz
from clonedetect.archive.supplied.warc_file import read_warc
from clonedetect.models.supplied import HeadOrigin, SuppliedFormat
from tests.ingest import made

PAGE, PICTURE = f"{made.HOST}/p/1", f"{made.HOST}/1.jpg"
BODY = b"<html><body>one</body></html>"
ANSWERS = {PAGE: made.answer(BODY), PICTURE: made.answer(b"\xff\xd8\xff rest", "image/jpeg")}


def _warc(data: bytes) -> list[object]:
    return list(read_warc(io.BytesIO(data), len(data)))


def _urls(found: list[object]) -> list[str]:
    return [one.url for one in found if isinstance(one, Message)]


def _faults(found) -> list[Fault]:
    return [one for one in found if isinstance(one, Fault)]


# ---------------------------------------------------------------- WARC


@pytest.mark.parametrize(
    "data",
    [
        made.wget_warc(ANSWERS),
        made.wget_warc(ANSWERS, members=False),
        gzip.compress(made.wget_warc(ANSWERS, members=False)),
        made.wget_warc(ANSWERS).replace(b"\r\n\r\n\r\n", b"\r\n\r\n"),
    ],
    ids=["a member a record", "plain", "one member", "untouched"],
)
def test_a_warc_is_read_however_it_is_packed(data: bytes) -> None:
    found = _warc(data)
    assert _faults(found) == []
    assert [one.name for one in found if isinstance(one, Software)] == ["Wget/1.21.3 (linux-gnu)"]
    page, picture = [one for one in found if isinstance(one, Message)]
    assert (page.url, page.block, page.head) == (PAGE, ANSWERS[PAGE], HeadOrigin.AS_SUPPLIED)
    assert (picture.url, picture.claimed_peer) == (PICTURE, "203.0.113.7")
    assert f"{page.claimed_at:%Y-%m-%d %H:%M}" == "2026-10-01 08:30"
    assert len(page.stated_digests) == 2
    assert [one.what for one in found if isinstance(one, PassedOver)] == ["request record"] * 2
    assert len({one.place for one in found if isinstance(one, Message)}) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # warcio leaves files open
def test_what_warcio_writes_is_read() -> None:
    found = _warc(made.warcio_warc([(PAGE, BODY, made.HTML)]))
    (page,) = [one for one in found if isinstance(one, Message)]
    assert page.block.endswith(BODY)
    assert all(is_known(stated) for stated in page.stated_digests)


@pytest.mark.parametrize("part", ["WARC_Block_Digest", "WARC_Payload_Digest"])
@pytest.mark.parametrize(
    "spelling",
    [
        lambda data: "sha256:" + hashlib.sha256(data).hexdigest(),
        lambda data: "sha256:" + base64.b32encode(hashlib.sha256(data).digest()).decode(),
        lambda data: "SHA-256:" + hashlib.sha256(data).hexdigest().upper(),
        lambda data: "sha1:" + hashlib.sha1(data).hexdigest(),
        made.base32_sha1,
        lambda data: "md5:" + hashlib.md5(data).hexdigest(),
    ],
    ids=["sha256 hex", "sha256 base32", "upper case", "sha1 hex", "sha1 base32", "md5"],
)
def test_a_stated_digest_is_recomputed_in_any_spelling(part: str, spelling) -> None:
    block = ANSWERS[PAGE]
    right = spelling(block if part == "WARC_Block_Digest" else BODY)
    (held,) = _warc(made.raw_record("response", PAGE, block, **{part: right}))
    assert isinstance(held, Message)
    (refused,) = _warc(made.raw_record("response", PAGE, block, **{part: spelling(b"another")}))
    assert isinstance(refused, Fault)
    assert "does not have the digest that the record states" in refused.reason
    assert refused.url == PAGE


def test_a_payload_digest_may_be_of_the_body_without_its_chunks() -> None:
    chunked = made.answer(b"1d\r\n" + BODY + b"\r\n0\r\n\r\n", Transfer_Encoding="chunked")
    record = made.raw_record("response", PAGE, chunked, WARC_Payload_Digest=made.base32_sha1(BODY))
    assert isinstance(_warc(record)[0], Message)


def test_an_unknown_digest_is_not_said_to_hold() -> None:
    (page,) = _warc(made.raw_record("response", PAGE, ANSWERS[PAGE], WARC_Block_Digest="blake3:abc"))
    assert isinstance(page, Message)
    assert page.stated_digests == ()


@pytest.mark.parametrize("members", [True, False], ids=["a member a record", "one member"])
def test_a_tail_that_is_cut_off_is_told_and_the_rest_is_kept(members: bool) -> None:
    data = made.wget_warc(ANSWERS) if members else gzip.compress(made.wget_warc(ANSWERS, members=False))
    found = _warc(data[:-20])
    (fault,) = _faults(found)
    assert fault.kind == "cut short"
    assert fault.place.startswith("byte ")
    assert PAGE in _urls(found)


def test_a_damaged_record_is_told_with_its_place_and_reading_goes_on() -> None:
    records = [
        gzip.compress(made.raw_record("response", f"{PAGE}/{n}", ANSWERS[PAGE]), mtime=0) for n in range(3)
    ]
    damaged = bytearray(records[1])
    damaged[20:40] = bytes(20)
    found = _warc(records[0] + bytes(damaged) + records[2])
    assert _urls(found) == [f"{PAGE}/0", f"{PAGE}/2"]
    assert f"byte {len(records[0])}" in {fault.place for fault in _faults(found)}


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n",
        b"WARC/1.0\r\nno colon\r\n\r\n",
        b"WARC/0.9\r\n\r\n",
        b"WARC/1.0\r\nContent-Length: x\r\n\r\n",
    ],
    ids=["no record", "a line that is no field", "another version", "no length"],
)
def test_garbage_between_plain_records_is_told_and_reading_goes_on(garbage: bytes) -> None:
    record = made.raw_record("response", PAGE, ANSWERS[PAGE])
    found = _warc(record + garbage + record.replace(b"/p/1", b"/p/2"))
    assert len(_faults(found)) >= 1
    assert f"{made.HOST}/p/2" in _urls(found)


def test_a_bomb_ends_the_file_and_no_memory_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from clonedetect.archive.supplied import stream

    monkeypatch.setattr(stream, "_FREE_BYTES", 1_000_000)
    head = made.raw_record("response", PAGE, b"").replace(b"Content-Length: 0", b"Content-Length: 50000000")
    bomb = gzip.compress(head[:-4] + bytes(50_000_000) + b"\r\n\r\n")
    assert [fault.kind for fault in _faults(_warc(bomb))] == ["it inflates too far"]


def test_a_record_that_is_too_large_is_passed_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc_file, "MAX_BLOCK_BYTES", 500)
    data = made.raw_record("response", PAGE, made.answer(bytes(600))) + made.raw_record(
        "response", PICTURE, made.answer(b"x")
    )
    found = _warc(data)
    assert [fault.kind for fault in _faults(found)] == ["too large"]
    assert _urls(found) == [PICTURE]


def test_screenshots_of_a_browser_crawler_are_pictures_of_their_pages() -> None:
    (shot,) = _warc(made.raw_record("resource", f"urn:view:{PAGE}", b"\x89PNG", Content_Type="image/png"))
    assert (shot.url, shot.is_screenshot, shot.kind) == (PAGE, True, MessageKind.RESOURCE)


@given(noise=st.binary(max_size=400), at=st.integers(0, 900))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_bytes_make_the_reader_fail(noise: bytes, at: int) -> None:
    data = made.wget_warc(ANSWERS)
    for one in (noise, data[:at] + noise + data[at:], b"WARC/1.0\r\n" + noise):
        for _ in _warc(one):
            pass


# ---------------------------------------------------------------- digests


def test_base32_without_padding_and_in_lower_case_is_read() -> None:
    stated = made.base32_sha1(b"x").lower().rstrip("=")
    assert is_stated_of(stated, [b"y", b"x"])
    assert not is_stated_of(stated, [b"y"])
    assert not is_stated_of("sha1:!!", [b""])


# ---------------------------------------------------------------- WACZ


def test_a_wacz_gives_what_its_warcs_hold(tmp_path: Path) -> None:
    warcs = {
        "rec-0.warc.gz": made.wget_warc({PAGE: ANSWERS[PAGE]}),
        "rec-1.warc": made.wget_warc({PICTURE: ANSWERS[PICTURE]}, members=False),
    }
    found = list(read_wacz(made.written(tmp_path / "a.wacz", made.wacz(warcs, [PAGE]))))
    assert _urls(found) == [PAGE, PICTURE]
    assert _faults(found) == []
    assert found[0] == Software("Browsertrix-Crawler 1.5")
    first = next(one for one in found if isinstance(one, Message))
    assert first.place.startswith("archive/rec-0.warc.gz, byte ")


def test_a_warc_that_has_not_the_digest_of_datapackage_json_is_refused(tmp_path: Path) -> None:
    data = made.wacz({"rec-0.warc.gz": made.wget_warc(ANSWERS)}, changed=True)
    found = list(read_wacz(made.written(tmp_path / "a.wacz", data)))
    assert _urls(found) == []
    assert {fault.kind for fault in _faults(found)} == {"not the digest that datapackage.json states"}


def test_a_datapackage_that_was_changed_refuses_the_file(tmp_path: Path) -> None:
    entries = _entries(made.wacz({"rec-0.warc.gz": made.wget_warc(ANSWERS)}))
    entries["datapackage.json"] += b" "
    (fault,) = read_wacz(made.written(tmp_path / "a.wacz", made.zipped(entries)))
    assert fault.kind == "not the digest that datapackage-digest.json states"


def _entries(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _link() -> bytes:
    entry = zipfile.ZipInfo("archive/link.warc")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
        archive.writestr("datapackage.json", "{}")
    return stream.getvalue()


def _twice() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("datapackage.json", "{}")
        archive.writestr("archive/a.warc", b"")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("archive/a.warc", b"")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (lambda: made.zipped({"/etc/a.warc": b"", "datapackage.json": b"{}"}), "absolute name"),
        (lambda: made.zipped({"archive/../../a.warc": b"", "datapackage.json": b"{}"}), "leads out"),
        (lambda: made.zipped({"archive\\a.warc": b"", "datapackage.json": b"{}"}), "leads out"),
        (_link, "link or a special file"),
        (_twice, "there twice"),
        (lambda: made.zipped({"archive/a.warc": bytes(200_000_000)}, zipfile.ZIP_DEFLATED), "unpack to"),
        (lambda: made.zipped({f"archive/{n}.warc": b"" for n in range(20_001)}), "more than 20000"),
        (lambda: made.zipped({"readme.txt": b"hello"}), "no WACZ"),
        (lambda: made.zipped({"archive/a.warc": b""}), "no datapackage.json"),
        (lambda: made.zipped({"archive/a.warc": b"", "datapackage.json": b"[["}), "cannot be read"),
        (lambda: made.zipped({"archive/a.warc": b"x"})[:-8], "cannot be read"),
    ],
    ids=[
        "absolute",
        "dots",
        "backslash",
        "link",
        "twice",
        "bomb",
        "many",
        "no warc",
        "no package",
        "no json",
        "cut",
    ],
)
def test_a_hostile_zip_is_refused_before_anything_in_it_is_read(data, why: str, tmp_path: Path) -> None:
    (fault,) = read_wacz(made.written(tmp_path / "a.wacz", data()))
    assert why in fault.reason


def test_a_file_that_datapackage_json_lists_and_is_not_there_is_told(tmp_path: Path) -> None:
    entries = _entries(made.wacz({"a.warc": b"", "b.warc": b""}))
    del entries["archive/b.warc"]
    found = list(read_wacz(made.written(tmp_path / "a.wacz", made.zipped(entries))))
    assert [fault.place for fault in _faults(found)] == ["archive/b.warc"]


# ---------------------------------------------------------------- HAR


def test_a_har_of_a_chromium_browser_is_read(tmp_path: Path) -> None:
    picture = base64.b64encode(b"\xff\xd8\xff").decode()
    data = made.har(
        made.har_entry(PAGE, "<html>über</html>"),
        made.har_entry(PICTURE, picture, "image/jpeg", is_base64=True),
        made.har_entry(f"{made.HOST}/old", None, status=301, redirectURL=PAGE),
    )
    found = list(read_har(made.written(tmp_path / "a.har", data)))
    page, image, moved = [one for one in found if isinstance(one, Message)]
    assert found[0] == Software("WebInspector 537.36")
    assert page.head is HeadOrigin.RECONSTRUCTED
    head, _, body = page.block.partition(b"\r\n\r\n")
    assert body == "<html>über</html>".encode()
    assert head.split(b"\r\n") == [b"HTTP/1.1 200", b"Content-Type: text/html; charset=utf-8"]
    assert image.block.endswith(b"\xff\xd8\xff")
    assert b"Location: " + PAGE.encode() in moved.block
    assert f"{page.claimed_at:%H:%M:%S}" == "08:30:00"
    assert b"secret" not in b"".join(one.block for one in (page, image, moved))


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (made.har_entry(PAGE, None), "saved without content"),
        (made.har_entry(PAGE, None, status=0), "no response"),
        (made.har_entry(PAGE, "%%%", is_base64=True), "damaged"),
        ({"request": {"url": PAGE}, "response": {"status": "200"}}, "damaged"),
        ({"request": {}, "response": {"status": 200}}, "no address"),
    ],
    ids=["no content", "no response", "no base64", "a status that is a text", "no address"],
)
def test_an_entry_that_cannot_be_used_is_told_and_the_rest_goes_on(entry, kind: str, tmp_path: Path) -> None:
    data = made.har(entry, made.har_entry(PICTURE, "x"))
    found = list(read_har(made.written(tmp_path / "a.har", data)))
    (fault,) = _faults(found)
    assert (fault.kind, fault.place) == (kind, "entry 1")
    assert _urls(found) == [PICTURE]


def test_answers_to_other_methods_and_schemes_are_passed_over(tmp_path: Path) -> None:
    posted = made.har_entry(PAGE, "x")
    posted["request"]["method"] = "POST"
    data = made.har(posted, made.har_entry("data:text/html,x", "x"))
    found = list(read_har(made.written(tmp_path / "a.har", data)))
    assert [one.what for one in found[1:]] == ["answer to POST", "data: address"]


def test_a_header_of_a_har_cannot_begin_a_new_one(tmp_path: Path) -> None:
    entry = made.har_entry(PAGE, "x")
    entry["response"]["headers"].append({"name": "X-A", "value": "1\r\nLocation: http://evil.example/"})
    (_, page) = read_har(made.written(tmp_path / "a.har", made.har(entry)))
    assert b"\r\nLocation:" not in page.block


@pytest.mark.parametrize(
    "data", [b"{", b'{"log": []}', b"[" * 100_000, b"\xff\xfe{}"], ids=["cut", "no log", "deep", "utf-16"]
)
def test_what_is_no_har_is_one_fault(data: bytes, tmp_path: Path) -> None:
    assert [fault.place for fault in _faults(read_har(made.written(tmp_path / "a.har", data)))] == [
        "the file"
    ]


# ---------------------------------------------------------------- MHTML


def test_a_page_saved_by_a_chromium_browser_is_read(tmp_path: Path) -> None:
    body = f'<html><img src="{PICTURE}"><p>{"é = mc2 " * 30}</p></html>'.encode()
    data = made.mhtml(
        PAGE,
        [
            made.html_part(PAGE, body, Content_ID="<frame-1@mhtml.blink>"),
            made.image_part(PICTURE, b"\xff\xd8\xff\x00\r\n--x"),
            ({"Content-Type": "text/css", "Content-Location": "cid:css-1@mhtml.blink"}, b"a {}"),
        ],
    )
    found = list(read_mhtml(made.written(tmp_path / "a.mhtml", data)))
    page, picture = [one for one in found if isinstance(one, Message)]
    assert found[0] == Software("Saved by Blink")
    assert (page.url, page.block, page.kind, page.content_id) == (
        PAGE,
        body,
        MessageKind.RESOURCE,
        "frame-1@mhtml.blink",
    )
    assert (picture.url, picture.block, picture.page) == (PICTURE, b"\xff\xd8\xff\x00\r\n--x", PAGE)
    assert f"{page.claimed_at:%Y-%m-%d %H:%M}" == "2026-10-01 08:30"
    assert _faults(found) == []


def test_parts_within_parts_relative_addresses_and_names_are_read(tmp_path: Path) -> None:
    inner = (
        b'--in\r\nContent-Type: text/html\r\nContent-Location: frame.html\r\n\r\n<img src="cid:one@x">\r\n'
        b"--in\r\nContent-Type: image/png\r\nContent-ID: <one@x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"iVBORw==\r\n--in--\r\n"
    )
    data = made.mhtml(
        PAGE,
        [
            ({"Content-Type": "text/html"}, b"<p>root</p>"),
            (
                {
                    "Content-Type": 'multipart/related; boundary="in"',
                    "Content-Location": f"{made.HOST}/frames/",
                },
                inner,
            ),
        ],
    )
    found = [one for one in read_mhtml(made.written(tmp_path / "a.mhtml", data)) if isinstance(one, Message)]
    assert [one.url for one in found] == [PAGE, f"{made.HOST}/frames/frame.html", "cid:one@x"]
    assert found[2].block == b"\x89PNG"


def _nested(depth: int) -> bytes:
    body = b"<p>x</p>"
    kind = b"text/html"
    for level in range(depth):
        mark = f"b{level}".encode()
        body = b"--" + mark + b"\r\nContent-Type: " + kind + b"\r\n\r\n" + body + b"\r\n--" + mark + b"--\r\n"
        kind = b'multipart/related; boundary="' + mark + b'"'
    return b"Snapshot-Content-Location: " + PAGE.encode() + b"\r\nContent-Type: " + kind + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (made.mhtml(PAGE, [made.html_part(PAGE, BODY)])[:-20], "cut short"),
        (b"Content-Type: multipart/related\r\n\r\nx", "damaged"),
        (b"Content-Type: multipart/related; boundary=x", "damaged"),
        (
            made.mhtml(
                PAGE,
                [
                    (
                        {
                            "Content-Type": "text/html",
                            "Content-Transfer-Encoding": "x-rot13",
                            "Content-Location": PAGE,
                        },
                        b"",
                    )
                ],
            ),
            "damaged",
        ),
        (_nested(200), "nested too deep"),
    ],
    ids=["cut", "no boundary", "no end of head", "unknown encoding", "deep"],
)
def test_a_saved_page_that_is_damaged_is_told(data: bytes, kind: str, tmp_path: Path) -> None:
    found = list(read_mhtml(made.written(tmp_path / "a.mhtml", data)))
    assert kind in {fault.kind for fault in _faults(found)}


@given(noise=st.binary(max_size=300), at=st.integers(0, 1500))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_make_the_reader_of_saved_pages_fail(noise: bytes, at: int, tmp_path: Path) -> None:
    data = made.mhtml(PAGE, [made.html_part(PAGE, BODY), made.image_part(PICTURE, b"\xff\xd8\xff")])
    for one in (noise, data[:at] + noise + data[at:], data[:at] + noise):
        for _ in read_mhtml(made.written(tmp_path / "a.mhtml", one)):
            pass


# ---------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (made.wget_warc(ANSWERS), SuppliedFormat.WARC),
        (made.wget_warc(ANSWERS, members=False), SuppliedFormat.WARC),
        (made.wacz({"a.warc": b""}), SuppliedFormat.WACZ),
        (made.har(), SuppliedFormat.HAR),
        (b"\xef\xbb\xbf" + json.dumps({"log": {}}, indent=2).encode(), SuppliedFormat.HAR),
        (made.mhtml(PAGE, []), SuppliedFormat.MHTML),
        (gzip.compress(b"hello"), None),
        (b'{"item_id": "1"}', None),
        (b"<html>", None),
        (b"", None),
    ],
    ids=["warc.gz", "warc", "wacz", "har", "har with a mark", "mhtml", "gzip", "json", "html", "empty"],
)
def test_a_format_is_told_by_content(data: bytes, form: SuppliedFormat | None) -> None:
    assert format_of(data) is form


def test_a_file_gives_the_same_twice(tmp_path: Path) -> None:
    path = made.written(tmp_path / "a", made.wget_warc(ANSWERS))
    assert list(read_supplied(path, SuppliedFormat.WARC)) == list(read_supplied(path, SuppliedFormat.WARC))
