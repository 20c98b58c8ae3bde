"""The thresholds that decide, per signal, with the figures they were measured at.

Rooms that confirm take these as arguments; ``clonedetect.settings`` reads them
from a file. Distances are Hamming bits of 256, shares are 0-1, text is weighed
in bits of information.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ImageThresholds", "TextThresholds"]


@dataclass(frozen=True, slots=True)
class ImageThresholds:
    """What a pair of pictures must show to be confirmed, or to be shown to people.

    A hash within `candidate_radius` makes a candidate, and no distance confirms;
    within `exact_radius` the reason calls it a near copy (PDQ at 48: 0 false in
    25.5 million pairs; 31 is the radius others exchange hashes at).

    Confirmed (R6): `strong_inliers` and `strong_agree`, or `inliers` and `agree`
    with no contiguous disagreeing region over `largest_disagreement`. Possible
    (R1): `possible_inliers` and `possible_agree`. A block agrees when its
    normalised cross-correlation is over `block_ncc`. Inliers are counts of
    keypoints, the shares are of textured aligned blocks, unmasked content only.
    """

    candidate_radius: int = 48
    exact_radius: int = 31
    strong_inliers: int = 40
    strong_agree: float = 0.4
    inliers: int = 15
    agree: float = 0.8
    largest_disagreement: float = 0.08
    possible_inliers: int = 12
    possible_agree: float = 0.5
    block_ncc: float = 0.55


@dataclass(frozen=True, slots=True)
class TextThresholds:
    """What an alignment must carry to be confirmed, or to be shown to people.

    Bits are information under the index's model. `possible_bits` is the least of
    an aligned chain, less one a gap character, that is shown to people; posts
    under it are too short to be told. `confirmed_bits` is the least that a
    caption must hold of its own for text alone to prove it, and
    `confirmed_coverage` the share of it, and of that least, that must be found.
    `coverage` is the share of the post's bits below which only an excerpt stands
    there, `density` that of the chain within its span. `account_posts` distinct
    confirmed posts of one account on a page confirm the account.
    """

    possible_bits: float = 60.0
    confirmed_bits: float = 100.0
    coverage: float = 0.5
    density: float = 0.7
    confirmed_coverage: float = 0.6
    account_posts: int = 3
