"""What the thresholds were measured at, and how a deployment's own depart from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from clonedetect.models.settings import ImageThresholds, TextThresholds

__all__ = ["MEASURED_IN", "TEXTS_MEASURED_IN", "Departure", "departures", "not_calibrated"]

MEASURED_IN: Final = "bc77cb04aebc"
"""The run of docs/accuracy.md that measured the error rates of `ImageThresholds()`; a test holds both."""

TEXTS_MEASURED_IN: Final = "a391d89f961c"
"""The same for `TextThresholds()`."""


class _Loosens(StrEnum):
    """Which way a threshold is loosened; both where template masks hide less on the other side."""

    LOWER = "lower"
    HIGHER = "higher"
    BOTH = "both"


_LOOSENS: Final = MappingProxyType(
    {
        "candidate_radius": _Loosens.BOTH,
        "exact_radius": _Loosens.HIGHER,
        "strong_inliers": _Loosens.LOWER,
        "strong_agree": _Loosens.LOWER,
        "inliers": _Loosens.LOWER,
        "agree": _Loosens.LOWER,
        "largest_disagreement": _Loosens.HIGHER,
        "possible_inliers": _Loosens.LOWER,
        "possible_agree": _Loosens.LOWER,
        "block_ncc": _Loosens.BOTH,
        "possible_bits": _Loosens.LOWER,
        "confirmed_bits": _Loosens.LOWER,
        "coverage": _Loosens.LOWER,
        "density": _Loosens.LOWER,
        "confirmed_coverage": _Loosens.LOWER,
        "account_posts": _Loosens.LOWER,
    }
)


@dataclass(frozen=True, slots=True)
class Departure:
    """A threshold that is not at the `calibrated` value; one that `is_looser` may let more through."""

    name: str
    value: float
    calibrated: float
    is_looser: bool

    def __str__(self) -> str:
        return f"{self.name} {self.value:g} instead of {self.calibrated:g}"


def departures(thresholds: ImageThresholds | TextThresholds) -> tuple[Departure, ...]:
    """Return the thresholds that are not at their calibrated values, in the order of their fields."""
    calibrated = type(thresholds)()
    found = []
    for entry in fields(thresholds):
        value, measured = getattr(thresholds, entry.name), getattr(calibrated, entry.name)
        if value != measured:
            way = _LOOSENS[entry.name]
            is_looser = way is _Loosens.BOTH or (value > measured) == (way is _Loosens.HIGHER)
            found.append(Departure(entry.name, value, measured, is_looser))
    return tuple(found)


def not_calibrated(found: Sequence[Departure]) -> tuple[str, ...]:
    """Return the sentence that says which thresholds are looser than measured, none where none is."""
    looser = ", ".join(str(one) for one in found if one.is_looser)
    return (f"not calibrated: {looser}; the published error rates do not hold",) if looser else ()
