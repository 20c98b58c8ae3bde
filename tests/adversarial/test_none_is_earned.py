"""`none` is said of a page only after all of it was seen."""

from __future__ import annotations

import io

import pytest

from clonedetect.demo.pictures import photograph
from tests.adversarial.arena import Arena, Host, Hosts, page, reply

ROWS = [{"item_id": "1", "account_id": "a", "caption": "a caption that stands on none of the pages below"}]
ALIEN = {
    "pdf": reply(b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n" * 40, "application/pdf"),
    "video": reply(b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(2_000), "text/html"),
    "frame outside": page('<iframe src="http://elsewhere.example/gallery"></iframe>'),
    "frame gone": page('<iframe src="/gone"></iframe>'),
    "frame of frames": reply('<frameset><frame src="/gone"></frameset>'),
    "object": page('<object type="text/html" data="/gone.html"></object>'),
    "embed": page('<embed src="/gone.html">'),
    "picture outside": page('<img src="http://elsewhere.example/1.jpg">'),
    "picture gone": page('<img src="/1.jpg">'),
    "video shown": page('<video src="/1.mp4"></video>'),
    "blob": page('<img src="blob:http://clone.example/1">'),
    "vector": page('<img src="/drawing.svg">'),
    "animation": page('<img src="/moving.gif">'),
    "cut json": reply(
        b'{"items": [{"caption": "one that could be read", "x": 1}, {"capt', "application/json"
    ),
}


@pytest.mark.parametrize("kind", ALIEN)
def test_a_page_of_which_a_part_was_not_seen_is_inconclusive(kind: str, judged: dict[str, str]) -> None:
    assert judged[kind] == "inconclusive"


def test_a_page_whose_frames_and_pictures_were_all_seen_is_none(judged: dict[str, str]) -> None:
    assert judged["whole"] == "none"


def moving() -> bytes:
    """Return an animation of three photographs."""
    first, *rest = (photograph(name).resize((320, 240)) for name in ("brick", "grass", "gravel"))
    buffer = io.BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=100)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one scan says of each page."""
    replies = {f"/{number}": whole for number, whole in enumerate(ALIEN.values())}
    replies["/whole"] = page('<iframe src="/frame"></iframe>')
    replies["/frame"] = page("a frame")
    replies["/drawing.svg"] = reply("<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")
    replies["/moving.gif"] = reply(moving(), "image/gif")
    with Hosts([Host("clone.example", replies)]) as hosts:
        site = Arena(tmp_path_factory.mktemp("none"), hosts)
        seeds = (f"http://clone.example{path}" for path in replies)
        site.scan(site.grant(), *seeds, index=site.index(ROWS))
        told = {verdict.page_url: str(verdict.verdict) for verdict in site.contents.verdicts}
    said = {kind: told[f"http://clone.example/{number}"] for number, kind in enumerate(ALIEN)}
    return {**said, "whole": told["http://clone.example/whole"]}
