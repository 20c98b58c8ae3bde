"""``clonedetect grant``: write, sign and check the file that permits everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from clonedetect.cli.console import emit, json_option, stdout, wants_json
from clonedetect.cli.key import password_file_option, read_signing_key
from clonedetect.errors import ExitCode, InputError
from clonedetect.grant.file import read_grant, sign_grant_file
from clonedetect.grant.keys import fingerprint
from clonedetect.grant.permit import permit
from clonedetect.grant.template import grant_template
from clonedetect.models.capture import Purpose
from clonedetect.models.permit import Permit, Refusal

__all__ = ["grant"]


@click.group()
def grant() -> None:
    """Write, sign and check a grant: the file that says what may be fetched."""


@grant.command("new")
@click.argument("file", type=click.Path(path_type=Path))
def new(file: Path) -> None:
    """Write a commented grant to FILE, to be filled in; an existing file is left alone.

    \b
    Example:  clonedetect grant new grant.toml
    """
    text = grant_template(datetime.now(UTC))
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise InputError(f"{file} exists and is not overwritten; choose another name") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror})") from None
    stdout().print(
        f"wrote {file}; fill it in, then: clonedetect grant check {file} URL", markup=False, soft_wrap=True
    )


@grant.command("sign")
@click.argument("file", metavar="GRANT", type=click.Path(path_type=Path))
@click.option("--key", required=True, type=click.Path(path_type=Path), help="Ed25519 private key, PEM.")
@click.option("--countersign", is_flag=True, help="Sign as the second approver (GRANT.countersig).")
@password_file_option
@json_option
def sign(file: Path, key: Path, countersign: bool, password_file: Path | None, as_json: bool) -> None:
    """Sign the exact bytes of GRANT, and write GRANT.sig (or GRANT.countersig).

    \b
    Example:  clonedetect grant sign grant.toml --key approver.pem
    """
    signing_key = read_signing_key(key, password_file)
    target, signed = sign_grant_file(file, signing_key, countersign=countersign)
    signer = fingerprint(signing_key.public_key())
    if wants_json(as_json):
        emit({"signature": str(target), "grant": signed.grant_id, "digest": signed.digest, "signer": signer})
        return
    stdout().print(
        f"grant {signed.grant_id}, {signed.digest}\nsigned by {signer}\nin {target}",
        markup=False,
        soft_wrap=True,
    )


@grant.command("check")
@click.argument("file", metavar="GRANT", type=click.Path(path_type=Path))
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@click.option(
    "--as",
    "purpose",
    type=click.Choice([purpose.value for purpose in Purpose]),
    default=Purpose.PAGE.value,
    show_default=True,
    help="What the URLs would be fetched as.",
)
@json_option
def check(file: Path, urls: tuple[str, ...], purpose: str, as_json: bool) -> None:
    """Say of each URL whether GRANT permits it now, and by which rule; nothing is connected to.

    Exits 0 when at least one is permitted, 4 when all are refused. Signatures
    are not looked at: a grant is checked before it is signed.

    \b
    Example:  clonedetect grant check grant.toml https://clone.example/profile/x --as page
    """
    checked = read_grant(file).grant
    now = datetime.now(UTC)
    urls = tuple(url.encode("utf-8", "backslashreplace").decode("utf-8") for url in urls)
    answers = [(url, permit(checked, url, Purpose(purpose), now)) for url in urls]
    for url, answer in answers:
        _print_answer(url, answer, as_json=wants_json(as_json))
    if not any(isinstance(answer, Permit) for _, answer in answers):
        raise SystemExit(int(ExitCode.NOT_PERMITTED))


def _print_answer(url: str, answer: Permit | Refusal, *, as_json: bool) -> None:
    detail = {"rule": answer.rule} if isinstance(answer, Permit) else {"reason": answer.reason}
    if as_json:
        permitted = isinstance(answer, Permit)
        emit({"url": url, "as": answer.purpose.value, "permitted": permitted, **detail})
    elif isinstance(answer, Permit):
        stdout().print(f"permitted  {answer.url}  by {answer.rule}", markup=False, soft_wrap=True)
    else:
        stdout().print(f"refused    {url}  {answer.reason}", markup=False, soft_wrap=True)
