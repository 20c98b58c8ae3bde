"""What the figures of one alignment allow to be said, and why, in sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from clonedetect.models.match import TextMeasure, Verdict
from clonedetect.models.settings import TextThresholds

__all__ = [
    "CALIBRATION",
    "CAUTIONS",
    "GATES",
    "MODEL_MARGIN",
    "POSSIBLE_CEILING",
    "Decision",
    "Evidence",
    "decide",
    "is_nothing",
    "may_corroborate",
    "score_of",
]

CALIBRATION: Final = "texts-1"
"""The bounds of this module and of `TextThresholds`; another value needs another name."""

GATES = {
    "shared": "several accounts of the platform hold this text, so it is nobody's alone",
    "common phrases": "too little is left once phrases that everybody writes are taken away",
    "repeated": "the text stands on several pages of the site, like an interface string",
    "model too small": "the index holds too little text in this language to tell rare wording from common",
}
"""Gate -> the reason it gives; a gated text is never sole evidence."""

CAUTIONS = {
    "quotation": "the caption marks these words as a quotation, which others may quote as well",
}
"""Caution -> the reason it gives: the words are the item's, but where nothing else speaks against a page, it
is not accused of having them from there (`analysis` keeps the page at possible)."""

MODEL_MARGIN: Final = 1.2
"""What a caption holds must exceed `confirmed_bits` by: a finite model finds text rarer than it is.

Measured on 377 common phrases the model had never seen: at 100 bits 9 % of
them passed with 40,000 characters learned and 7 % with 100,000; with the
margin 2.4 % and 0.8 %.
"""
CUT_COVERAGE: Final = 0.4
"""What a copy cut to three fifths of its length may be left with where it begins with names or tags. Of 1,500
such copies 26 held less than half of the bits; of 31,549 other texts none more is confirmed by two fifths."""
STARTS_WITHIN: Final = 0.1
"""A cut copy leaves at most this share of the caption's bits out in front."""

_CURABLE_RULES = frozenset({"bits", "gated"})
_SOFT_GATES = frozenset({"model too small"})
_HALF_SCORE_BITS = 60.0
_SLOPE_BITS = 20.0
POSSIBLE_CEILING: Final = 0.89
_CONFIRMED_FLOOR = 0.9


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figures of one reference in one block.

    `distinctive_bits` are those of the chain without common phrases,
    `distinctive_total` those of the whole caption; `own_coverage` is the share
    that was found of what stands before an attribution (``-- Name``), and
    `before` the share of the caption in front of the chain. `breaks_off` says
    that an ellipsis stands where the chain ends, and none in the caption.
    """

    bits: float
    distinctive_bits: float
    total_bits: float
    distinctive_total: float
    coverage: float
    density: float
    own_coverage: float = 1.0
    before: float = 0.0
    breaks_off: bool = False
    owners: int = 1
    is_repeated: bool = False
    is_quotation: bool = False
    is_model_sufficient: bool = True

    @property
    def is_cut(self) -> bool:
        """Whether this is the beginning of the caption, and breaks off with an ellipsis."""
        return self.breaks_off and self.before <= STARTS_WITHIN


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its rule, gates, cautions, score 0-1 and reasons."""

    verdict: Verdict
    rule: str
    gates: tuple[str, ...]
    score: float
    reasons: tuple[str, ...]
    cautions: tuple[str, ...] = ()


def may_corroborate(measure: TextMeasure) -> bool:
    """Return whether an independent ground on the same page may turn this `possible` into `confirmed`."""
    return measure.rule in _CURABLE_RULES and not set(measure.gates) - _SOFT_GATES


def decide(evidence: Evidence, thresholds: TextThresholds) -> Decision | None:
    """Return the decision on one alignment, or None where the caption is not there.

    1. Less dense than `density`: a coincidence of short runs, nothing.
    2. A caption under `possible_bits` in all cannot be proven: `inconclusive`
       where `coverage` of it is there, nothing otherwise.
    3. Less than `possible_bits` found: nothing.
    4. Under `possible_bits` without common phrases: `inconclusive`.
    5. Less than `coverage` of the post's bits, or of its own words before an
       attribution, unless it is cut (6b): an excerpt, `possible` from
       `confirmed_bits` on, nothing below.
    6. A caption that holds `confirmed_bits` of distinctive text, and in all the
       model's margin more, is `confirmed`, if no gate is closed, where

       a. `confirmed_coverage` of it stands here, and as large a part of the
          least that a caption must hold; or
       b. it is cut: from its beginning to an ellipsis of the copy's, two fifths
          of it and `possible_bits`, or `confirmed_bits`.
    7. Everything else: `possible`, with its gates.
    """
    if is_nothing(evidence.bits, evidence.total_bits, evidence.density, thresholds):  # 1, 3
        return None
    is_there = _is_cut_copy(evidence, evidence.distinctive_bits, thresholds) or (
        min(evidence.coverage, evidence.own_coverage) >= thresholds.coverage
    )
    if evidence.total_bits < thresholds.possible_bits:  # 2
        return _inconclusive(evidence, "too short", _too_short(evidence, thresholds)) if is_there else None
    if evidence.distinctive_bits < thresholds.possible_bits:  # 4
        return _inconclusive(evidence, "common phrases", GATES["common phrases"]) if is_there else None
    return _judge(evidence, thresholds) if is_there else _excerpt(evidence, thresholds)


def is_nothing(bits: float, total_bits: float, density: float, thresholds: TextThresholds) -> bool:
    """Return whether these figures alone leave nothing to say: rules 1 and 3 of `decide`."""
    return density < thresholds.density or bits < thresholds.possible_bits <= total_bits


def _excerpt(evidence: Evidence, thresholds: TextThresholds) -> Decision | None:
    if evidence.bits < thresholds.confirmed_bits:  # 5
        return None
    return _possible(evidence, "excerpt", _gates(evidence, thresholds))


def _judge(evidence: Evidence, thresholds: TextThresholds) -> Decision:
    gates = _gates(evidence, thresholds)
    rule = _rule(evidence, evidence.distinctive_bits, evidence.distinctive_total, thresholds)
    if not rule or gates:  # 7
        return _possible(evidence, "gated" if gates else "bits", gates)
    cautions = _cautions(evidence)
    reasons = [_figures(evidence), *(CAUTIONS[caution] for caution in cautions)]
    if rule == "cut":
        reasons.insert(1, "it begins where the caption begins and breaks off with an ellipsis")
    score = max(score_of(evidence.distinctive_bits), _CONFIRMED_FLOOR)
    return Decision(Verdict.CONFIRMED, rule, (), score, tuple(reasons), cautions)


def _rule(evidence: Evidence, found: float, held: float, thresholds: TextThresholds) -> str:
    """Return by which part of rule 6 `found` bits of a caption that holds `held` confirm it, "" by none."""
    least = MODEL_MARGIN * thresholds.confirmed_bits
    if held < thresholds.confirmed_bits or evidence.total_bits < least:
        return ""
    share = thresholds.confirmed_coverage
    if evidence.coverage >= share and found >= share * least:  # 6a
        return "bits"
    return "cut" if _is_cut_copy(evidence, found, thresholds) else ""  # 6b


def _is_cut_copy(evidence: Evidence, found: float, thresholds: TextThresholds) -> bool:
    """Return whether a copy that was cut short shows enough by itself: 6b of `decide`."""
    is_much = evidence.coverage >= CUT_COVERAGE and found >= thresholds.possible_bits
    return evidence.is_cut and (is_much or found >= thresholds.confirmed_bits)


def score_of(bits: float) -> float:
    """Return the score 0-1 of so many distinctive bits: a half at 60, 0.88 at 100, 0.95 at 120."""
    return round(1.0 / (1.0 + math.exp((_HALF_SCORE_BITS - bits) / _SLOPE_BITS)), 4)


def _gates(evidence: Evidence, thresholds: TextThresholds) -> tuple[str, ...]:
    would_pass = _rule(evidence, evidence.bits, evidence.total_bits, thresholds)
    passes = _rule(evidence, evidence.distinctive_bits, evidence.distinctive_total, thresholds)
    closed = {
        "shared": evidence.owners >= 2,
        "common phrases": bool(would_pass) and not passes,
        "repeated": evidence.is_repeated,
        "model too small": not evidence.is_model_sufficient,
    }
    return tuple(gate for gate, is_closed in closed.items() if is_closed)


def _cautions(evidence: Evidence) -> tuple[str, ...]:
    return ("quotation",) if evidence.is_quotation else ()


def _possible(evidence: Evidence, rule: str, gates: tuple[str, ...]) -> Decision:
    reasons = [_figures(evidence), *(GATES[gate] for gate in gates)]
    if "model too small" in gates:
        reasons[-1] = (
            f"the text alone is no more than possible: {reasons[-1]}"  # stays true once corroborated
        )
    if rule == "excerpt":
        reasons.append("less than half of the caption stands here")
    cautions = _cautions(evidence)
    reasons += [CAUTIONS[caution] for caution in cautions]
    score = min(score_of(evidence.distinctive_bits), POSSIBLE_CEILING)
    return Decision(Verdict.POSSIBLE, rule, gates, score, tuple(reasons), cautions)


def _inconclusive(evidence: Evidence, rule: str, reason: str) -> Decision:
    gates = (rule,) if rule in GATES else ()
    score = min(score_of(evidence.distinctive_bits), 0.5)
    return Decision(Verdict.INCONCLUSIVE, rule, gates, score, (f"inconclusive: {reason}",))


def _too_short(evidence: Evidence, thresholds: TextThresholds) -> str:
    return (
        f"too short, the caption holds {evidence.total_bits:.0f} bits of information and "
        f"{thresholds.possible_bits:.0f} are the least that text alone can be judged by"
    )


def _figures(evidence: Evidence) -> str:
    return (
        f"{evidence.coverage:.0%} of the caption's information ({evidence.bits:.0f} of "
        f"{evidence.total_bits:.0f} bits) stands here in order; "
        f"{evidence.density:.0%} of the passage is the caption's"
    )
