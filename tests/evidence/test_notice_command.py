"""``clonedetect notice`` over a case that the real store and archive wrote."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from clonedetect.archive.custody import verify_chain
from clonedetect.cli.export import export
from clonedetect.cli.notice import notice
from clonedetect.cli.verify import verify
from clonedetect.models.ids import digest_of
from tests.evidence.notice_case import SETTINGS, NoticeCase, post


@pytest.fixture
def case(tmp_path: Path) -> Path:
    posts = (
        post("p1"),
        post("p2", rights_basis=None, page="https://clone.example/2"),
        post("p3", decision=None),
    )
    return NoticeCase(tmp_path / "case", *posts).folder


@pytest.fixture
def spoken(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS)
    return path


def run(command, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_summary_tells_drafts_and_refusals_and_that_nothing_was_sent(case, spoken, tmp_path):
    done = run(notice, case, tmp_path / "out", "--settings", spoken, "--kind", "dmca", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["schema"] == 1
    assert told["sent"] is False
    assert [(one["kind"], one["recipient"]) for one in told["drafts"]] == [("dmca", "203.0.113.7")]
    assert [(one["item_id"], one["instead"]) for one in told["refused"]] == [
        ("p2", ["terms", "privacy", "trademark"])
    ]
    assert (told["confirmed"], told["undecided"]) == (2, 1)
    assert {name for one in told["drafts"] for name in one["files"]} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }


def test_all_kinds_are_drafted_where_none_is_named(case, spoken, tmp_path):
    done = run(notice, case, tmp_path / "out", "--settings", spoken, "--json")
    kinds = [one["kind"] for one in json.loads(done.stdout)["drafts"]]
    assert kinds == ["dmca", "dsa", "trademark", "terms", "privacy"]


def test_custody_says_what_was_drafted_and_by_whom(case, spoken, tmp_path):
    spoken.write_text(SETTINGS + '[signing]\nactor = "R. Ali"\n')
    run(notice, case, tmp_path / "out", "--settings", spoken)
    last = json.loads((case / "custody.jsonl").read_bytes().splitlines()[-1])
    assert last["action"] == "notice"
    assert last["actor"] == "R. Ali (clonedetect notice)"
    assert last["subject"] == f"notices.json {digest_of((tmp_path / 'out/notices.json').read_bytes())}"
    verify_chain(case / "custody.jsonl")


def test_drafts_change_no_byte_of_the_package(case, spoken, tmp_path):
    assert run(export, case, tmp_path / "before", "--zip").exit_code == 0
    assert run(notice, case, tmp_path / "out", "--settings", spoken).exit_code == 0
    assert run(export, case, tmp_path / "after", "--zip").exit_code == 0
    assert (tmp_path / "before.zip").read_bytes() == (tmp_path / "after.zip").read_bytes()
    assert run(verify, tmp_path / "after").exit_code == 0


def test_drafts_do_not_depend_on_earlier_ones(case, spoken, tmp_path):
    for name in ("one", "two"):
        assert run(notice, case, tmp_path / name, "--settings", spoken).exit_code == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_nothing_is_sent(case, spoken, tmp_path, monkeypatch):
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a notice opened a socket")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    monkeypatch.setattr(socket, "create_connection", forbidden)
    done = run(notice, case, tmp_path / "out", "--settings", spoken)
    assert done.exit_code == 0, done.output


def test_if_nothing_can_be_drafted_it_says_why_and_writes_nothing(tmp_path, spoken):
    case = NoticeCase(tmp_path / "case", post("p1", rights_basis=None)).folder
    before = (case / "custody.jsonl").read_bytes()
    done = run(notice, case, tmp_path / "out", "--settings", spoken, "--kind", "dmca", "--json")
    assert done.exit_code == 3
    assert json.loads(done.stdout)["refused"][0]["reason"].startswith("no rights basis is recorded")
    assert "nothing can be drafted" in done.stderr
    assert not (tmp_path / "out").exists()
    assert (case / "custody.jsonl").read_bytes() == before


def test_a_rehearsal_ends_with_what_its_grant_refuses(tmp_path, spoken):
    case = NoticeCase(tmp_path / "case", post("p1"), is_rehearsal=True).folder
    done = run(notice, case, tmp_path / "out", "--settings", spoken)
    assert done.exit_code == 4
    assert "rehearsal" in done.stderr


def test_without_settings_it_asks_who_claims(case, tmp_path):
    done = run(notice, case, tmp_path / "out")
    assert done.exit_code == 3
    assert "claimant.name, claimant.address, claimant.email not set" in " ".join(done.stderr.split())


def test_without_a_decision_it_names_the_command_to_decide(tmp_path, spoken):
    case = NoticeCase(tmp_path / "case", post("p1", decision=None)).folder
    done = run(notice, case, tmp_path / "out", "--settings", spoken)
    assert done.exit_code == 3
    assert "clonedetect decide" in " ".join(done.stderr.split())


def test_a_key_names_accounts_as_an_index_of_hashes_does(case, spoken, tmp_path):
    key = tmp_path / "key.bin"
    key.write_bytes(b"k" * 32)
    done = run(notice, case, tmp_path / "out", "--settings", spoken, "--hmac-key", key)
    assert done.exit_code == 0
    assert "of account hmac-sha256:" in (tmp_path / "out/dmca-01.draft.txt").read_text("utf-8")


@pytest.mark.parametrize("option", [("--hmac-key", "missing.bin"), ("--settings", "missing.toml")])
def test_a_file_that_is_missing_is_named(case, tmp_path, option):
    done = run(notice, case, tmp_path / "out", option[0], tmp_path / option[1])
    assert done.exit_code == 3
    assert option[1] in "".join(done.stderr.split())


@pytest.mark.parametrize("arguments", [("--kind", "letter"), ("--by", "registrar")])
def test_what_there_is_not_is_a_fault_of_usage(case, tmp_path, arguments):
    assert run(notice, case, tmp_path / "out", *arguments).exit_code == 2
