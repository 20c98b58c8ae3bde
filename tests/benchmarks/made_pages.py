"""Pages as clone sites and innocent sites make them, of texts given, with all their furniture.

Everything is drawn from the random generator that is given, so that equal seeds give
equal pages. The furniture is made up; no text of a person is in it.
"""

from __future__ import annotations

import html
import json
import random
from collections.abc import Sequence

__all__ = ["KINDS", "page"]

KINDS = ("profile", "post", "tag", "search")

_ACTIONS = ("Download", "Share", "View profile", "Copy link", "Save", "Report")
_TAGS = ("sunset", "streetfood", "vintage", "running", "harbour", "ceramics", "garden", "trail")
_NAMES = ("mira", "joel", "tama", "okan", "lena", "pavel", "sana", "iris", "noor", "felix")
_PRAISE = ("so nice!", "wow", "where is this?", "love it love it")
_FOOTER = "This site is not affiliated with any network. Privacy Terms Contact Removal requests"
_NAVIGATION = ("Home", "Top users", "Popular tags", "Trending now", "Locations", "About")


def page(kind: str, texts: Sequence[str], rng: random.Random) -> bytes:
    """Return the HTML of a page of this kind that shows `texts`, one an entry, in UTF-8."""
    name = f"{rng.choice(_NAMES)}.{rng.randrange(10_000)}"
    entries = "".join(_entry(text, name, rng) for text in texts)
    state = json.dumps(
        {"page": kind, "items": [{"id": rng.randrange(10**17), "caption": text} for text in texts]}
    )
    hidden = f'<script type="application/json" id="state">{state}</script>' if rng.random() < 0.3 else ""
    title = {"profile": f"@{name} photos and videos", "post": f"Photo by @{name}"}.get(
        kind, f"#{rng.choice(_TAGS)}"
    )
    first = html.escape(texts[0][:150]) if texts and kind == "post" else f"See what {name} shared"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="description" content="{first}"><meta property="og:title" content="{title}">'
        f"<style>.c{rng.randrange(999)}{{color:#222}}</style><script>window.q=[{rng.randrange(99)}]</script></head><body>"
        f"<header><nav><ul>{_list(_NAVIGATION)}</ul></nav></header><h1>{title}</h1>{_counts(rng)}"
        f"<aside><ul>{_list(rng.sample(_TAGS, 5), '#')}</ul></aside><main>{entries}</main>{hidden}"
        f"<footer><p>{_FOOTER}</p></footer></body></html>"
    ).encode()


def _entry(text: str, name: str, rng: random.Random) -> str:
    shown = html.escape(text).replace("\n", "<br>")
    praise = [(rng.choice(_NAMES), rng.randrange(99), rng.choice(_PRAISE)) for _ in range(rng.randrange(3))]
    comments = "".join(f'<li class="note"><b>{who}{number}</b> {said}</li>' for who, number, said in praise)
    actions = "".join(f'<a href="/{rng.randrange(99)}">{word}</a>' for word in rng.sample(_ACTIONS, 3))
    return (
        f'<article class="card x{rng.randrange(16**6):06x}"><a href="/m/{rng.randrange(10**18)}">'
        f'<img data-src="/i/{rng.randrange(10**9)}.jpg" alt="{html.escape(text[:100])}"></a>'
        f'<div class="meta"><span>@{name}</span><span>{rng.randrange(9999)} likes</span>'
        f"<time>{rng.randrange(1, 50)} weeks ago</time></div><p>{shown}</p>"
        f'<div class="bar">{actions}</div><ul>{comments}</ul></article>'
    )


def _list(words: Sequence[str], sign: str = "") -> str:
    return "".join(f'<li><a href="/{word.lower()}">{sign}{word}</a></li>' for word in words)


def _counts(rng: random.Random) -> str:
    return (
        f"<p>{rng.randrange(900)} posts {rng.randrange(90_000)} followers {rng.randrange(900)} following</p>"
    )
