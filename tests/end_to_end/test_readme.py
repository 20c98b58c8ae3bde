"""The README's session is the demo's true output, and its first case can be followed line by line."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clonedetect.demo.rehearsal import Rehearsal, own_command, prepare, serving, write_grant
from tests.end_to_end.rehearsed import Played

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600), pytest.mark.xdist_group("rehearsal")]

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def _shown() -> str:
    found = re.search(r"<!-- demo-output -->\n```text\n(.*?)```\n<!-- /demo-output -->", README, re.DOTALL)
    assert found
    return found.group(1)


def test_the_session_shown_is_what_the_demo_prints(played: Played) -> None:
    printed = played.printed.replace(str(played.rehearsal.out), "demo-output")
    printed = printed.replace(f"{own_command()} verify", "clonedetect verify")
    tail = printed[printed.index("What was copied") :]
    assert [line.rstrip() for line in tail.splitlines()] == [line.rstrip() for line in _shown().splitlines()]


def _first_case() -> list[list[str]]:
    section = README[README.index("## A first case") :]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL)
    assert block
    return [shlex.split(line[2:]) for line in block.group(1).splitlines() if line.startswith("$ ")]


def _fill_in(folder: Path, rehearsal: Rehearsal, ports: dict[str, int]) -> None:
    write_grant(rehearsal, ports, datetime.now(UTC))
    filled = rehearsal.grant.read_text().replace(
        "[grant.limits]", '[[grant.hosts]]\nhost = "clone.example"\nrole = "page"\n\n[grant.limits]', 1
    )
    pin = '[grant.development.resolve]\n"clone.example" = "127.0.0.1:9"\n'
    (folder / "grant.toml").write_text(filled.replace("[grant.development.resolve]\n", pin, 1))


def test_the_first_case_can_be_followed_line_by_line(tmp_path: Path) -> None:
    rehearsal = prepare(tmp_path / "rehearsal")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "pictures").symlink_to(rehearsal.platform / "pictures")
    (folder / "posts.jsonl").write_bytes((rehearsal.platform / "posts.jsonl").read_bytes())
    seeds = rehearsal.seeds.read_text().splitlines()
    (folder / "urls.txt").write_text("\n".join(url for url in seeds if "gramlook" in url) + "\n")
    with serving(rehearsal) as ports:
        for words in _first_case():
            assert words[0] == "clonedetect"
            ended = subprocess.run(
                [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False
            )
            assert ended.returncode == 0, f"{words}\n{ended.stdout}\n{ended.stderr}"
            if words[1:3] == ["grant", "new"]:
                _fill_in(folder, rehearsal, ports)
    assert (folder / "PACKAGE" / "data" / "report.html").exists()
