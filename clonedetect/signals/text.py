"""The signals of one text: normalised form, exact digest, winnowed grams, MinHash."""

from __future__ import annotations

from clonedetect.models.ids import Digest, digest_of
from clonedetect.models.signal import Algorithm, TextSignals
from clonedetect.signals.fingerprints import gram_hashes, minhash, minhash_algorithm, winnow, winnow_algorithm
from clonedetect.signals.normalise import Normalised, normalise, normaliser

__all__ = ["Normalised", "exact_digest", "normalise", "signals_of", "text_algorithms", "text_signals"]


def exact_digest(normalised: str) -> Digest:
    """Return the digest by which equal normalised texts are found."""
    return digest_of(normalised.encode())


def signals_of(normalised: str) -> TextSignals:
    """Return all signals of a text that is already normalised."""
    grams = gram_hashes(normalised)
    return TextSignals(normalised, exact_digest(normalised), winnow(grams), minhash(grams))


def text_signals(raw: str) -> TextSignals:
    """Return all signals of a raw text."""
    return signals_of(normalise(raw).text)


def text_algorithms() -> tuple[Algorithm, ...]:
    """Return what makes these signals; an index that stores others must be built again."""
    return (normaliser(), winnow_algorithm(), minhash_algorithm())
