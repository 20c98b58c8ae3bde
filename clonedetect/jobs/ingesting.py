"""The ingest: captures that others made, taken into a case under its grant, and judged like our own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from clonedetect.archive.warc import WarcArchive
from clonedetect.crawl.frontier import Frontier
from clonedetect.crawl.recorder import Recorder
from clonedetect.errors import NotPermittedError
from clonedetect.extract.sandbox import Sandbox
from clonedetect.grant.file import read_grant
from clonedetect.grant.permit import is_open
from clonedetect.grant.terms import Grant
from clonedetect.jobs.acting import acting
from clonedetect.jobs.analysing import analyse_case
from clonedetect.jobs.banks import read_banks
from clonedetect.jobs.examining import Examiner
from clonedetect.jobs.intake import Intake
from clonedetect.jobs.matching import list_files
from clonedetect.jobs.negative import negative_bank
from clonedetect.jobs.opening import open_reference, shortfall
from clonedetect.jobs.scanning import (
    ScanEvent,
    ScanSummary,
    WarningEvent,
    accept,
    approvers_of,
    open_case,
    summary_of,
    tell_all,
)
from clonedetect.jobs.slotting import named_signals
from clonedetect.jobs.stopping import stoppable
from clonedetect.models.calibration import not_calibrated
from clonedetect.models.supplied import NOT_NAMED
from clonedetect.settings.file import read_settings

__all__ = ["IngestRequest", "IngestSummary", "ingest"]


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What was handed over: `files` as `jobs.matching.list_files` takes them, and who gave them.

    `page` is the address of the page that pictures among the files show; `approvers` are
    files of public keys.
    """

    grant: Path
    index: Path
    case: Path
    files: tuple[str, ...]
    approvers: tuple[Path, ...] = ()
    settings: Path | None = None
    by: str = ""
    page: str = ""
    workers: int = 2


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """How the case stands after the ingest, and what became of the files.

    `taken` counts captures that are new, `known` those that were taken in before; `refused`
    and `passed_over` hold (reason or what it was, how many) over these files.
    """

    case: ScanSummary
    files: int
    taken: int
    known: int
    refused: tuple[tuple[str, int], ...]
    passed_over: tuple[tuple[str, int], ...]

    @property
    def is_usable(self) -> bool:
        """Whether anything of the files is in the case."""
        return self.taken + self.known > 0


def ingest(request: IngestRequest, on_event: Callable[[ScanEvent], None]) -> IngestSummary:
    """Take the files into the case and judge what they hold; the same files again add nothing.

    Nothing is asked of any network. Raises NotPermittedError for a grant that is not
    authorized or out of its window, InputError for files, settings or an index that
    cannot be read, LockedError while another process writes the case. KeyboardInterrupt
    after a clean end that SIGINT or SIGTERM asked for.
    """
    began = time.monotonic()
    files = tuple(map(Path, list_files(request.files)))
    chosen = read_settings(request.settings, request.index)
    for text in not_calibrated(chosen.settings.thresholds.departures):
        on_event(WarningEvent(text))
    banks = read_banks(chosen)
    bank = negative_bank(banks.negative)
    signals = named_signals(chosen.settings.signals.active)
    signed = read_grant(request.grant)
    approver = signed.authorize(approvers_of(request.approvers, chosen)).approver
    with open_reference(request.index, signals=signals) as opened:
        missing = shortfall(opened)
    if missing:
        on_event(WarningEvent(missing))
    actor = chosen.settings.signing.actor
    with (
        stoppable() as stop,
        open_case(request.case, signed.grant.case_id, acting(actor)) as (store, custody),
    ):
        accept(store, signed, approver, actor=acting(actor))
        _require_open_window(signed.grant)
        archive = WarcArchive.open(
            store.folder, store.case_id, known=store.archived_until(), custody=custody, now=_now()
        )
        Recorder(store, archive, Frontier(store.database), actor=acting(actor, "ingest")).adopt()
        with Sandbox(1) as sandbox:
            intake = Intake(
                store=store,
                archive=archive,
                actor=acting(actor, "ingest"),
                sandbox=sandbox,
                grant=signed.grant,
                by=request.by or actor or NOT_NAMED,
                page=request.page,
                on_event=on_event,
                stop=stop,
            )
            for path in files:
                if not stop.is_set:
                    intake.take(path)
        if not stop.is_set:
            with (
                open_reference(request.index, signals=signals, background=banks.background) as index,
                Examiner(
                    index, chosen.settings, banks.phrases, workers=request.workers, bank=bank, signals=signals
                ) as examiner,
            ):
                pages = analyse_case(store, index, examiner, banks, now=_now, is_anew=intake.taken > 0)
                tell_all(pages, examiner, on_event, stop)
        if stop.is_set:
            raise KeyboardInterrupt
        seconds = round(time.monotonic() - began, 3)
        return IngestSummary(
            case=replace(summary_of(store, ""), seconds=seconds),
            files=len(files),
            taken=intake.taken,
            known=intake.known,
            refused=tuple(intake.refused.most_common()),
            passed_over=tuple(intake.passed_over.most_common()),
        )


def _now() -> datetime:
    return datetime.now(UTC)


def _require_open_window(grant: Grant) -> None:
    if not is_open(grant, _now()):
        raise NotPermittedError(
            f"grant {grant.grant_id} is in force from {grant.valid_from:%Y-%m-%dT%H:%M:%SZ} "
            f"until {grant.valid_to:%Y-%m-%dT%H:%M:%SZ} only: nothing may be taken in now"
        )
