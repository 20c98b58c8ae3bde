"""Identifiers on captured pages and saved files, by the settings' patterns, and the standing of findings."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from clonedetect.jobs.analysing import analyse_case
from clonedetect.jobs.banks import read_banks
from clonedetect.jobs.examining import Examiner
from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference, shortfall
from clonedetect.models.item import Visibility
from clonedetect.models.match import Finding, Ground, Kind, Verdict
from clonedetect.settings.file import read_settings
from tests.jobs.playground import HTML, NOW, command, make_case, post

ROOT = "http://clone.example/"
CODE, NUMBER = "Cwr4rddlKTB", "3182886838844302529"
FILE = "https://cdn.photos.example/v/t51/363312345_17841400000001001_512_n.jpg?oe=64F8A1B2"
CAPTION = post("p-1001").caption
STORY = NOW - timedelta(days=3)


def stamp(moment) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


ROWS = (
    {
        "item_id": "boat",
        "account_id": "a-1",
        "handle": "lena.fischt",
        "permalink": f"https://photos.example/p/{CODE}/",
        "caption": CAPTION,
        "published_at": "2023-09-02T10:15:00Z",
        "media": [{"asset_id": "17841400000001001", "pdq": "0f" * 32}],
        "visibility": [
            {"class": "public", "to": stamp(NOW - timedelta(days=9))},
            {"class": "followers", "from": stamp(NOW - timedelta(days=9))},
        ],
    },
    {
        "item_id": "story",
        "account_id": "a-1",
        "handle": "lena.fischt",
        "caption": "Only today",
        "native_ids": ["3182886838844302777"],
        "published_at": stamp(STORY),
        "expires_at": stamp(STORY + timedelta(hours=24)),
        "visibility": "public",
    },
)


@pytest.fixture(scope="module")
def index(tmp_path_factory) -> Path:
    """An index with the shipped settings of an Instagram-like platform, whose ids are not dated."""
    folder = tmp_path_factory.mktemp("ids")
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    assert add_sources(folder / "index", [folder / "posts.jsonl"], workers=1).refusals == ()
    settings = folder / "index" / "settings.toml"
    assert command("settings", "new", settings, "--platform", "instagram-like").code == 0
    settings.write_text(settings.read_text().replace("id_time_shift = 23", "id_time_shift = 0"))
    return folder / "index"


def analysed(case: Path, index: Path) -> tuple[Finding, ...]:
    chosen = read_settings(None, index)
    banks = read_banks(chosen)
    with (
        CaseStore.open(case, custody=CustodyLog.open, now=NOW) as store,
        open_reference(index) as reference,
        Examiner(reference, chosen.settings, banks.phrases, workers=1) as examiner,
    ):
        for _ in analyse_case(store, reference, examiner, banks, now=lambda: NOW):
            pass
        return tuple(store.findings())


def findings_of(tmp_path: Path, index: Path, body: str, path: str = "page") -> tuple[Finding, ...]:
    return analysed(make_case(tmp_path / "case", {f"{ROOT}{path}": (body.encode(), HTML)}), index)


def test_a_native_id_in_the_address_is_a_possible_finding(tmp_path: Path, index: Path) -> None:
    (found,) = findings_of(tmp_path, index, "<p>Nothing else</p>", f"reel/{CODE}/")
    match = found.match
    assert (match.item_id, match.verdict, match.kinds) == ("boat", Verdict.POSSIBLE, (Kind.IDENTIFIER,))
    assert match.identifier.ground is Ground.NATIVE_ID
    assert (found.media_url, found.quoted_text) == (None, f"{ROOT}reel/{CODE}/")
    with CaseStore.read(tmp_path / "case") as store:
        (verdict,) = store.verdicts()
    assert (verdict.verdict, verdict.kinds) == (Verdict.POSSIBLE, (Kind.IDENTIFIER,))


def test_grounds_in_one_place_are_findings_of_their_own(tmp_path: Path, index: Path) -> None:
    body = f"<title>Example viewer</title><p>x</p><img src='{FILE}'>"
    found = findings_of(tmp_path, index, body, f"profile/lena.fischt/reel/{CODE}")
    assert sorted(one.match.identifier.ground for one in found) == ["handle", "hotlink", "native id"]
    assert len({one.finding_id for one in found}) == 3
    assert [one.match.identifier.ground for one in found if one.standing is None] == [Ground.HANDLE]


def test_an_identifier_beside_a_caption_that_is_short_corroborates_it_and_a_mention_does_not(
    tmp_path: Path, index: Path
) -> None:
    part = CAPTION[: len(CAPTION) * 6 // 10]
    mention = f"<p>{part}</p><a href='https://photos.example/p/{CODE}/'>from</a>"
    native = f"<p>{part}</p><a href='/reel/{CODE}'>x</a>"
    texts = {}
    for name, body in {"alone": f"<p>{part}</p>", "mention": mention, "native": native}.items():
        found = findings_of(tmp_path / name, index, body)
        (texts[name],) = [one.match.verdict for one in found if one.match.text is not None]
        named = [one.match.identifier for one in found if one.match.identifier is not None]
        assert [one.is_ground for one in named] == {"alone": [], "mention": [], "native": [True]}[name]
    assert texts["mention"] == texts["alone"] == Verdict.POSSIBLE
    with CaseStore.read(tmp_path / "mention" / "case") as store:
        (verdict,) = store.verdicts()
    assert any(reason.endswith("a mention is no copy") for reason in verdict.reasons)
    assert texts["native"] == Verdict.CONFIRMED


def test_a_page_that_only_mentions_is_clear(tmp_path: Path, index: Path) -> None:
    body = f"<p>By @lena.fischt</p><a href='https://photos.example/p/{CODE}/'>post</a>"
    assert findings_of(tmp_path, index, body) == ()
    with CaseStore.read(tmp_path / "case") as store:
        (verdict,) = store.verdicts()
    assert verdict.verdict is Verdict.NONE


def test_a_story_seen_days_later_says_so(tmp_path: Path, index: Path) -> None:
    (found,) = findings_of(tmp_path, index, "<p>x</p>", "media/3182886838844302777")
    assert found.match.item_id == "story"
    assert found.standing.at_capture is Visibility.PUBLIC
    assert found.standing.expired_for_s == timedelta(days=2).total_seconds()


def test_a_post_for_followers_says_who_could_see_it(tmp_path: Path, index: Path) -> None:
    (found,) = findings_of(tmp_path, index, f"<p>{CAPTION}</p>")
    assert found.match.text is not None
    assert (found.standing.at_publication, found.standing.at_capture) == (
        Visibility.PUBLIC,
        Visibility.FOLLOWERS,
    )
    told = command("findings", tmp_path / "case", "--by", "finding", "--json")
    (row,) = [json.loads(line) for line in told.out.splitlines() if "finding_id" in line]
    assert row["visibility"] == "followers"
    assert row["standing"][0] == "the post could be seen by followers only when the page was captured"


def test_a_saved_page_is_matched_too(tmp_path: Path, index: Path) -> None:
    saved = tmp_path / "saved.html"
    saved.write_text(f"<html><body><p>x</p><img src='{FILE}'></body></html>", "utf-8")
    ended = command("match", index, saved, "--json")
    (row,) = ended.events
    assert (row["item_id"], row["verdict"], row["kinds"]) == ("boat", "possible", ["identifier"])
    assert row["identifier"]["ground"] == "hotlink"
    assert row["identifier"]["expires_at"] == "2023-09-06T15:58:42Z"
    assert "identifier" not in command("match", index, _text(tmp_path), "--json").events[0]


def _text(folder: Path) -> Path:
    path = folder / "caption.txt"
    path.write_text(CAPTION, "utf-8")
    return path


def test_an_index_that_an_older_program_wrote_is_used_and_said_to_fall_short(
    tmp_path: Path, index: Path
) -> None:
    import shutil

    old = shutil.copytree(index, tmp_path / "old")
    connection = sqlite3.connect(old / "index.db")
    connection.executescript(
        "DROP TABLE identifiers; DELETE FROM meta WHERE key = 'identifiers';"
        "UPDATE meta SET value = 3 WHERE key = 'schema';"
        "CREATE TABLE plain (item_id TEXT PRIMARY KEY, account_id TEXT, handle TEXT, permalink TEXT,"
        " visibility TEXT, json TEXT, source TEXT, line INTEGER, fingerprint BLOB, digest BLOB) STRICT;"
        "INSERT INTO plain SELECT item_id, account_id, handle, permalink, visibility, json, source, line,"
        " fingerprint, digest FROM items; DROP TABLE items; ALTER TABLE plain RENAME TO items;"
    )
    connection.close()
    with open_reference(old) as reference:
        assert "an older program wrote the index" in shortfall(reference)
    with open_reference(index) as reference:
        assert shortfall(reference) == ""
    page = tmp_path / "saved.html"
    page.write_text(f"<html><body><p>{CAPTION}</p><img src='{FILE}'></body></html>", "utf-8")
    ended = command("match", old, page, "--json")
    assert [row["kinds"] for row in ended.events] == [["text"]]
    assert "handles, ids and hotlinks are not looked up" in ended.err
    case = make_case(tmp_path / "case", {f"{ROOT}reel/{CODE}": (b"<p>x</p>", HTML)})
    assert analysed(case, old) == ()
    listing = tmp_path / "posts.jsonl"
    listing.write_text("".join(json.dumps(row) + "\n" for row in ROWS), "utf-8")
    add_sources(old, [listing], workers=1)
    assert [one.match.item_id for one in analysed(case, old)] == ["boat"], "it was judged by less before"
