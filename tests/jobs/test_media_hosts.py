"""Media on hosts that the grant names are fetched; those on any other host are known, and left alone."""

from __future__ import annotations

import json
from pathlib import Path

from clonedetect.case.store import CaseStore
from clonedetect.models.capture import Purpose
from tests.jobs.playground import command, post

PAGE = "http://clone.example/p/1"
OURS = "http://media.clone.example/get?t=1"
THEIRS = "http://cdn.elsewhere.example/v/1_17841400000000001_2_n.jpg"


def test_media_of_granted_hosts_are_fetched_and_others_are_only_recorded(serve, scene, platform) -> None:
    body = f'<html><body><img src="{OURS}"><img src="{THEIRS}"><p>{post("p-1001").caption}</p></body></html>'
    web = serve(
        {
            PAGE: body.encode(),
            OURS: (200, "image/jpeg", platform.picture("p-1001")),
            THEIRS: (200, "image/jpeg", platform.picture("p-2001")),
        }
    )
    prepared = scene(web, "clone.example", media=("media.clone.example",))
    ended = prepared.scan(PAGE)
    assert ended.code == 0
    assert _media(prepared.case) == {OURS}
    assert web.asked[THEIRS] == 0
    assert (THEIRS, "enqueue") in {(one["url"], one["where"]) for one in ended.of("refusal")}
    (row,) = [json.loads(line) for line in command("findings", prepared.case, "--json").out.splitlines()]
    assert (row["verdict"], row["media_examined"]) == ("confirmed", 1)
    assert "not examined: 1 x not captured" in row["reasons"]


def _media(case: Path) -> set[str]:
    with CaseStore.read(case) as store:
        return {one.url for one in store.captures() if one.purpose is Purpose.MEDIA}
