"""``clonedetect notice``: drafts of letters from what a person confirmed; nothing is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from clonedetect.archive.custody import CustodyLog
from clonedetect.case.store import CaseStore
from clonedetect.cli.console import emit, exit_codes, json_option, plain, stderr, stdout, wants_json
from clonedetect.errors import InputError
from clonedetect.evidence.notices.drafts import Drafted, Wanted, draft
from clonedetect.evidence.notices.kinds import Grouping, NoticeKind
from clonedetect.evidence.notices.names import Names
from clonedetect.jobs.acting import acting
from clonedetect.jobs.banks import read_banks
from clonedetect.settings.file import read_settings

__all__ = ["notice"]

MAX_TOLD = 20


@click.command()
@click.argument("case", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in NoticeKind]),
    multiple=True,
    help="Which letters, repeatable; all that can be drafted where it is not given.",
)
@click.option(
    "--by",
    type=click.Choice([by.value for by in Grouping]),
    default=Grouping.HOST.value,
    show_default=True,
    help="One letter for each network address that served material, or for each site.",
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    help="Settings that say who claims ([claimant], [platform]).",
)
@click.option(
    "--hmac-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Name accounts by HMAC-SHA256 under this key, and no handles.",
)
@json_option
def notice(
    case: Path,
    out: Path,
    *,
    kinds: tuple[str, ...],
    by: str,
    settings: Path | None,
    hmac_key: Path | None,
    as_json: bool,
) -> None:
    """Draft letters from the confirmed findings of CASE into the new folder OUT. Nothing is sent.

    Only findings that a person confirmed are spoken of. What only a person can
    say (signature, belief, perjury, fair use) stays blank, and is listed at the
    end of each letter. No DMCA letter without a recorded rights basis.

    \b
    Example:  clonedetect notice CASE NOTICES --settings settings.toml
              clonedetect notice CASE NOTICES --kind dmca --by host --settings settings.toml
    """
    with exit_codes():
        read = read_settings(settings)
        blocked = read_banks(read).blocked
        wanted = Wanted(
            kinds=tuple(kind for kind in NoticeKind if not kinds or kind.value in kinds),
            grouping=Grouping(by),
            names=Names(_key(hmac_key)),
        )
        now = datetime.now(UTC)
        with CaseStore.open(case, custody=CustodyLog.open, now=now) as store:
            drafted = draft(store.contents(), case, out, read.settings, wanted, blocked=blocked)
            if drafted.digest is not None:
                store.custody.append(
                    time=now,
                    actor=acting(read.settings.signing.actor, "notice"),
                    action="notice",
                    grant="",
                    subject=f"notices.json {drafted.digest}",
                )
        _print(drafted, wants_json(as_json))
        if not drafted.drafts:
            raise InputError(f"nothing can be drafted: {len(drafted.left)} refusals, each named above")


def _key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def _print(drafted: Drafted, as_json: bool) -> None:
    if as_json:
        emit(
            {
                "schema": 1,
                "out": str(drafted.path) if drafted.path else None,
                "drafts": msgspec.to_builtins(drafted.drafts),
                "refused": msgspec.to_builtins(drafted.left),
                "confirmed": drafted.confirmed,
                "rejected": drafted.rejected,
                "unsure": drafted.unsure,
                "undecided": drafted.undecided,
                "sent": False,
            }
        )
        return
    console, notes = stdout(), stderr()
    for one in drafted.drafts:
        part = f", part {one.part} of {one.parts}" if one.parts > 1 else ""
        console.print(plain(f"draft      {one.files[0]}: to {one.recipient}{part}"), soft_wrap=True)
    if drafted.path:
        console.print(f"folder     {drafted.path}", markup=False, soft_wrap=True)
        console.print("sent       nothing: a person completes, signs and sends")
    for left in drafted.left[:MAX_TOLD]:
        instead = f"; instead: {', '.join(left.instead)}" if left.instead else ""
        where = f"{left.kind or 'all'} {left.finding_id} (post {left.item_id})"
        notes.print(plain(f"refused    {where}: {left.reason}{instead}"), soft_wrap=True)
    if len(drafted.left) > MAX_TOLD:
        notes.print(f"and {len(drafted.left) - MAX_TOLD} more refusals, all with --json")
    if drafted.undecided:
        notes.print(f"[yellow]not used, for no person looked at them: {drafted.undecided} findings[/]")
