"""Reasons that are asked about later, and the order in which they are told where there is no room for all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from clonedetect.models.match import Verdict

__all__ = ["DECODER_STOPPED", "PARSER_STOPPED", "limits_first", "was_stopped"]

PARSER_STOPPED: Final = "the parser was stopped"
DECODER_STOPPED: Final = "the picture decoder was stopped"
"""How it begins why something was not examined whose worker was killed."""

_FIGURES: Final = re.compile(
    r"\d+ keypoints agree on one transform"
    r"|\d+% of \d+ textured blocks agree, the largest"
    r"|PDQ hashes \d+ of 256 bits apart"
    r"|proposed by \S+ at distance"
    r"|\d+% of the caption's information \("
    r"|the whole caption stands in the text"
    r"|exactly the bytes we hold"
)
"""How reasons begin that speak for a match; all others say what stands against it."""


def limits_first(verdict: Verdict, reasons: Sequence[str]) -> tuple[str, ...]:
    """Return `reasons`, below `confirmed` with those first that kept the verdict there."""
    if verdict is Verdict.CONFIRMED:
        return tuple(reasons)
    return tuple(sorted(reasons, key=lambda reason: _FIGURES.match(reason) is not None))


def was_stopped(reason: str) -> bool:
    """Return whether something was not examined because its worker was killed."""
    return reason.startswith((PARSER_STOPPED, DECODER_STOPPED))
