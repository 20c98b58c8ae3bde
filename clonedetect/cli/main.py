"""The ``clonedetect`` command: a group whose commands load when they are called."""

from __future__ import annotations

import importlib
import traceback
from typing import Any

import click

from clonedetect import __version__
from clonedetect.cli.console import exit_codes, stderr
from clonedetect.errors import ExitCode

__all__ = ["cli", "main"]

COMMANDS: dict[str, str] = {
    "index": "index:index",
    "match": "match:match",
    "grant": "grant:grant",
    "key": "key:key",
    "settings": "settings:settings",
    "scan": "scan:scan_command",
    "ingest": "ingest:ingest_command",
    "findings": "findings:findings",
    "decide": "decide:decide",
    "export": "export:export",
    "seal": "seal:seal",
    "notice": "notice:notice",
    "verify": "verify:verify",
    "demo": "demo:demo",
    "doctor": "doctor:doctor",
    "completion": "completion:completion",
}
"""Command name to ``module:attribute`` below ``clonedetect.cli``; loaded lazily, so that help is fast."""


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the command names in the order of a job."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command, or None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"clonedetect.cli.{module}"), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command and end in our exit code, before click makes an interruption or a closed pipe a 1."""
        with exit_codes():
            return super().invoke(ctx)


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="clonedetect")
def cli() -> None:
    """Find republished posts on suspected clone pages, and export evidence of it.

    \b
    A job:  clonedetect index add INDEX posts.jsonl
            clonedetect grant new grant.toml
            clonedetect key new approver.pem
            clonedetect grant sign grant.toml --key approver.pem
            clonedetect scan --grant grant.toml --approvers approver.pem.pub.pem \\
                             --index INDEX --case CASE @urls.txt
            clonedetect findings CASE
            clonedetect export CASE OUT
            clonedetect verify OUT
    """


def main() -> None:
    """Run the command line; errors outside our own tree end in 70."""
    try:
        cli(prog_name="clonedetect")
    except Exception as error:
        stderr().print(traceback.format_exc(), markup=False, soft_wrap=True)
        stderr().print("This is a defect of clonedetect; please report the lines above.")
        raise SystemExit(int(ExitCode.INTERNAL)) from error


if __name__ == "__main__":
    main()
