"""The page shapes of real clone sites, as functions from copied posts to HTML or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import msgspec

from clonedetect.demo.captions import Post
from clonedetect.demo.operators import dressing_of

__all__ = [
    "CHALLENGE",
    "CopiedPost",
    "hydrated_profile",
    "lazy_post",
    "lazy_profile",
    "mirror_profile",
    "paged_feed",
    "plain_page",
    "shell_profile",
    "swap_profile",
]

_PLACEHOLDER = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@dataclass(frozen=True, slots=True)
class CopiedPost:
    """A post as a clone shows it: picture URL ("" for none) and the caption after its treatment."""

    post: Post
    image: str
    caption: str


CHALLENGE = """<!doctype html><html lang="en"><head><title>Just a moment...</title>
<meta name="robots" content="noindex,nofollow"><meta http-equiv="refresh" content="390"></head>
<body><div class="main-wrapper" role="main"><h1>wallcheck.example</h1>
<p>Verifying you are human. This may take a few seconds.</p>
<noscript>Enable JavaScript and cookies to continue</noscript>
<form id="challenge-form" action="/?__chl_tk=a1" method="POST"><input type="hidden" name="md"></form>
<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script></div></body></html>
"""


def _document(host: str, title: str, body: str, head: str = "") -> str:
    dressing = dressing_of(host)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} - {host}</title>'
        f"{dressing.head}{head}</head><body><header>{host}</header>{dressing.above}"
        f"<main>{body}</main>{dressing.below}</body></html>"
    )


def lazy_profile(host: str, copied: CopiedPost) -> str:
    """Return a profile whose grid shows placeholders until a script swaps them."""
    cell = (
        f'<div class="grid-item"><a href="/p/{copied.post.item_id}/"><img class="lazy" src="{_PLACEHOLDER}" '
        f'data-src="{escape(copied.image)}" alt=""></a></div>'
    )
    intro = (
        f"<h1>@{copied.post.handle}</h1><p>Posts, reels and stories of {copied.post.handle}, no login.</p>"
    )
    return _document(host, copied.post.handle, f'{intro}<section class="grid">{cell}</section>')


def lazy_post(host: str, copied: CopiedPost) -> str:
    """Return a post page: srcset with a comma in its URL list, the caption in a sibling."""
    image = escape(copied.image)
    body = (
        f'<article><div class="photo"><img src="{_PLACEHOLDER}" data-original="{image}" '
        f'data-srcset="{image} 640w, {image} 1080w"></div>'
        f'<div class="photo-description">{escape(copied.caption)}</div>'
        '<ul class="meta"><li>1,204 likes</li><li>86 comments</li><li>2 days ago</li></ul></article>'
    )
    return _document(host, "Post", body)


def mirror_profile(host: str, copied: CopiedPost) -> str:
    """Return a profile whose pictures come through a proxy, the caption in the picture's alt text."""
    image = escape(copied.image)
    head = f'<meta property="og:image" content="{image}">'
    body = (
        f'<h1>{copied.post.handle}</h1><picture><source srcset="{image}" type="image/jpeg">'
        f'<img src="{image}" alt="{escape(copied.caption)}"></picture>'
        f'<a class="btn" href="{image}">Download</a>'
    )
    return _document(host, copied.post.handle, body, head)


def shell_profile(host: str, feed: str) -> str:
    """Return the shell of a single-page viewer that asks an interface for everything."""
    body = f'<div id="app" data-next="{escape(feed)}"></div><script src="/static/app.js"></script>'
    return _document(host, "Story viewer", body)


def paged_feed(copied: CopiedPost, more: str | None) -> bytes:
    """Return one page of the viewer's JSON interface."""
    entry = {
        "shortcode": copied.post.item_id,
        "type": "image",
        "display_url": copied.image,
        "caption": copied.caption,
        "owner": {"username": copied.post.handle},
    }
    return msgspec.json.encode({"items": [entry], "has_next": more is not None, "next": more})


def hydrated_profile(host: str, copies: Sequence[CopiedPost]) -> str:
    """Return a page whose only content is one hydration blob."""
    posts = [
        {
            "id": copied.post.item_id,
            "thumbnail_src": copied.image,
            "edge_media_to_caption": {"edges": [{"node": {"text": copied.caption}}]},
        }
        for copied in copies
    ]
    blob = msgspec.json.encode(
        {"props": {"pageProps": {"posts": posts}}, "page": "/user-profile/[name]"}
    ).decode()
    blob = blob.replace("&", "\\u0026").replace("</", "<\\/")
    body = f'<div id="__next"></div><script id="__NEXT_DATA__" type="application/json">{blob}</script>'
    return _document(host, "Collection", body)


def swap_profile(host: str, copies: Sequence[CopiedPost]) -> str:
    """Return a tag page of cards; cards without a picture are text alone."""
    cards = []
    for copied in copies:
        picture = f'<img loading="lazy" src="{escape(copied.image)}">' if copied.image else ""
        cards.append(
            f'<div class="card">{picture}<p class="txt">{escape(copied.caption)}</p><b>Share</b></div>'
        )
    return _document(host, "Best posts", f'<h1>#best</h1><div class="cards">{"".join(cards)}</div>')


def plain_page(
    host: str,
    title: str,
    *,
    links: Sequence[str] = (),
    pictures: Sequence[tuple[str, str]] = (),
    paragraphs: Sequence[str] = (),
) -> str:
    """Return an ordinary page of links, captioned pictures and paragraphs."""
    body = [f"<h1>{escape(title)}</h1>"]
    body += [f'<p><a href="{escape(link)}">{escape(link.strip("/"))}</a></p>' for link in links]
    body += [
        f'<figure><img src="{escape(image)}"><figcaption>{escape(caption)}</figcaption></figure>'
        for image, caption in pictures
    ]
    body += [f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs]
    return _document(host, title, "".join(body))
