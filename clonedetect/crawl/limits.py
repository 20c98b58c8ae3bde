"""How much and how long the fetcher takes from a server, per purpose."""

from __future__ import annotations

from dataclasses import dataclass

from clonedetect.crawl.inflate import DecodeLimits
from clonedetect.models.capture import Purpose

__all__ = ["Limits"]

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The fetcher's bounds; the defaults are those of the documentation.

    ``*_bytes`` count what the socket gives, ``*_decoded_bytes`` what is left
    after decoding. `fetch_s` counts the network time of all hops of one fetch,
    not the waiting that politeness asks between them. `head_bytes` bounds
    status line and headers, interim responses included, and what may arrive
    together with them. A body past `large_bytes` is read on only while no other such body is.
    """

    connect_s: float = 10.0
    idle_s: float = 15.0
    fetch_s: float = 60.0
    redirects: int = 5
    retry_after_s: float = 3600.0
    page_bytes: int = 4 * _MB
    page_decoded_bytes: int = 16 * _MB
    api_bytes: int = 8 * _MB
    image_bytes: int = 20 * _MB
    video_bytes: int = 20 * _MB
    large_bytes: int = 1 * _MB
    robots_bytes: int = 1 * _MB
    favicon_bytes: int = 1 * _MB
    headers: int = 128
    field_bytes: int = 8_192
    head_bytes: int = 2 * _MB
    url_length: int = 2_083
    decode_ratio: int = 200
    decode_ratio_from_bytes: int = 1 * _MB

    def body_bytes(self, purpose: Purpose) -> int:
        """Return how many bytes of a body are taken; for what is seen to be a video, `video_bytes` are."""
        return {
            Purpose.PAGE: self.page_bytes,
            Purpose.SITEMAP: self.page_bytes,
            Purpose.API: self.api_bytes,
            Purpose.MEDIA: self.image_bytes,
            Purpose.ROBOTS: self.robots_bytes,
            Purpose.FAVICON: self.favicon_bytes,
        }[purpose]

    def decoding(self, purpose: Purpose, stored_bytes: int) -> DecodeLimits:
        """Return how far a body of `stored_bytes` may inflate."""
        if purpose is Purpose.MEDIA:
            bound = self.image_bytes if stored_bytes <= self.image_bytes else self.video_bytes
        else:
            bound = self.page_decoded_bytes
        return DecodeLimits(bound, self.decode_ratio, self.decode_ratio_from_bytes)
