"""Supplied captures beside our own: which stands, what each is judged with, and where it is said."""

from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from clonedetect.archive.custody import read_custody
from clonedetect.case.store import CaseStore
from clonedetect.crawl.frontier import Frontier
from clonedetect.demo.pictures import jpeg
from clonedetect.models.capture import Purpose
from tests.ingest import made
from tests.jobs.playground import Web, command, copy_page, recompressed, write_grant

ITEM = "p-1001"
PAGE, PICTURE = f"{made.HOST}/p/{ITEM}", f"{made.HOST}/{ITEM}.jpg"
CLEAN = b"<html><body><p>Nothing of anybody's stands here at all, only a plain page.</p></body></html>"


@pytest.fixture
def serve() -> Iterator[Callable[..., Web]]:
    running: list[Web] = []

    def start(replies) -> Web:
        running.append(Web(replies))
        return running[-1]

    yield start
    for site in running:
        site.close()


@pytest.fixture
def copied(platform) -> dict[str, bytes]:
    return {
        PAGE: made.answer(copy_page(ITEM, f"/{ITEM}.jpg")),
        PICTURE: made.answer(recompressed(platform.picture(ITEM)), "image/jpeg"),
    }


@pytest.fixture
def beside(desk, serve, copied):
    """Scan and ingest into one case: `replies` are what the site serves, `answers` what is handed over."""

    def run(replies, answers=copied, *, first: str = "scan") -> None:
        web = serve(replies)
        grant = write_grant(desk.folder / "live.toml", web.port, ["clone.example"], grant_id="g-2")
        named = ("--grant", grant, "--index", desk.index, "--case", desk.case, "--workers", "1")
        file = made.written(desk.folder / "a.warc.gz", made.wget_warc(answers))
        steps = {
            "scan": lambda: command("scan", *named, PAGE),
            "ingest": lambda: command("ingest", *named, "--by", "R. Ali", file),
        }
        for step in (first, *(steps.keys() - {first})):
            ended = steps[step]()
            assert ended.code == 0, ended.err

    return run


def _contents(desk):
    with CaseStore.read(desk.case) as store:
        return store.contents()


def _row(desk, page: str = PAGE) -> dict[str, object]:
    rows = command("findings", desk.case, "--json").events
    return next(one for one in rows if one["page_url"] == page)


@pytest.mark.parametrize("first", ["scan", "ingest"])
def test_our_own_capture_stands_whichever_came_first(beside, desk, first: str) -> None:
    beside({PAGE: CLEAN}, first=first)
    (verdict,) = _contents(desk).verdicts
    assert (str(verdict.verdict), verdict.supplied) == ("none", ())
    row = _row(desk)
    assert (row["origin"], row["supplied_beside"], row["claimed_at"]) == ("captured", 1, None)


def test_a_supplied_capture_stands_where_our_own_saw_nothing_and_says_so(beside, desk) -> None:
    beside({PAGE: (403, made.HTML, b"<html>go away</html>")})
    (verdict,) = _contents(desk).verdicts
    assert str(verdict.verdict) == "confirmed"
    assert any(
        reason.startswith("our own capture of 20") and "http_error" in reason for reason in verdict.reasons
    )
    row = _row(desk)
    assert (row["origin"], row["outcome"], row["claimed_at"]) == ("supplied", "ok", made.DATE)


def test_a_page_of_our_own_is_never_judged_with_a_supplied_picture(desk, serve, copied) -> None:
    """The live grant leaves out the host of the picture; a later one has it, and somebody supplies it."""
    picture = "http://cdn.example/a.jpg"
    web = serve({PAGE: copy_page(ITEM, picture, caption="a page")})
    grant = write_grant(desk.folder / "live.toml", web.port, ["clone.example"], grant_id="g-2")
    named = ("--index", desk.index, "--case", desk.case, "--workers", "1")
    assert command("scan", "--grant", grant, *named, PAGE).code == 0
    file = made.written(desk.folder / "a.warc.gz", made.wget_warc({picture: copied[PICTURE]}))
    assert desk.ingest(file).summary["taken"] == 1
    contents = _contents(desk)
    (verdict,) = contents.verdicts
    assert dict(verdict.not_examined)["not captured"] == 1
    assert [one for one in contents.findings if one.match.image is not None] == []


def test_a_supplied_page_is_never_judged_with_a_picture_of_our_own(beside, desk, copied, platform) -> None:
    other = f"{made.HOST}/p/other"
    served = {
        PAGE: copy_page(ITEM, f"/{ITEM}.jpg"),
        PICTURE: (200, "image/jpeg", recompressed(platform.picture(ITEM))),
    }
    page = b'<html><body><img src="/p-1001.jpg"></body></html>'
    beside(served, {other: made.answer(page)})
    verdicts = {one.page_url: one for one in _contents(desk).verdicts}
    assert str(verdicts[PAGE].verdict) == "confirmed"
    assert verdicts[other].not_examined == (("not captured", 1),)


def test_what_was_supplied_answers_no_question_of_a_crawl(beside, desk) -> None:
    """Neither robots.txt nor a page of the frontier is taken from a supplied file."""
    answers = {
        f"{made.HOST}/robots.txt": made.answer(b"User-agent: *\nDisallow: /\n", "text/plain"),
        PAGE: made.answer(CLEAN),
    }
    beside({PAGE: CLEAN}, answers, first="ingest")
    own = [one for one in _contents(desk).captures if one.origin is None]
    assert {one.purpose for one in own} == {Purpose.PAGE, Purpose.ROBOTS, Purpose.FAVICON}
    with CaseStore.read(desk.case) as store:
        assert store.latest_capture(PAGE, Purpose.PAGE) in own
        assert store.usage("g-2").pages == 1
        assert Frontier(store.database).counts()


def test_a_page_that_waits_in_the_frontier_is_fetched_although_it_was_supplied(desk, serve) -> None:
    following = f"{made.HOST}/next"
    web = serve({PAGE: CLEAN + f'<a href="{following}">next</a>'.encode(), following: CLEAN})
    named = ("--index", desk.index, "--case", desk.case, "--workers", "1")
    grants = [
        write_grant(
            desk.folder / f"{number}.toml", web.port, ["clone.example"], grant_id=f"g-{number}", limits=limits
        )
        for number, limits in enumerate(("max_pages = 1", "max_pages = 9"), 2)
    ]
    assert command("scan", "--grant", grants[0], *named, PAGE).code == 0
    assert web.asked[following] == 0
    supplied = made.wget_warc({following: made.answer(CLEAN)})
    assert desk.ingest(made.written(desk.folder / "a.warc.gz", supplied)).summary["taken"] == 1
    assert command("scan", "--grant", grants[1], *named, PAGE).code == 0
    assert web.asked[following] == 1
    assert {one.page_url: one.supplied for one in _contents(desk).verdicts} == {PAGE: (), following: ()}


# ---------------------------------------------------------------- evidence


@pytest.fixture
def exported(beside, desk, copied, platform) -> Path:
    """A package of a case with a page of our own, a supplied one, and one of both."""
    other = f"{made.HOST}/p/other"
    served = {
        PAGE: copy_page(ITEM, f"/{ITEM}.jpg"),
        PICTURE: (200, "image/jpeg", recompressed(platform.picture(ITEM))),
    }
    beside(served, {**copied, other: made.answer(copy_page(ITEM, f"/{ITEM}.jpg"))})
    ended = command("export", desk.case, desk.folder / "package")
    assert ended.code == 0, ended.err
    return desk.folder / "package"


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_a_package_passes_all_verifiers_and_warcio(exported: Path) -> None:
    for words in (["sh", "verify.sh"], [sys.executable, "verify.py"]):
        ended = subprocess.run(words, cwd=exported, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    warcio = Path(sys.executable).with_name("warcio")
    checked = subprocess.run(
        [warcio, "check", "-v", exported / "data/capture.warc.gz"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_everything_that_rests_on_supplied_captures_says_so(exported: Path) -> None:
    captures = _lines(exported / "data/captures.jsonl")
    assert {one["fidelity"] == "supplied" for one in captures if one["origin"]} == {True}
    assert {one["fidelity"] for one in captures if not one["origin"]} == {"exact"}
    (file,) = _lines(exported / "data/supplied.jsonl")
    schema = json.loads((exported / "schemas/supplied.schema.json").read_bytes())
    assert set(file) == set(schema["required"]) == set(schema["properties"])
    said = (
        f"supplied by R. Ali from file {file['digest']}, not captured by this tool: its origin is as claimed"
    )
    matches = _lines(exported / "data/matches.jsonl")
    told = {one["page_url"]: one["supplied"] for one in matches}
    assert told[PAGE] is None
    assert told[f"{made.HOST}/p/other"]["said"] == [said]
    report = (exported / "data/report.html").read_text("utf-8")
    assert said[1:] in report
    assert "claims: captured at 2026-10-01 08:30:00 UTC, from the server 203.0.113.7" in report
    assert "Supplied captures" in report
    assert "claimed to be of 2026-10-01" in report
    rows = {
        one["page_url"]: one
        for one in csv.DictReader(io.StringIO((exported / "data/findings.csv").read_text()))
    }
    assert (rows[PAGE]["origin"], rows[PAGE]["supplied"]) == ("captured", "")
    assert (rows[f"{made.HOST}/p/other"]["origin"], rows[f"{made.HOST}/p/other"]["supplied"]) == (
        "supplied",
        said,
    )


@pytest.mark.parametrize("by", ["page", "finding", "site", "account", "item"])
def test_a_terminal_marks_what_rests_on_supplied_captures_alone(beside, desk, by: str, copied) -> None:
    beside({PAGE: CLEAN}, {url.replace("/p/", "/q/"): block for url, block in copied.items()})
    told = command("findings", desk.case, "--by", by, "--format", "table").out
    assert ("confirmed*" in told) == (by != "site"), told
    row = next(
        one
        for one in command("findings", desk.case, "--by", by, "--json").events
        if one["verdict"] == "confirmed"
    )
    pages = {"page": ["supplied"], "finding": ["supplied"]}.get(by, ["pages_supplied"])
    assert all(row[name] for name in pages)


def test_no_request_and_no_file_of_the_supplier_leaves_the_house(exported: Path, desk) -> None:
    import gzip

    records = gzip.decompress((exported / "data/capture.warc.gz").read_bytes())
    assert b"of-the-supplier" not in records
    assert b"WARC-Source-URI: urn:sha256:" in records
    (file,) = _lines(exported / "data/supplied.jsonl")
    kept = file["digest"].removeprefix("sha256:")
    assert (desk.case / "objects" / kept[:2] / kept).exists()
    assert not (exported / "data/objects" / kept[:2] / kept).exists()


@pytest.mark.parametrize(
    ("name", "change", "note"),
    [
        ("matches.jsonl", lambda row: {**row, "supplied": None}, "does not say whether it rests on"),
        ("captures.jsonl", lambda row: {**row, "origin": None}, "does not say whether it was supplied"),
    ],
)
def test_a_package_that_hides_where_captures_come_from_is_found(exported: Path, name, change, note) -> None:
    path = exported / "data" / name
    path.write_bytes(b"".join(json.dumps(change(row)).encode() + b"\n" for row in _lines(path)))
    ended = subprocess.run(
        [sys.executable, "verify.py"], cwd=exported, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert note in ended.stdout


# ---------------------------------------------------------------- killed


def test_killed_at_any_record_and_run_again_it_ends_the_same(desk, copied, tmp_path: Path) -> None:
    answers = {f"{made.HOST}/n/{n}": made.answer(b"<html><p>page %d</p></html>" % n) for n in range(40)}
    file = made.written(tmp_path / "a.warc.gz", made.wget_warc({**answers, **copied}))
    whole = tmp_path / "whole"
    assert desk.ingest(file, case=whole).code == 0
    words = [
        *(sys.executable, "-m", "clonedetect", "ingest", "--grant", desk.grant, "--index", desk.index),
        *("--case", desk.case, "--workers", "1", "--by", "R. Ali", "--json", file),
    ]
    for records in (1, 7, 20):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        seen = 0
        for line in process.stdout:
            seen += b'"capture"' in line
            if seen >= records:
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert desk.ingest(file).code == 0
    told = [_state(folder) for folder in (desk.case, whole)]
    assert told[0] == told[1]
    places = [one.origin.place for one in _contents(desk).captures]
    assert len(places) == len(set(places)) == 42


def _state(case: Path) -> object:
    with CaseStore.read(case) as store:
        contents = store.contents()
    acts = [one for one in read_custody(case / "custody.jsonl") if one.action == "supplied"]
    return (
        sorted(
            (one.url, str(one.outcome), one.content_digest, one.origin.place) for one in contents.captures
        ),
        sorted((one.page_url, str(one.verdict), one.items) for one in contents.verdicts),
        [(one.digest, one.taken, one.refused, one.passed_over) for one in contents.supplied],
        [one.subject for one in acts],
    )


# ---------------------------------------------------------------- our own archive


def test_our_own_archive_taken_into_a_new_case_gives_the_same_verdicts(desk, serve, copied, platform) -> None:
    second = f"{made.HOST}/p/two"
    web = serve(
        {
            PAGE: copy_page(ITEM, f"/{ITEM}.jpg") + f'<a href="{second}">next</a>'.encode(),
            second: copy_page("p-2001", "/2.jpg") + b'<iframe src="/frame"></iframe>',
            PICTURE: (200, "image/jpeg", recompressed(platform.picture(ITEM))),
            f"{made.HOST}/2.jpg": (200, "image/jpeg", jpeg(Image.effect_noise((300, 200), 80))),
        }
    )
    grant = write_grant(desk.folder / "live.toml", web.port, ["clone.example"], grant_id="g-2")
    named = ("--grant", grant, "--index", desk.index, "--workers", "1")
    assert command("scan", *named, "--case", desk.folder / "live", PAGE).code == 0
    archives = sorted((desk.folder / "live/archive").glob("*.warc.gz"))
    ended = command("ingest", *named, "--case", desk.case, "--by", "R. Ali", *archives)
    assert ended.code == 0, ended.err
    with CaseStore.read(desk.folder / "live") as live, CaseStore.read(desk.case) as taken:
        verdicts = [
            {
                one.page_url: (one.verdict, one.items, one.accounts, one.not_examined)
                for one in store.verdicts()
            }
            for store in (live, taken)
        ]
    assert verdicts[0] == verdicts[1]
    assert {str(one[0]) for one in verdicts[0].values()} >= {"confirmed"}
    shutil.rmtree(desk.folder / "live")
