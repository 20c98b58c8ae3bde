"""The grant and key commands, as a shell sees them."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from clonedetect.cli.console import exit_codes
from clonedetect.cli.grant import grant as grant_commands
from clonedetect.cli.key import key as key_commands
from clonedetect.grant.file import read_grant
from clonedetect.grant.keys import fingerprint, new_key, read_public_keys

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Run a command of either group with the exit codes of the real command line."""

    @click.group()
    def root() -> None:
        """Stand where the real group stands."""

    root.add_command(grant_commands)
    root.add_command(key_commands)

    @click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def outer(arguments: tuple[str, ...]) -> None:
        with exit_codes():
            root(list(arguments), prog_name="clonedetect")

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(outer, [*map(str, arguments)])

    return invoke


@pytest.fixture
def path(tmp_path: Path, whole_grant: str) -> Path:
    """A grant that is valid at the time of the test."""
    today = datetime.now(UTC).replace(microsecond=0)
    text = whole_grant.replace("2026-11-01T00:00:00Z", (today - timedelta(days=1)).isoformat())
    text = text.replace("2026-12-01T00:00:00Z", (today + timedelta(days=1)).isoformat())
    path = tmp_path / "grant.toml"
    path.write_text(text)
    return path


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_check_says_of_each_url_what_would_happen(run: Run, path: Path) -> None:
    result = run("grant", "check", path, "https://clone.example/profile/x", "https://evil.example/", "--json")
    assert result.exit_code == 0
    assert lines(result) == [
        {
            "url": "https://clone.example/profile/x",
            "as": "page",
            "permitted": True,
            "rule": "hosts[0] clone.example /profile",
        },
        {
            "url": "https://evil.example/",
            "as": "page",
            "permitted": False,
            "reason": "evil.example is not a granted host",
        },
    ]


@pytest.mark.parametrize(
    ("purpose", "url"),
    [
        ("page", "https://clone.example/profile"),
        ("media", "https://x.img.clone.example/1.jpg"),
        ("api", "https://clone.example/api/v1/x"),
        ("robots", "https://clone.example/robots.txt"),
        ("sitemap", "https://clone.example/sitemap.xml"),
        ("favicon", "https://clone.example/favicon.ico"),
    ],
)
def test_check_asks_for_each_purpose(run: Run, path: Path, purpose: str, url: str) -> None:
    result = run("grant", "check", path, url, "--as", purpose)
    assert result.exit_code == 0
    assert lines(result)[0]["as"] == purpose
    assert lines(result)[0]["permitted"] is True


def test_check_exits_4_when_all_are_refused(run: Run, path: Path) -> None:
    result = run("grant", "check", path, "https://a.example/", "http://clone.example/profile", "not a url")
    assert result.exit_code == 4
    assert [line["permitted"] for line in lines(result)] == [False, False, False]


def test_check_exits_3_for_a_malformed_grant_and_2_without_urls(run: Run, path: Path) -> None:
    assert run("grant", "check", path).exit_code == 2
    assert run("grant", "check", path, "https://clone.example/", "--as", "other").exit_code == 2
    path.write_text(path.read_text() + "[grant.nonsense]\n")
    result = run("grant", "check", path, "https://clone.example/")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "grant.nonsense" in result.stderr
    assert run("grant", "check", path.with_name("absent"), "https://clone.example/").exit_code == 3


def test_check_refuses_an_expired_grant(run: Run, path: Path, whole_grant: str) -> None:
    path.write_text(whole_grant.replace("2026-", "2020-"))
    result = run("grant", "check", path, "https://clone.example/profile")
    assert result.exit_code == 4
    assert lines(result)[0]["reason"] == "the grant ended at 2020-12-01T00:00:00Z"


def test_check_survives_arguments_that_are_not_utf8(path: Path) -> None:
    script = "from clonedetect.cli.grant import grant; grant()"
    result = subprocess.run(
        [sys.executable, "-c", script, "check", path, b"https://clone.example/profile/\xff"],
        capture_output=True,
        check=False,
    )
    assert result.returncode == 4, result.stderr
    assert json.loads(result.stdout)["permitted"] is False


def test_check_is_readable_on_a_terminal(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clonedetect.cli.grant.wants_json", lambda as_json: as_json)
    result = run("grant", "check", path, "HTTPS://clone.example/profile/[x]", "https://evil.example/")
    assert result.exit_code == 0
    assert "permitted  https://clone.example/profile/%5Bx%5D  by hosts[0]" in result.stdout
    assert "refused    https://evil.example/  evil.example is not a granted host" in result.stdout


def test_a_new_grant_is_written_once(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    assert run("grant", "new", path).exit_code == 0
    text = path.read_text()
    assert "[[grant.hosts]]" in text
    assert run("grant", "new", path).exit_code == 3
    assert path.read_text() == text
    assert run("grant", "new", tmp_path / "no" / "new.toml").exit_code == 3


def test_keys_sign_and_countersign_a_grant(run: Run, path: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.pem", tmp_path / "second.pem"
    made = lines(run("key", "new", first))[0]
    assert made == {
        "private": str(first),
        "public": f"{first}.pub.pem",
        "fingerprint": fingerprint(read_public_keys(Path(f"{first}.pub.pem"))[0]),
    }
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    run("key", "new", second)
    signed = run("grant", "sign", path, "--key", first)
    assert signed.exit_code == 0
    assert lines(signed)[0] == {
        "signature": f"{path}.sig",
        "grant": "2026-0117",
        "digest": read_grant(path).grant.digest,
        "signer": made["fingerprint"],
    }
    assert run("grant", "sign", path, "--key", first, "--countersign").exit_code == 4
    assert run("grant", "sign", path, "--key", second, "--countersign").exit_code == 0
    approvers = [key for file in (first, second) for key in read_public_keys(Path(f"{file}.pub.pem"))]
    assert read_grant(path).authorize(approvers).countersigner == fingerprint(approvers[1])


def test_encrypted_keys_take_their_password_from_a_file(run: Run, path: Path, tmp_path: Path) -> None:
    key, password, wrong = tmp_path / "key.pem", tmp_path / "password", tmp_path / "wrong"
    password.write_bytes(b"open sesame\r\nsecond line\n")
    wrong.write_bytes(b"guess\n")
    assert run("key", "new", key, "--password-file", password).exit_code == 0
    assert b"ENCRYPTED" in key.read_bytes()
    refused = run("grant", "sign", path, "--key", key, "--password-file", wrong)
    assert refused.exit_code == 3
    assert "guess" not in refused.output
    assert run("grant", "sign", path, "--key", key, "--password-file", password).exit_code == 0
    (tmp_path / "empty").write_bytes(b"\n")
    assert run("grant", "sign", path, "--key", key, "--password-file", tmp_path / "empty").exit_code == 3


def test_without_a_terminal_nobody_is_asked_for_a_password(run: Run, path: Path, tmp_path: Path) -> None:
    new_key(tmp_path / "key.pem", b"sesame")
    result = run("grant", "sign", path, "--key", tmp_path / "key.pem")
    assert result.exit_code == 2
    assert "--password-file" in result.stderr
    assert run("key", "new", tmp_path / "other.pem", "--encrypt").exit_code == 2
    assert not (tmp_path / "other.pem").exists()


def test_on_a_terminal_the_password_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from clonedetect.cli.key import key; key()", "new", "--encrypt"]
    child = subprocess.Popen(
        [*command, str(tmp_path / "k.pem")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    for _ in range(2):
        while not shown.endswith(b": "):
            shown += os.read(ours, 1)
        os.write(ours, b"open sesame\n")
        shown += b"|"
    with contextlib.suppress(OSError):  # Linux ends a terminal's last reader with EIO
        while more := os.read(ours, 1_000):
            shown += more
    os.close(ours)
    assert child.wait() == 0, shown
    assert b"sesame" not in shown
    assert b"private  " in shown
    assert b"ENCRYPTED" in (tmp_path / "k.pem").read_bytes()


def test_keys_are_never_overwritten(run: Run, tmp_path: Path) -> None:
    assert run("key", "new", tmp_path / "key.pem").exit_code == 0
    before = (tmp_path / "key.pem").read_bytes()
    assert run("key", "new", tmp_path / "key.pem").exit_code == 3
    assert (tmp_path / "key.pem").read_bytes() == before


def test_signing_is_readable_on_a_terminal(
    run: Run, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clonedetect.cli.grant.wants_json", lambda as_json: as_json)
    new_key(tmp_path / "key.pem", None)
    result = run("grant", "sign", path, "--key", tmp_path / "key.pem")
    assert result.exit_code == 0
    assert "signed by sha256:" in result.stdout


@pytest.mark.parametrize(
    "command", [("grant", "new"), ("grant", "sign"), ("grant", "check"), ("key", "new")], ids=" ".join
)
def test_every_command_has_help_with_an_example(run: Run, command: tuple[str, ...]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert f"Example:  clonedetect {' '.join(command)}" in result.stdout
