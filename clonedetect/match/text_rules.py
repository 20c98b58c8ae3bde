"""What the figures of one alignment allow to be said, and why, in sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clonedetect.models.match import TextMeasure, Verdict
from clonedetect.models.settings import TextThresholds

__all__ = ["GATES", "MODEL_MARGIN", "Decision", "Evidence", "decide", "may_corroborate", "score_of"]

GATES = {
    "shared": "several accounts of the platform hold this text, so it is nobody's alone",
    "common phrases": "too little is left once phrases that everybody writes are taken away",
    "repeated": "the text stands on several pages of the site, like an interface string",
    "quotation": "the caption marks these words as a quotation, which others may quote as well",
    "model too small": "the index holds too little text in this language to tell rare wording from common",
}
"""Gate -> the reason it gives; a gated text is never sole evidence."""

_CURABLE_RULES = frozenset({"bits", "gated"})
MODEL_MARGIN = 1.2
"""What confirms must exceed `confirmed_bits` by: a finite model finds text rarer than it is.

Measured on 377 common phrases the model had never seen: at 100 bits 9 % of
them passed with 40,000 characters learned and 7 % with 100,000; with the
margin 2.4 % and 0.8 %.
"""
_SOFT_GATES = frozenset({"model too small"})
_HALF_SCORE_BITS = 60.0
_SLOPE_BITS = 20.0
_POSSIBLE_CEILING = 0.89


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figures of one reference in one block.

    `distinctive_bits` are those of the chain without common phrases.
    """

    bits: float
    distinctive_bits: float
    total_bits: float
    coverage: float
    density: float
    owners: int = 1
    is_repeated: bool = False
    is_quotation: bool = False
    is_model_sufficient: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its rule, gates, score 0-1 and reasons."""

    verdict: Verdict
    rule: str
    gates: tuple[str, ...]
    score: float
    reasons: tuple[str, ...]


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
    5. Less than `coverage` of the post's bits: an excerpt, `possible` from
       `confirmed_bits` on, nothing below.
    6. `confirmed_bits` of distinctive text after the model's margin, and no
       gate: `confirmed`.
    7. Everything else: `possible`, with its gates.
    """
    if evidence.density < thresholds.density:  # 1
        return None
    is_there = evidence.coverage >= thresholds.coverage
    if evidence.total_bits < thresholds.possible_bits:  # 2
        return _inconclusive(evidence, "too short", _too_short(evidence, thresholds)) if is_there else None
    if evidence.bits < thresholds.possible_bits:  # 3
        return None
    if evidence.distinctive_bits < thresholds.possible_bits:  # 4
        return _inconclusive(evidence, "common phrases", GATES["common phrases"]) if is_there else None
    return _judge(evidence, thresholds) if is_there else _excerpt(evidence, thresholds)


def _excerpt(evidence: Evidence, thresholds: TextThresholds) -> Decision | None:
    if evidence.bits < thresholds.confirmed_bits:  # 5
        return None
    return _possible(evidence, "excerpt", _gates(evidence, thresholds))


def _judge(evidence: Evidence, thresholds: TextThresholds) -> Decision:
    gates = _gates(evidence, thresholds)
    if evidence.distinctive_bits >= MODEL_MARGIN * thresholds.confirmed_bits and not gates:  # 6
        return Decision(
            Verdict.CONFIRMED, "bits", (), score_of(evidence.distinctive_bits), (_figures(evidence),)
        )
    return _possible(evidence, "gated" if gates else "bits", gates)  # 7


def score_of(bits: float) -> float:
    """Return the score 0-1 of so many distinctive bits: a half at 60, 0.88 at 100, 0.95 at 120."""
    return round(1.0 / (1.0 + math.exp((_HALF_SCORE_BITS - bits) / _SLOPE_BITS)), 4)


def _gates(evidence: Evidence, thresholds: TextThresholds) -> tuple[str, ...]:
    is_common = evidence.distinctive_bits < MODEL_MARGIN * thresholds.confirmed_bits <= evidence.bits
    closed = {
        "shared": evidence.owners >= 2,
        "common phrases": is_common,
        "repeated": evidence.is_repeated,
        "quotation": evidence.is_quotation,
        "model too small": not evidence.is_model_sufficient,
    }
    return tuple(gate for gate, is_closed in closed.items() if is_closed)


def _possible(evidence: Evidence, rule: str, gates: tuple[str, ...]) -> Decision:
    reasons = [_figures(evidence), *(GATES[gate] for gate in gates)]
    if "model too small" in gates:
        reasons[-1] = (
            f"the text alone is no more than possible: {reasons[-1]}"  # stays true once corroborated
        )
    if rule == "excerpt":
        reasons.append("less than half of the caption stands here")
    score = min(score_of(evidence.distinctive_bits), _POSSIBLE_CEILING)
    return Decision(Verdict.POSSIBLE, rule, gates, score, tuple(reasons))


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
