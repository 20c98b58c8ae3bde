"""Page addresses for posts that an API answer names by shortcode, made as the site makes its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from clonedetect.crawl.shapes import shape_of
from clonedetect.crawl.spelling import spelling_of

__all__ = ["CODE", "pages_for"]

CODE = "{code}"
"""The placeholder of a shortcode in a shape."""


def pages_for(codes: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses that posts have by their `codes`, in their order; none where none can be told.

    `known` are addresses that the site itself linked. The shape of most of them
    counts, and only one in which the code is the one thing that differs
    between posts (``/p/{code}/``, not ``/{name}/p/{code}``): of two equally frequent the first.
    """
    shapes: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for url in map(spelling_of, known):
        shape = shape_of(url)
        if shape.count("{") == 1 and CODE in shape.split("/") and "?" not in url:
            counts[shape] += 1
            shapes.setdefault(shape, url)
    if not counts:
        return ()
    (shape, _), *_ = counts.most_common(1)
    parts = urlsplit(shapes[shape])
    segments = parts.path.split("/")
    place = shape.split("/").index(CODE)
    made = (
        parts._replace(path="/".join([*segments[:place], code, *segments[place + 1 :]])).geturl()
        for code in codes
    )
    return tuple(dict.fromkeys(made))
