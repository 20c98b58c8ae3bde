"""``clonedetect key``: make a signing key."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from clonedetect.cli.console import emit, json_option, stdout, wants_json
from clonedetect.errors import InputError, UsageError
from clonedetect.grant.keys import (
    Ed25519PrivateKey,
    is_encrypted_key,
    new_key,
    parse_private_key,
    public_key_path,
    read_pem,
)

__all__ = ["key", "password_file_option", "read_signing_key"]

F = TypeVar("F", bound=Callable[..., Any])


def password_file_option(command: F) -> F:
    """Add ``--password-file``."""
    return click.option(
        "--password-file",
        type=click.Path(path_type=Path),
        help="File whose first line is the key's password (asked for on a terminal otherwise).",
    )(command)


def read_signing_key(path: Path, password_file: Path | None) -> Ed25519PrivateKey:
    """Return the private key at `path`, its password from the file or from the terminal.

    Raises UsageError where a password is needed and there is nobody to ask.
    """
    pem = read_pem(path)
    password = None
    if password_file is not None:
        password = _read_password(password_file)
    elif is_encrypted_key(pem):
        password = _ask_password(f"Password of {path}", confirm=False)
    return parse_private_key(pem, name=str(path), password=password)


@click.group()
def key() -> None:
    """Make keys for signing grants and evidence packages."""


@key.command("new")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--encrypt", is_flag=True, help="Ask for a password and encrypt the key under it.")
@password_file_option
@json_option
def new(file: Path, encrypt: bool, password_file: Path | None, as_json: bool) -> None:
    """Make an Ed25519 key: private in FILE (0600), public in FILE.pub.pem.

    Prints the fingerprint to publish. Existing files are never overwritten.

    \b
    Example:  clonedetect key new approver.pem
    """
    password = None
    if password_file is not None:
        password = _read_password(password_file)
    elif encrypt:
        password = _ask_password(f"New password of {file}", confirm=True)
    made = new_key(file, password)
    if wants_json(as_json):
        emit({"private": str(file), "public": str(public_key_path(file)), "fingerprint": made})
        return
    stdout().print(f"private  {file}\npublic   {public_key_path(file)}\n{made}", markup=False, soft_wrap=True)


def _ask_password(prompt: str, *, confirm: bool) -> bytes:
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for the key's password on; use --password-file")
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True)
    return answer.encode("utf-8")


def _read_password(path: Path) -> bytes:
    password = read_pem(path).split(b"\n", 1)[0].removesuffix(b"\r")
    if not password:
        raise InputError(f"{path}: the first line is empty; it should be the key's password")
    return password
