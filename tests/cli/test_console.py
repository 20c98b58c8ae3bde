"""What all commands share: codes, messages as they are, results on one stream and errors on the other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from clonedetect.cli import main as main_module
from clonedetect.cli.console import exit_codes
from clonedetect.cli.main import cli, main
from clonedetect.errors import (
    ClonedetectError,
    DependencyError,
    GrantError,
    IncompleteError,
    InputError,
    NotPermittedError,
    UsageError,
    VerificationError,
)
from tests.jobs.playground import command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (InputError("x"), 3),
        (GrantError("x"), 3),
        (NotPermittedError("x"), 4),
        (DependencyError("x"), 5),
        (VerificationError("x"), 6),
        (IncompleteError("x"), 7),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_ends_in_its_code(error: BaseException, code: int, capsys) -> None:
    with pytest.raises(SystemExit) as ended, exit_codes():
        raise error
    assert ended.value.code == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err in ("error: x\n", "interrupted\n")


@pytest.mark.parametrize(
    "message",
    [
        "settings.toml:100: [claimant] name: nothing",
        r"a path C:\[bold]x[/bold] and [/] and [Errno 28]",
        "pip install 'clonedetect[demo]'",
        "a:key:b " + "long " * 60 + "end",
    ],
)
def test_a_message_is_printed_as_it_is_on_one_line(message: str, capsys) -> None:
    with pytest.raises(SystemExit), exit_codes():
        raise InputError(message)
    assert capsys.readouterr().err == f"error: {message}\n"


def test_what_is_no_error_of_ours_passes() -> None:
    with pytest.raises(ZeroDivisionError), exit_codes():
        raise ZeroDivisionError


def _command_that(raises: BaseException) -> click.Command:
    @click.command()
    def broken() -> None:
        raise raises

    return broken


@pytest.fixture
def broken(monkeypatch):
    """Make `clonedetect doctor` raise what a test says."""

    def install(error: BaseException) -> None:
        monkeypatch.setattr("clonedetect.cli.doctor.doctor", _command_that(error))
        monkeypatch.setattr(sys, "argv", ["clonedetect", "doctor"])

    return install


def test_a_defect_is_shown_with_its_place_and_ends_in_70(broken, capsys) -> None:
    broken(RuntimeError("what [nobody] thought of"))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert "RuntimeError: what [nobody] thought of" in err
    assert "defect of clonedetect" in err


@pytest.mark.parametrize(
    ("error", "code"),
    [(KeyboardInterrupt(), 130), (NotPermittedError("no"), 4), (ClonedetectError("odd"), 70)],
    ids=["interrupted", "refused", "base"],
)
def test_the_command_ends_in_our_code_and_not_in_clicks(broken, error, code) -> None:
    broken(error)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code


def test_a_reader_that_goes_away_is_no_error() -> None:
    program = (
        "import clonedetect.cli.doctor as d, click, sys, time\n"
        "from clonedetect.cli.console import emit\n"
        "from clonedetect.cli.main import main\n"
        "@click.command()\n"
        "def many():\n"
        "    for number in range(100_000):\n"
        "        emit({'n': number})\n"
        "d.doctor = many\n"
        "sys.argv = ['clonedetect', 'doctor']\n"
        "main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert json.loads(child.stdout.readline()) == {"n": 0}
        child.stdout.close()
        err = child.stderr.read()
    assert (child.returncode, err) == (0, b"")


def test_no_command_shows_help_and_a_wrong_one_is_a_usage_error() -> None:
    assert "index" in command("--help").out
    wrong = command("scna")
    assert wrong.code == 2
    assert "scna" in wrong.err


def test_the_list_of_commands_is_that_of_the_modules() -> None:
    context = click.Context(cli)
    assert cli.list_commands(context) == list(main_module.COMMANDS)
    assert all(cli.get_command(context, name) is not None for name in main_module.COMMANDS)
    assert cli.get_command(context, "none") is None


def test_the_version_is_told() -> None:
    from clonedetect import __version__

    assert __version__ in command("--version").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script_for_each_shell(shell: str) -> None:
    ended = command("completion", shell)
    assert ended.code == 0
    assert "_CLONEDETECT_COMPLETE" in ended.out
    assert f"{shell}_complete" in ended.out


def test_other_shells_have_none() -> None:
    assert command("completion", "tcsh").code == 2


def test_the_script_s_question_is_answered_with_our_commands(monkeypatch) -> None:
    environment = {
        "_CLONEDETECT_COMPLETE": "bash_complete",
        "COMP_WORDS": "clonedetect sc",
        "COMP_CWORD": "1",
    }
    answer = CliRunner(env=environment).invoke(cli, prog_name="clonedetect")
    assert answer.stdout.splitlines() == ["plain,scan"]


def test_an_object_is_one_line_with_sorted_keys(capfdbinary) -> None:
    from clonedetect.cli.console import emit

    emit({"b": Path("x").name, "a": "é\n"})
    assert capfdbinary.readouterr().out == '{"a":"é\\n","b":"x"}\n'.encode()
