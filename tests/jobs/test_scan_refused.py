"""What a scan says, and with which code it ends, where it may not or cannot do its work."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from tests.jobs.playground import NOW, Web, command, copy_page, write_grant

SEED = "http://clone.example/"
PAGE = b"<html><body><p>nothing here</p></body></html>"


@pytest.fixture
def web(serve) -> Web:
    return serve({SEED: PAGE})


def test_a_grant_that_nobody_signed_is_refused_before_anything_is_made(web, scene, tmp_path) -> None:
    ended = scene(web, development=False).scan(SEED)
    assert ended.code == 4
    assert "unsigned" in ended.err or "not signed" in ended.err
    assert not (tmp_path / "case").exists()
    assert web.pages_asked == 0


def test_a_grant_signed_by_a_stranger_is_refused_and_by_an_approver_accepted(web, scene, tmp_path) -> None:
    prepared = scene(web)
    for name in ("one", "two"):
        assert command("key", "new", tmp_path / f"{name}.pem").code == 0
    assert command("grant", "sign", prepared.grant, "--key", tmp_path / "one.pem").code == 0
    assert prepared.scan("--approvers", tmp_path / "two.pem.pub.pem", SEED).code == 4
    assert web.pages_asked == 0
    assert prepared.scan("--approvers", tmp_path / "one.pem.pub.pem", "--crawl-only", SEED).code == 0
    with CaseStore.read(prepared.case) as store:
        assert next(store.grants()).signature is not None


@pytest.mark.parametrize(
    ("window", "word"),
    [
        ((timedelta(hours=-2), timedelta(hours=-1)), "ended"),
        ((timedelta(hours=1), timedelta(hours=2)), "begins"),
    ],
    ids=["over", "not yet"],
)
def test_outside_its_window_a_grant_refuses_each_seed_by_name(web, scene, window, word) -> None:
    ended = scene(web, window=window).scan(SEED)
    assert ended.code == 4
    (refusal,) = ended.of("refusal")
    assert refusal["url"] == SEED
    assert word in refusal["reason"]
    assert "in force from" in ended.err
    assert web.pages_asked == 0


def test_a_closed_window_leaves_what_is_still_to_be_asked_to_the_next_grant(web, scene, tmp_path) -> None:
    web.replies[SEED] = b'<html><body><a href="/a">a</a> <a href="/b">b</a></body></html>'
    web.replies |= {f"{SEED}a": PAGE, f"{SEED}b": PAGE}
    prepared = scene(web, limits="max_pages = 1")
    capped = prepared.scan("--crawl-only", SEED)
    assert (capped.code, capped.summary["stopped_by"]) == (0, "max_pages 1 reached")
    over = (timedelta(hours=-2), timedelta(hours=-1))
    write_grant(prepared.grant, web.port, ["clone.example"], grant_id="g-2", window=over)
    assert prepared.scan("--crawl-only").code == 4
    write_grant(prepared.grant, web.port, ["clone.example"], grant_id="g-3")
    ended = prepared.scan("--crawl-only")
    assert [one["url"] for one in ended.of("capture")] == [f"{SEED}a", f"{SEED}b"]


def test_where_every_seed_is_refused_each_is_told_and_the_code_is_4(web, scene) -> None:
    seeds = ("http://other.example/", "ftp://clone.example/x", "clone.example/no-scheme")
    ended = scene(web).scan(*seeds, "--crawl-only")
    assert ended.code == 4
    assert len(ended.of("refusal")) == 3
    assert "refuses every URL" in ended.err
    assert web.pages_asked == 0


def test_a_malformed_grant_is_named_with_its_line(web, scene) -> None:
    prepared = scene(web)
    text = prepared.grant.read_text().replace('contact = "trust', 'contcat = "trust')
    prepared.grant.write_text(text)
    line = text.splitlines().index('contcat = "trust@example.org"') + 1
    ended = prepared.scan(SEED)
    assert ended.code == 3
    assert f"grant.toml:{line}:" in ended.err
    assert not prepared.case.exists()


def test_the_same_id_with_other_bytes_and_the_grant_of_another_case_are_refused(web, scene) -> None:
    prepared = scene(web)
    assert prepared.scan("--crawl-only", SEED).code == 0
    prepared.grant.write_text(prepared.grant.read_text() + "# changed\n")
    changed = prepared.scan("--crawl-only", SEED)
    assert (changed.code, "other bytes" in changed.err) == (4, True)
    write_grant(prepared.grant, web.port, ["clone.example"], grant_id="g-2", case="CASE-2")
    other = prepared.scan("--crawl-only", SEED)
    assert (other.code, "CASE-2" in other.err and "CASE-1" in other.err) == (4, True)


def test_a_case_that_is_being_written_is_refused_with_the_writers_pid(web, scene) -> None:
    prepared = scene(web)
    import os

    with CaseStore.create(prepared.case, "CASE-1", custody=CustodyLog.open, now=NOW, actor="test"):
        ended = prepared.scan(SEED)
    assert ended.code == 3
    assert str(os.getpid()) in ended.err


def test_unreachable_seeds_end_in_5_and_are_asked_again_when_named_again(web, scene) -> None:
    prepared = scene(web)
    web.pause()
    ended = prepared.scan("--crawl-only", SEED)
    assert ended.code == 5
    assert "connect_error" in ended.err
    web.go_on()
    again = prepared.scan("--crawl-only", SEED)
    assert again.code == 0
    assert (SEED, "ok") in {(one["url"], one["outcome"]) for one in again.of("capture")}


def test_new_seeds_that_cannot_be_reached_are_told_in_a_case_that_reached_others(web, scene) -> None:
    prepared = scene(web, "clone.example", "gone.example")
    assert prepared.scan("--crawl-only", SEED).code == 0
    web.pause()
    ended = prepared.scan("--crawl-only", "http://gone.example/")
    assert ended.code == 5
    assert "gone.example" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--crawl-only", "--analyse-only"], 2, "leave nothing to do"),
        (["--settings", "missing.toml"], 3, "missing.toml"),
        (["--approvers", "missing.pem"], 3, "missing.pem"),
        (["@missing.txt"], 3, "missing.txt"),
        (["--workers", "0"], 2, "--workers"),
        (["--analyse-only"], 3, "holds no case"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_sense_is_told_before_any_request(web, scene, arguments, code, message) -> None:
    prepared = scene(web)
    ended = prepared.scan(*arguments, *([] if arguments[0].startswith("@") else [SEED]))
    assert ended.code == code
    assert message in ended.err
    assert not prepared.case.exists()
    assert web.pages_asked == 0


def test_an_index_is_needed_and_checked_before_the_first_request(web, scene, tmp_path: Path) -> None:
    prepared = scene(web)
    without = command("scan", "--grant", prepared.grant, "--case", prepared.case, SEED)
    assert (without.code, "--index" in without.err) == (2, True)
    assert prepared.scan(SEED, index=tmp_path / "no index").code == 3
    assert web.pages_asked == 0


def test_a_folder_of_other_things_is_not_made_a_case(web, scene, tmp_path: Path) -> None:
    prepared = scene(web)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    assert prepared.scan("--crawl-only", SEED, case=tmp_path / "photos").code == 2
    (tmp_path / "file").touch()
    assert prepared.scan("--crawl-only", SEED, case=tmp_path / "file").code in (2, 3)


def test_robots_are_obeyed_and_overridden_only_by_two_signatures(web, scene, tmp_path: Path) -> None:
    web.replies["http://clone.example/robots.txt"] = (200, "text/plain", b"User-agent: *\nDisallow: /")
    prepared = scene(web)
    obeyed = prepared.scan("--crawl-only", SEED)
    assert obeyed.of("refusal")[0]["where"] == "robots"
    override = '[grant.robots]\npolicy = "override"\nreason = "counsel said so"\n'
    write_grant(prepared.grant, web.port, ["clone.example"], grant_id="g-2", more=override)
    keys = [tmp_path / "one.pem", tmp_path / "two.pem"]
    approvers = [word for key in keys for word in ("--approvers", f"{key}.pub.pem")]
    for key in keys:
        command("key", "new", key)
    assert command("grant", "sign", prepared.grant, "--key", keys[0]).code == 0
    assert prepared.scan("--crawl-only", *approvers, SEED, case=tmp_path / "second").code == 4
    assert command("grant", "sign", prepared.grant, "--key", keys[1], "--countersign").code == 0
    ended = prepared.scan("--crawl-only", *approvers, SEED, case=tmp_path / "second")
    assert ended.code == 0
    assert (SEED, "ok") in {(one["url"], one["outcome"]) for one in ended.of("capture")}


def test_standard_output_holds_one_json_object_a_line_and_nothing_else(web, scene, platform) -> None:
    web.replies[SEED] = copy_page("p-1001", "/1.jpg")
    web.replies[f"{SEED}1.jpg"] = (200, "image/jpeg", platform.picture("p-1001"))
    ended = scene(web).scan("--fail-on-findings", SEED)
    assert ended.code == 1
    assert [json.loads(line)["event"] for line in ended.out.splitlines()][-1] == "summary"
    assert all(one["schema"] == 1 for one in ended.events)
    assert ended.err == ""


@pytest.mark.parametrize(
    "refused",
    [
        ("absent", 2, "the signal 'absent', which nothing installed offers"),
        ("block-mean", 3, "was made without the signal block-mean, which the settings name"),
    ],
    ids=["not installed", "not in the index"],
)
def test_a_signal_that_cannot_be_asked_is_told_before_anything_is_fetched(
    web, scene, tmp_path, refused: tuple[str, int, str]
) -> None:
    name, code, told = refused
    (tmp_path / "settings.toml").write_text(f'[signals]\nactive = ["{name}"]\n')
    ended = scene(web).scan("--settings", tmp_path / "settings.toml", SEED)
    assert ended.code == code
    assert told in ended.err
    assert web.pages_asked == 0
