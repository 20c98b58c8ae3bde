"""Where a finding stands on its page: the entry, and what else stands at the very same place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clonedetect.models.match import Finding, Ground, Kind, Match
from clonedetect.signals.normalise import normalise

__all__ = ["PAGE_ADDRESS", "Placed", "grounds_of", "is_picture", "is_within", "places_of"]

PAGE_ADDRESS = "url"
"""The locator of what stands in the page's own address."""

_PICTURES = frozenset({Kind.EXACT, Kind.IMAGE, Kind.VIDEO})
_GROUNDS = {
    Kind.EXACT: Ground.EXACT,
    Kind.IMAGE: Ground.IMAGE,
    Kind.VIDEO: Ground.VIDEO,
    Kind.TEXT: Ground.TEXT,
}
_STEPS = frozenset("/[.#@~$")
_SAME_PLACE = 0.5
"""Share of the smaller of two regions of one picture from which on both are one place."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding, the locator of what was matched, and the entry that this stands in ("" for none)."""

    finding: Finding
    locator: str
    entry: str

    @property
    def match(self) -> Match:
        """The match of the finding."""
        return self.finding.match


def is_picture(match: Match) -> bool:
    """Return whether a match was made on the bytes of a picture or video."""
    return bool(_PICTURES & set(match.kinds))


def grounds_of(matches: Iterable[Match]) -> tuple[Ground, ...]:
    """Return the kinds of ground of `matches`, each once and in the order of `Ground`."""
    found: set[Ground] = set()
    for match in matches:
        found.update(_GROUNDS[kind] for kind in match.kinds if kind in _GROUNDS)
        if match.identifier is not None:
            found.add(match.identifier.ground)
    return tuple(ground for ground in Ground if ground in found)


def is_within(locator: str, path: str) -> bool:
    """Return whether `locator` is `path`, or a step below it."""
    if not path or not locator.startswith(path):
        return False
    return len(locator) == len(path) or locator[len(path)] in _STEPS


def places_of(findings: Sequence[Finding]) -> tuple[int, ...]:
    """Return a number for each finding; those that stand at one and the same place share it.

    One picture however often it is shown is one place, and so is a part of it
    that two posts match; one passage is one place whether it stands in the
    caption or in the picture's alternative text.
    """
    numbers: list[int] = []
    regions: dict[str, list[tuple[Box | None, int]]] = {}
    passages: dict[str, int] = {}
    for finding in findings:
        fresh = len(numbers)
        if is_picture(finding.match):
            known = regions.setdefault(finding.content_digest, [])
            box = _box(finding.match)
            number = next((number for other, number in known if _is_same(box, other)), fresh)
            known.append((box, number))
        else:
            number = passages.setdefault(_passage(finding), fresh)
        numbers.append(number)
    return tuple(numbers)


def _box(match: Match) -> Box | None:
    points = [point for region in match.regions for point in region.polygon]
    if not points:
        return None
    across, down = zip(*points, strict=True)
    return min(across), min(down), max(across), max(down)


def _is_same(one: Box | None, other: Box | None) -> bool:
    if one is None or other is None:
        return True
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min(_area(one), _area(other))
    return wide > 0 and high > 0 and wide * high >= _SAME_PLACE * smaller


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _passage(finding: Finding) -> str:
    """Return the matched passage in normal form; the whole block where no span is known."""
    spans = [region.span for region in finding.match.regions if region.span is not None]
    text = finding.quoted_text
    if spans and text:
        text = text[min(start for start, _ in spans) : max(end for _, end in spans)]
    return normalise(text).text or finding.finding_id
