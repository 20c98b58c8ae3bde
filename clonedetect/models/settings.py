"""Settings as values: what the operator may change, with the built-in figures."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TextThresholds"]


@dataclass(frozen=True, slots=True)
class TextThresholds:
    """What a matched text must reach.

    Bits are of the aligned chain; `coverage` and `density` are shares;
    `account_posts` distinct confirmed posts of one account confirm the account.
    """

    possible_bits: float = 60.0
    confirmed_bits: float = 100.0
    coverage: float = 0.5
    density: float = 0.7
    account_posts: int = 3
