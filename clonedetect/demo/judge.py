"""Comparing what a scan found with what was really copied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from clonedetect.demo.network import Expectation, Truth

__all__ = [
    "Judgement",
    "SeenCapture",
    "SeenFinding",
    "SeenRelation",
    "SeenSite",
    "Told",
    "judge",
    "read_events",
    "read_sites",
]


class SeenIdentifier(msgspec.Struct, frozen=True):
    """What a finding of an identifier is a ground of."""

    ground: str


class SeenFinding(msgspec.Struct, frozen=True, tag_field="event", tag="finding"):
    """A ``finding`` event of ``scan --json``, as far as the judge looks at it."""

    page_url: str
    item_id: str
    verdict: str
    kinds: tuple[str, ...]
    media_url: str | None = None
    identifier: SeenIdentifier | None = None


class SeenCapture(msgspec.Struct, frozen=True, tag_field="event", tag="capture"):
    """A ``capture`` event."""

    url: str
    outcome: str


class _SeenRefusal(msgspec.Struct, frozen=True, tag_field="event", tag="refusal"):
    url: str


class _SeenSummary(msgspec.Struct, frozen=True, tag_field="event", tag="summary"):
    captures: int


class SeenRelation(msgspec.Struct, frozen=True):
    """A site that seems to have the same operator."""

    site: str
    bits: float


class SeenSite(msgspec.Struct, frozen=True):
    """A row of ``findings --by site --json``, as far as the judge looks at it."""

    site: str
    related: tuple[SeenRelation, ...]


_LINE = msgspec.json.Decoder(SeenFinding | SeenCapture | _SeenRefusal | _SeenSummary)


_RANK = {"": 0, "possible": 1, "confirmed": 2}


@dataclass(frozen=True, slots=True)
class Told:
    """One copy and the best verdict that was said of it ("" for none)."""

    copy: Expectation
    verdict: str

    @property
    def is_required_miss(self) -> bool:
        """Whether less was said than has to be."""
        return _RANK[self.verdict] < _RANK[self.copy.required]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was said of every copy, and of the innocent; `identifiers` counts those found, by ground.

    `families` are the sites that signals of their operators put together, `wrong_relations` pairs of
    different operators among them.
    """

    told: tuple[Told, ...]
    accused: tuple[SeenFinding, ...]
    wrong_outcomes: tuple[str, ...]
    identifiers: tuple[tuple[str, int], ...] = ()
    families: tuple[tuple[str, ...], ...] = ()
    wrong_relations: tuple[tuple[str, str], ...] = ()

    @property
    def required_misses(self) -> tuple[Expectation, ...]:
        """The copies of which less was said than has to be."""
        return tuple(one.copy for one in self.told if one.is_required_miss)

    def count(self, verdict: str) -> int:
        """Return how many copies have this verdict."""
        return sum(one.verdict == verdict for one in self.told)

    @property
    def has_failed(self) -> bool:
        """Whether the rehearsal must end in 1."""
        return bool(self.required_misses or self.accused or self.wrong_outcomes or self.wrong_relations)


def read_events(lines: Iterable[bytes]) -> tuple[tuple[SeenFinding, ...], tuple[SeenCapture, ...]]:
    """Return the findings and captures among the JSON lines of a scan."""
    events = [_LINE.decode(line) for line in lines if line.strip()]
    findings = tuple(event for event in events if isinstance(event, SeenFinding))
    return findings, tuple(event for event in events if isinstance(event, SeenCapture))


def read_sites(lines: Iterable[bytes]) -> tuple[SeenSite, ...]:
    """Return the rows of a table by site."""
    return tuple(msgspec.json.decode(line, type=SeenSite) for line in lines if line.strip())


def judge(
    truth: Truth,
    findings: Iterable[SeenFinding],
    captures: Iterable[SeenCapture],
    sites: Iterable[SeenSite] = (),
) -> Judgement:
    """Compare; anything at all that is said of the innocent, `possible` included, is an accusation.

    Two sites of different operators that are put together, the innocent among them, are a wrong relation.
    """
    said = tuple(findings)
    told = tuple(Told(copy, _best(copy, said)) for copy in truth.expectations)
    innocent = tuple(f"http://{host}/" for host in truth.innocent)
    accused = tuple(finding for finding in said if finding.page_url.startswith(innocent))
    outcomes = {(capture.url, capture.outcome) for capture in captures}
    wrong = tuple(f"{url} is not {how}" for url, how in truth.outcomes.items() if (url, how) not in outcomes)
    named = Counter(finding.identifier.ground for finding in said if finding.identifier is not None)
    pairs = [(one.site, other.site) for one in sites for other in one.related]
    return Judgement(
        told, accused, wrong, tuple(sorted(named.items())), _families(pairs), _wrong_pairs(truth, pairs)
    )


def _families(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Return the groups that pairs make, directly or through others."""
    groups: list[set[str]] = []
    for pair in pairs:
        met = [group for group in groups if group.intersection(pair)]
        groups = [group for group in groups if group not in met] + [set(pair).union(*met)]
    return tuple(sorted(tuple(sorted(group)) for group in groups))


def _wrong_pairs(truth: Truth, pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    runs = truth.operators
    return tuple(
        pair for pair in pairs if runs.get(pair[0]) != runs.get(pair[1]) or runs.get(pair[0]) == "nobody"
    )


def _best(copy: Expectation, said: Iterable[SeenFinding]) -> str:
    verdicts = [finding.verdict for finding in said if _is_of(copy, finding)]
    return max(verdicts, key=lambda verdict: _RANK.get(verdict, 0), default="")


def _is_of(copy: Expectation, finding: SeenFinding) -> bool:
    if finding.page_url != copy.page or finding.item_id not in copy.items:
        return False
    if copy.kind == "image":
        return finding.media_url == copy.media and bool({"image", "exact"} & set(finding.kinds))
    return finding.media_url is None and copy.kind in finding.kinds
