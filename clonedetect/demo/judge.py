"""Comparing what a scan found with what was really copied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from clonedetect.demo.network import Expectation, Truth

__all__ = ["Judgement", "SeenCapture", "SeenFinding", "judge", "read_events"]


class SeenFinding(msgspec.Struct, frozen=True, tag_field="event", tag="finding"):
    """A ``finding`` event of ``scan --json``, as far as the judge looks at it."""

    page_url: str
    item_id: str
    verdict: str
    kinds: tuple[str, ...]
    media_url: str | None = None


class SeenCapture(msgspec.Struct, frozen=True, tag_field="event", tag="capture"):
    """A ``capture`` event."""

    url: str
    outcome: str


class _SeenRefusal(msgspec.Struct, frozen=True, tag_field="event", tag="refusal"):
    url: str


class _SeenSummary(msgspec.Struct, frozen=True, tag_field="event", tag="summary"):
    captures: int


_LINE = msgspec.json.Decoder(SeenFinding | SeenCapture | _SeenRefusal | _SeenSummary)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Every copy under found or missed, and what was said of the innocent."""

    found: tuple[Expectation, ...]
    missed: tuple[Expectation, ...]
    accused: tuple[SeenFinding, ...]
    wrong_outcomes: tuple[str, ...]

    @property
    def required_misses(self) -> tuple[Expectation, ...]:
        """The copies that have to be found and were not."""
        return tuple(copy for copy in self.missed if copy.required)

    @property
    def has_failed(self) -> bool:
        """Whether the rehearsal must end in 1."""
        return bool(self.required_misses or self.accused or self.wrong_outcomes)


def read_events(lines: Iterable[bytes]) -> tuple[tuple[SeenFinding, ...], tuple[SeenCapture, ...]]:
    """Return the findings and captures among the JSON lines of a scan."""
    events = [_LINE.decode(line) for line in lines if line.strip()]
    findings = tuple(event for event in events if isinstance(event, SeenFinding))
    return findings, tuple(event for event in events if isinstance(event, SeenCapture))


def judge(truth: Truth, findings: Iterable[SeenFinding], captures: Iterable[SeenCapture]) -> Judgement:
    """Compare; only `confirmed` counts as found, and anything said of the innocent as an accusation."""
    said = tuple(findings)
    confirmed = {
        (finding.page_url, finding.item_id, kind, finding.media_url if kind == "image" else None)
        for finding in said
        if finding.verdict == "confirmed"
        for kind in ("image" if "exact" in finding.kinds else "", *finding.kinds)
    }
    found: list[Expectation] = []
    missed: list[Expectation] = []
    for copy in truth.expectations:
        keys = {(copy.page, item, copy.kind, copy.media) for item in copy.items}
        (found if keys & confirmed else missed).append(copy)
    innocent = {f"http://{host}/" for host in truth.innocent}
    accused = tuple(finding for finding in said if finding.page_url.startswith(tuple(innocent)))
    outcomes = {(capture.url, capture.outcome) for capture in captures}
    wrong = tuple(f"{url} is not {how}" for url, how in truth.outcomes.items() if (url, how) not in outcomes)
    return Judgement(tuple(found), tuple(missed), accused, wrong)
