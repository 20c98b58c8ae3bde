"""The rehearsal's steps over a network of one clone, one wall and one innocent neighbour."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from clonedetect.cli import demo as demo_command
from clonedetect.demo import rehearsal as module
from clonedetect.demo.network import Expectation, Truth
from clonedetect.demo.rehearsal import Rehearsal, own_command, prepare, rehearse, serving, write_grant
from clonedetect.demo.routes import Network, Route, Site, save
from clonedetect.errors import DependencyError, ExitCode, InputError
from clonedetect.grant.file import read_grant
from tests.jobs.playground import command, copy_page, post, write_pictures

PAGE = "http://clone.example/p"


@pytest.fixture
def small(tmp_path: Path) -> Rehearsal:
    """A rehearsal prepared by hand, of one copied caption and picture."""
    rehearsal = Rehearsal(tmp_path / "out [1]")
    rehearsal.platform.mkdir(parents=True)
    platform = write_pictures(rehearsal.platform, "p-1001")
    platform.listing("p-1001").rename(rehearsal.platform / "posts.jsonl")
    bodies = rehearsal.network / "bodies"
    bodies.mkdir(parents=True)
    (bodies / "page").write_bytes(copy_page("p-1001", "/1.jpg"))
    (bodies / "picture").write_bytes(platform.picture("p-1001"))
    (bodies / "innocent").write_bytes(b"<html><body><p>Camera club, Thursdays</p></body></html>")
    sites = (
        Site(
            "clone.example",
            "north",
            (Route("/p", "bodies/page", "text/html"), Route("/1.jpg", "bodies/picture", "image/jpeg")),
        ),
        Site("friend.example", "nobody", (Route("/", "bodies/innocent", "text/html"),)),
    )
    save(Network(sites), rehearsal.network)
    copies = (
        Expectation(
            "clone.example",
            PAGE,
            ("p-1001",),
            "image",
            "plain copy",
            "confirmed",
            "http://clone.example/1.jpg",
        ),
        Expectation("clone.example", PAGE, ("p-1001",), "text", "verbatim text", "possible"),
    )
    _tell(rehearsal, Truth(copies, ("friend.example",), {PAGE: "ok"}))
    rehearsal.seeds.write_text(f"{PAGE}\nhttp://friend.example/\n")
    return rehearsal


def _tell(rehearsal: Rehearsal, truth: Truth) -> None:
    rehearsal.truth.write_bytes(msgspec.json.encode(truth))


def test_the_whole_job_is_shown_as_a_person_types_it_and_ends_in_0(small: Rehearsal, capfd) -> None:
    console = Console(file=io.StringIO(), width=100)
    assert rehearse(small, console) is ExitCode.DONE
    printed = console.file.getvalue()
    for step in ("index add", "key new", "grant sign", "scan --grant", "findings", "export", "verify"):
        assert f"$ clonedetect {step}" in printed
    assert "out [1]" in printed, "a bracket in a path was taken for markup"
    told = "2 copies: 2 confirmed, 0 shown to people, 0 missed (0 required), 0 innocent accused"
    assert told in " ".join(printed.split())
    assert f"--signer '{small.out}/signer.pem.pub.pem'" in printed
    assert (small.package / "data" / "report.html").exists()


def test_misses_accusations_and_wrong_outcomes_are_named(small: Rehearsal, monkeypatch) -> None:
    """The scan's own part is left to the other test: here it told of the wrong page."""
    network = module.load(small.network)
    truth = msgspec.json.decode(small.truth.read_bytes(), type=Truth)
    accused = module.judge(
        truth,
        [_said("http://friend.example/[b]x", "p-9")],
        [],
    )
    console = Console(file=io.StringIO(), width=100)
    module._show(console, accused, network.sites)
    printed = console.file.getvalue()
    assert f"MISSED: plain copy of p-1001 on {PAGE}" in printed
    assert "ACCUSED: http://friend.example/[b]x of p-9: possible" in printed
    assert f"WRONG: {PAGE} is not ok" in printed
    assert "2 missed (2 required), 1 innocent accused" in printed


def _said(page: str, item: str):
    from clonedetect.demo.judge import SeenFinding

    return SeenFinding(page, item, "possible", ("image",), None)


def test_a_step_that_fails_ends_the_rehearsal_with_its_name(small: Rehearsal, capfd) -> None:
    (small.platform / "posts.jsonl").unlink()
    with pytest.raises(DependencyError, match="step index ended in 3"):
        rehearse(small, Console(file=io.StringIO()))


def test_servers_that_do_not_start_are_told(small: Rehearsal, capfd) -> None:
    (small.network / "routes.json").write_bytes(b"no routes")
    with pytest.raises(DependencyError, match="did not start"), serving(small):
        pass


def test_the_grant_covers_exactly_the_hosts_that_are_served(small: Rehearsal) -> None:
    write_grant(
        small, {"clone.example": 4001, "media.clone.example": 4002}, datetime(2026, 11, 3, tzinfo=UTC)
    )
    grant = read_grant(small.grant).grant
    assert grant.is_rehearsal
    assert [(rule.host, str(rule.role)) for rule in grant.hosts] == [
        ("clone.example", "page"),
        ("media.clone.example", "media"),
    ]
    assert grant.development.pin("media.clone.example") == ("127.0.0.1", 4002)


@pytest.fixture
def quick(monkeypatch) -> None:
    """Prepare without the pictures, whose making has tests of its own."""
    monkeypatch.setattr(module, "write_platform", lambda folder: folder.mkdir())
    monkeypatch.setattr(module, "build_network", lambda folder, truth: (folder.mkdir(), Network(()))[1])


def test_only_an_earlier_rehearsal_is_replaced(tmp_path: Path, quick) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(InputError, match="is not empty"):
        prepare(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()
    out = prepare(tmp_path / "new" / "out").out
    (out / "case").mkdir()
    (out / "old.txt").touch()
    (out / "link").symlink_to(tmp_path / "mine", target_is_directory=True)
    prepare(out)
    assert sorted(path.name for path in out.iterdir()) == [
        ".clonedetect-rehearsal",
        "network",
        "platform",
        "urls.txt",
    ]
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_the_folder_may_be_this_one_or_a_link(tmp_path: Path, quick, monkeypatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    for _ in range(2):
        prepare(tmp_path / "link")
    assert (tmp_path / "real" / "urls.txt").exists()
    monkeypatch.chdir(tmp_path / "real")
    prepare(Path())
    assert (tmp_path / "real" / "urls.txt").exists()


def test_the_command_ends_as_the_rehearsal_does(tmp_path: Path, monkeypatch) -> None:
    asked = []

    def rehearsed(rehearsal: Rehearsal, console: Console, *, settings: Path | None) -> ExitCode:
        asked.append((rehearsal.out, settings))
        return ExitCode.FINDINGS

    monkeypatch.setattr(demo_command, "prepare", Rehearsal)
    monkeypatch.setattr(demo_command, "rehearse", rehearsed)
    assert command("demo", "--out", tmp_path / "out").code == 1
    assert asked == [(tmp_path / "out", None)]
    assert command("demo", "--settings", tmp_path / "none.toml").code == 2


def test_a_folder_of_other_things_ends_the_command_in_3(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text(post("p-1001").caption)
    assert command("demo", "--out", tmp_path).code == 3


def test_the_command_to_type_is_reached_with_and_without_a_path(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("python", "clonedetect"):
        (tmp_path / "bin" / name).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", "")
    assert own_command() == str(tmp_path / "bin" / "clonedetect")
    monkeypatch.chdir(tmp_path)
    assert own_command() == "bin/clonedetect"
    (tmp_path / "bin" / "clonedetect").unlink()
    assert own_command() == f"{tmp_path / 'bin' / 'python'} -m clonedetect"
    (tmp_path / "bin" / "clonedetect").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert own_command() == "clonedetect"
