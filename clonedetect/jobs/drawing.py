"""Which of the addresses that an operator names are asked for: all of them, or a recorded sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from clonedetect.analysis.sampling import draw, frame_of
from clonedetect.case.rows import known_pages, pages_by_priority
from clonedetect.case.store import CaseStore
from clonedetect.crawl.order import reason_of
from clonedetect.models.ids import digest_of
from clonedetect.models.sample import PageDraw

__all__ = ["SampleRequest", "draw_seeds", "keep_page_draw"]


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """How many addresses are to be drawn, and by which seed."""

    size: int
    seed: str


def draw_seeds(
    store: CaseStore, named: Sequence[str], asked: SampleRequest | None, *, now: datetime, actor: str
) -> tuple[Sequence[str], str]:
    """Return the addresses to start from, and a sentence on them, "" where all that were named are.

    A sample that is drawn is recorded first. A case that holds one keeps it:
    the same list named again, with or without asking for a sample, gives the same
    addresses. Raises UsageError for another sample of a case that holds one,
    InputError where there is nothing to draw from.
    """
    held = store.sample()
    if asked is None:
        if held is None or not named or frame_of(named).digest != held.frame_digest:
            return named, ""
        sample = held
    else:
        drawn, frame = draw(named, asked.seed, asked.size, now=now)
        store.put_sample(drawn, frame, actor=actor)
        sample = store.sample() or drawn
    told = f"the case's sample: {len(sample.drawn)} of {sample.frame_size} addresses, seed {sample.seed}"
    told += f"; {sample.duplicates} were named again" if sample.duplicates else ""
    told += f"; {sample.unusable} are no web addresses" if sample.unusable else ""
    return sample.drawn, told


def keep_page_draw(store: CaseStore, *, seed: str, stopped_by: str, now: datetime, actor: str) -> PageDraw:
    """Record which of the known pages a crawl asked for that ended at its cap of pages, and return it."""
    counts: dict[str, tuple[int, int]] = {}
    for priority, asked, known in pages_by_priority(store.database):
        reason = reason_of(priority)
        before = counts.get(reason, (0, 0))
        counts[reason] = (before[0] + asked, before[1] + known)
    frame = "".join(f"{url}\n" for url in known_pages(store.database)).encode()
    draw = PageDraw(
        seed=seed,
        asked=sum(asked for asked, _ in counts.values()),
        known=sum(known for _, known in counts.values()),
        frame_digest=digest_of(frame),
        strata=tuple((reason, *numbers) for reason, numbers in counts.items()),
        stopped_by=stopped_by,
        drawn_at=now,
    )
    store.put_page_draw(draw, frame, actor=actor)
    return draw
