"""How sure a share of a random sample is, with what was not seen counted both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["Z95", "Interval", "bounded_share", "clustered_share", "wilson"]

Z95: Final = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A share's lower and upper bound, 0-1."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.1%} to {self.high:.1%}"


def wilson(share: float, asked: float) -> Interval:
    """Return Wilson's 95 % interval of `share` of `asked` trials (Wilson, 1927); 0-1 where none was asked."""
    if asked <= 0:
        return Interval(0.0, 1.0)
    spread = Z95 * Z95 / asked
    centre = (share + spread / 2) / (1 + spread)
    half: float = Z95 * (share * (1 - share) / asked + spread / (4 * asked)) ** 0.5 / (1 + spread)
    return Interval(min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)))


def bounded_share(hits: int, unknown: int, asked: int, *, is_census: bool = False) -> Interval:
    """Return the interval of a share of which `unknown` of `asked` trials were not seen.

    The lower bound counts all of them as misses, the upper one as hits, each with
    Wilson's interval around it; a census has no error of sampling, and only what was not seen widens it.
    """
    if asked <= 0:
        return Interval(0.0, 1.0)
    least, most = hits / asked, (hits + unknown) / asked
    if is_census:
        return Interval(least, most)
    return Interval(wilson(least, asked).low, wilson(most, asked).high)


def clustered_share(groups: Sequence[tuple[int, int, int]]) -> Interval:
    """Return the interval of a share of things that stand in groups: pictures on pages.

    A group is (hits, unknown, size), `size` with the unknown. Groups were
    drawn, not things, and those of one group are alike: Wilson's interval is
    taken at the effective number of trials that the ratio's variance between
    groups leaves (Cochran, Sampling Techniques, 1977, 6.3 and 12.2), never more than
    there are things, nor than groups where all are of one kind. Unknown ones count both ways.
    """
    least = _ratio([(hits, size) for hits, _, size in groups])
    most = _ratio([(hits + unknown, size) for hits, unknown, size in groups])
    return Interval(wilson(*least).low, wilson(*most).high)


def _ratio(groups: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return the share over all groups and the number of independent trials that it is worth."""
    filled = [group for group in groups if group[1]]
    count, total = len(filled), sum(size for _, size in filled)
    if not total:
        return 0.0, 0.0
    share = sum(hits for hits, _ in filled) / total
    if count < 2 or share in {0.0, 1.0}:
        return share, count
    deviations = sum((hits - share * size) ** 2 for hits, size in filled)
    variance = deviations * count / (count - 1) / total**2
    return share, min(total, share * (1 - share) / variance) if variance else count
