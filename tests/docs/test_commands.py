"""Every command has help, and stands in docs/commands.md with an example that the command line accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from clonedetect.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _commands(child, (*path, name))
    else:
        yield path


def _examples(page: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    lines = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line for line in lines if line.startswith("clonedetect ")]


ALL = sorted(_commands(cli))
EXAMPLES = sorted({(page.name, line) for page in PAGES for line in _examples(page)})


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_command_has_help(path: tuple[str, ...]) -> None:
    answer = CliRunner().invoke(cli, [*path, "--help"])
    assert answer.exit_code == 0
    assert len(answer.output.splitlines()) > 4


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_each_command_has_an_example(path: tuple[str, ...]) -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert re.search(rf"clonedetect {' '.join(path)}\b", page)


@pytest.mark.parametrize(("page", "line"), EXAMPLES, ids=lambda value: str(value)[:60])
def test_each_documented_line_is_understood(page: str, line: str) -> None:
    words = shlex.split(re.sub(r" [>|] .*", "", line), comments=True)[1:]
    context, command = click.Context(cli), cli
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"{page}: there is no command {name}"
        command, context = found, click.Context(found, info_name=name)
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False
    command.make_context(command.name, words, resilient_parsing=False)
