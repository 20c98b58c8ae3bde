"""Drawing pages at random from a list, in a way that anyone can repeat.

The order of the draw is that of SHA-256 over the seed, a line feed and the
address, as ``printf '%s\\n%s' SEED URL | sha256sum`` gives it; the first N are
drawn. No generator's version matters, and a longer draw begins with the shorter one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from clonedetect.errors import InputError, UrlError
from clonedetect.grant.hosts import registrable_domain
from clonedetect.grant.urls import normalise
from clonedetect.models.ids import Digest, digest_of
from clonedetect.models.sample import Sample, order_of

__all__ = ["Frame", "draw", "frame_of", "order_of", "site_of_url"]


@dataclass(frozen=True, slots=True)
class Frame:
    """The list that a sample is drawn from: addresses in normal form, each once, sorted by code point.

    `duplicates` were named again, `unusable` have no normal form; neither is in it.
    """

    urls: tuple[str, ...]
    duplicates: int
    unusable: int

    @property
    def lines(self) -> bytes:
        """The list as its digest is taken: one address a line."""
        return "".join(f"{url}\n" for url in self.urls).encode()

    @property
    def digest(self) -> Digest:
        """The digest of its lines."""
        return digest_of(self.lines)


def frame_of(named: Iterable[str]) -> Frame:
    """Return the frame that `named` addresses make."""
    addresses = [_normal(url) for url in named]
    usable = [url for url in addresses if url]
    urls = sorted(set(usable))
    return Frame(tuple(urls), len(usable) - len(urls), len(addresses) - len(usable))


def draw(named: Iterable[str], seed: str, size: int, *, now: datetime) -> tuple[Sample, bytes]:
    """Return a sample of `size` of the `named` addresses, and the frame's lines.

    Raises InputError where no address is left to draw from, or `seed` is not one line of text.
    """
    if not seed.strip() or not seed.isprintable():
        raise InputError("the seed of a sample is one line of text: give it with --sample-seed")
    frame = frame_of(named)
    if not frame.urls:
        raise InputError("there is no address to draw a sample from")
    drawn = sorted(frame.urls, key=lambda url: (order_of(seed, url), url))[:size]
    sample = Sample(
        seed=seed,
        size=size,
        frame_digest=frame.digest,
        frame_size=len(frame.urls),
        duplicates=frame.duplicates,
        unusable=frame.unusable,
        sites=tuple(sorted(Counter(map(site_of_url, frame.urls)).items())),
        drawn=tuple(drawn),
        drawn_at=now,
    )
    return sample, frame.lines


def site_of_url(url: str) -> str:
    """Return the registrable domain of an address, its host where there is none."""
    host = normalise(url).host
    return registrable_domain(host) or host


def _normal(url: str) -> str:
    """Return the normal form, "" for what has none."""
    try:
        return str(normalise(url))
    except UrlError:
        return ""
