"""The rehearsal's clone network: two operators, seven sites, and three innocent neighbours.

Each clone site publishes the platform's posts in one of the page shapes that
real clone sites use; what was copied, and how, goes into a truth file that is
read only after the scan has ended.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import msgspec
from PIL import Image

from clonedetect.demo.captions import COMMON, INNOCENT, POSTS, Post
from clonedetect.demo.operators import headers_of, icon_of
from clonedetect.demo.pages import (
    CHALLENGE,
    CopiedPost,
    hydrated_profile,
    lazy_post,
    lazy_profile,
    mirror_profile,
    paged_feed,
    plain_page,
    shell_profile,
    swap_profile,
)
from clonedetect.demo.pictures import INNOCENT_PICTURES, MANIPULATIONS, TEMPLATES, jpeg, photograph
from clonedetect.demo.platform import asset_id, posted_picture
from clonedetect.demo.routes import Network, Route, Site, save

__all__ = ["Expectation", "Truth", "build_network"]

HTML = "text/html; charset=utf-8"
_REQUIRED = {
    "plain copy": "confirmed",
    "thumbnail": "confirmed",
    "recompression": "confirmed",
    "watermark": "confirmed",
    "flip": "confirmed",
    "small": "confirmed",
    "verbatim text": "possible",
}


class Expectation(msgspec.Struct, frozen=True):
    """One copy: on which page, of which item (any of `items`), and what was done to it.

    `required` is the verdict it must at least have: "confirmed", "possible"
    (a caption alone, on an index that knows too little of its language) or "".
    """

    host: str
    page: str
    items: tuple[str, ...]
    kind: str
    manipulation: str
    required: str
    media: str | None = None


class Truth(msgspec.Struct, frozen=True):
    """What was really copied, who is innocent, and who runs which site (``nobody``: each its own)."""

    expectations: tuple[Expectation, ...]
    innocent: tuple[str, ...]
    outcomes: dict[str, str]
    operators: dict[str, str] = {}


@dataclass(slots=True)
class _Builder:
    """Collects one site's routes and bodies."""

    folder: Path
    host: str
    operator: str
    routes: list[Route] = field(default_factory=list)

    def put(
        self, target: str, body: bytes, content_type: str, *, status: int = 200, refusals: int = 0
    ) -> None:
        name = f"bodies/{self.host}-{len(self.routes):03d}"
        (self.folder / name).write_bytes(body)
        self.routes.append(Route(target, name, content_type, status, refusals))

    def page(self, target: str, text: str, *, status: int = 200, refusals: int = 0) -> str:
        self.put(target, text.encode(), HTML, status=status, refusals=refusals)
        return f"http://{self.host}{target}"

    def site(self) -> Site:
        if icon := icon_of(self.host):
            self.put("/favicon.ico", icon, "image/x-icon")
        return Site(self.host, self.operator, tuple(self.routes), headers_of(self.host))


def _posts(*item_ids: str) -> tuple[Post, ...]:
    known = {post.item_id: post for post in POSTS}
    return tuple(known[item_id] for item_id in item_ids)


def _manipulated(post: Post, manipulation: str) -> bytes:
    with Image.open(io.BytesIO(posted_picture(post))) as image:
        return jpeg(MANIPULATIONS[manipulation](image.convert("RGB")), quality=80)


def _caption(post: Post, treatment: str) -> str:
    if treatment == "cut text":
        return post.caption[: len(post.caption) * 7 // 10].rstrip() + "…"
    if treatment == "stripped text":
        words = [word for word in post.caption.split(" ") if not word.startswith(("#", "@"))]
        return " ".join(words).strip()
    return post.caption


@dataclass(slots=True)
class _Ledger:
    """What the truth file will say."""

    expectations: list[Expectation] = field(default_factory=list)

    def picture(self, page: str, media: str, post: Post, manipulation: str) -> None:
        same = tuple(other.item_id for other in POSTS if other.picture == post.picture)
        self._add(page, same, "image", manipulation, media)

    def text(self, page: str, post: Post, treatment: str) -> None:
        self._add(page, (post.item_id,), "text", treatment, None)

    def _add(
        self, page: str, items: tuple[str, ...], kind: str, manipulation: str, media: str | None
    ) -> None:
        host = page.split("/")[2]
        required = _REQUIRED.get(manipulation, "")
        self.expectations.append(Expectation(host, page, items, kind, manipulation, required, media))


def _lazy_site(folder: Path, ledger: _Ledger) -> Site:
    """Lazy images behind placeholders, captions beside them; profile and post pages."""
    build = _Builder(folder, "picvault.example", "north")
    plan = (
        ("p-1001", "plain copy"),
        ("p-2001", "thumbnail"),
        ("p-7001", "recompression"),
        ("p-9001", "frame"),
    )
    links = []
    for item_id, manipulation in plan:
        (post,) = _posts(item_id)
        image = f"/i/{asset_id(post)}_n.jpg"
        build.put(image, _manipulated(post, manipulation), "image/jpeg")
        copied = CopiedPost(post, image, _caption(post, "verbatim text"))
        profile = build.page(f"/profile/{post.handle}", lazy_profile(build.host, copied))
        page = build.page(f"/p/{item_id}/", lazy_post(build.host, copied))
        for url in (profile, page):
            ledger.picture(url, f"http://{build.host}{image}", post, manipulation)
        ledger.text(page, post, "verbatim text")
        links.append(f"/profile/{post.handle}")
    build.page("/", plain_page(build.host, "Photos of everybody", links=links))
    return build.site()


def _mirror_sites(folder: Path, ledger: _Ledger) -> Iterable[Site]:
    """Pictures through a proxy host whose query hides the platform's own URL."""
    build = _Builder(folder, "lumigrarn.example", "north")
    media = _Builder(folder, "media.lumigrarn.example", "north")
    plan = (("p-3001", "watermark"), ("p-4001", "flip"), ("p-6001", "crop"))
    for number, (item_id, manipulation) in enumerate(plan):
        (post,) = _posts(item_id)
        origin = f"https://cdn.lumigram.example/v/t51/{asset_id(post)}_{number}_n.jpg?oe=67A1B2C3"
        if number % 2:
            target = "/get?o=" + base64.urlsafe_b64encode(origin.encode()).decode().rstrip("=")
        else:
            target = "/get?url=" + quote(origin, safe="")
        media.put(target, _manipulated(post, manipulation), "image/jpeg")
        treatment = "cut text" if number == 1 else "verbatim text"
        copied = CopiedPost(post, f"http://{media.host}{target}", _caption(post, treatment))
        page = build.page(f"/v/{post.handle}", mirror_profile(build.host, copied))
        ledger.picture(page, copied.image, post, manipulation)
        ledger.text(page, post, treatment)
    build.page(
        "/", plain_page(build.host, "View anyone", links=[f"/v/{_posts(i)[0].handle}" for i, _ in plan])
    )
    return build.site(), media.site()


def _viewer_site(folder: Path, ledger: _Ledger) -> Site:
    """A single-page viewer over a paged JSON interface."""
    build = _Builder(folder, "storyspy.example", "north")
    plan = (
        ("p-5001", "plain copy"),
        ("p-8001", "thumbnail"),
        ("p-1002", "watermark"),
        ("p-3002", "plain copy"),
    )
    for number, (item_id, manipulation) in enumerate(plan):
        (post,) = _posts(item_id)
        image = f"/m/{item_id}.jpg"
        build.put(image, _manipulated(post, manipulation), "image/jpeg")
        copied = CopiedPost(post, image, _caption(post, "verbatim text"))
        more = f"/api/feed?page={number + 2}" if number + 1 < len(plan) else None
        target = f"/api/feed?page={number + 1}"
        build.put(target, paged_feed(copied, more), "application/json")
        page = f"http://{build.host}{target}"
        ledger.picture(page, f"http://{build.host}{image}", post, manipulation)
        ledger.text(page, post, "verbatim text")
    build.page("/user/everyone", shell_profile(build.host, "/api/feed?page=1"))
    return build.site()


def _hydrated_site(folder: Path, ledger: _Ledger) -> Site:
    """Everything in one hydration blob, next to no markup."""
    build = _Builder(folder, "gramlook.example", "south")
    plan = (
        ("p-1001", "recompression"),
        ("p-6001", "plain copy"),
        ("p-9002", "plain copy"),
        ("p-7001", "small"),
    )
    copies = []
    for item_id, manipulation in plan:
        (post,) = _posts(item_id)
        image = f"/media/{item_id}.jpg?w=1080&f=jpg"
        build.put(image, _manipulated(post, manipulation), "image/jpeg")
        copies.append(CopiedPost(post, image, _caption(post, "verbatim text")))
    page = build.page("/user-profile/collection", hydrated_profile(build.host, copies))
    for (_, manipulation), copied in zip(plan, copies, strict=True):
        ledger.picture(page, f"http://{build.host}{copied.image}", copied.post, manipulation)
        ledger.text(page, copied.post, "verbatim text")
    return build.site()


def _swap_site(folder: Path, ledger: _Ledger) -> Site:
    """Media paths in which every slash of the platform's URL is written as two bars; text-only copies too."""
    build = _Builder(folder, "toppost.example", "south")
    plan = (("p-2001", "flip"), ("p-4001", "dense watermark"), ("p-8001", "crop"), ("p-5001", "frame"))
    texts = (("p-2002", "stripped text"), ("p-4002", "cut text"), ("p-7002", "verbatim text"))
    copies = []
    for item_id, manipulation in plan:
        (post,) = _posts(item_id)
        image = f"/img/https:||||cdn.lumigram.example||v||{asset_id(post)}_n.jpg"
        build.put(image, _manipulated(post, manipulation), "image/jpeg")
        copies.append(CopiedPost(post, image, _caption(post, "stripped text")))
    quoted = [CopiedPost(post, "", _caption(post, how)) for item_id, how in texts for post in _posts(item_id)]
    page = build.page("/tags/best", swap_profile(build.host, [*copies, *quoted]))
    for (_, manipulation), copied in zip(plan, copies, strict=True):
        ledger.picture(
            page, f"http://{build.host}{quote(copied.image, safe='/:')}", copied.post, manipulation
        )
        ledger.text(page, copied.post, "stripped text")
    for (_, how), copied in zip(texts, quoted, strict=True):
        ledger.text(page, copied.post, how)
    return build.site()


def _wall_site(folder: Path, ledger: _Ledger) -> Site:  # noqa: ARG001  every maker has one shape
    """Nothing but a challenge page: not seen is not clear."""
    build = _Builder(folder, "wallcheck.example", "south")
    build.page("/", CHALLENGE, status=403)
    build.page("/p/p-1001/", CHALLENGE)
    return build.site()


def _slow_site(folder: Path, ledger: _Ledger) -> Site:
    """A site that answers 429 with Retry-After before it answers."""
    build = _Builder(folder, "slowpics.example", "south")
    (post,) = _posts("p-9001")
    build.put("/pics/1.jpg", _manipulated(post, "plain copy"), "image/jpeg")
    copied = CopiedPost(post, "/pics/1.jpg", _caption(post, "verbatim text"))
    page = build.page(f"/{post.handle}/", lazy_post(build.host, copied), refusals=1)
    ledger.picture(page, f"http://{build.host}/pics/1.jpg", post, "plain copy")
    ledger.text(page, post, "verbatim text")
    return build.site()


def _innocent_sites(folder: Path) -> Iterable[Site]:
    club = _Builder(folder, "quietlens.example", "nobody")
    rows = []
    for name, caption in zip(INNOCENT_PICTURES, INNOCENT, strict=True):
        club.put(f"/photos/{name}.jpg", jpeg(photograph(name)), "image/jpeg")
        rows.append((f"/photos/{name}.jpg", caption))
    club.page("/", plain_page(club.host, "Camera club", pictures=rows))
    memes = _Builder(folder, "memeboard.example", "nobody")
    rows = []
    for name in INNOCENT_PICTURES:
        for template, draw in TEMPLATES.items():
            target = f"/{template}/{name}.jpg"
            memes.put(target, jpeg(draw(photograph(name))), "image/jpeg")
            rows.append((target, "haha so true"))
    memes.page("/", plain_page(memes.host, "Meme board", pictures=rows))
    cards = _Builder(folder, "greetings.example", "nobody")
    cards.page("/", plain_page(cards.host, "Greetings for every day", paragraphs=list(COMMON)))
    return club.site(), memes.site(), cards.site()


_MAKERS: tuple[Callable[[Path, _Ledger], Site], ...] = (
    _lazy_site,
    _viewer_site,
    _hydrated_site,
    _swap_site,
    _wall_site,
    _slow_site,
)


def build_network(folder: Path, truth: Path) -> Network:
    """Write all bodies and routes below `folder` and the truth to the file `truth`."""
    (folder / "bodies").mkdir(parents=True)
    ledger = _Ledger()
    sites = [make(folder, ledger) for make in _MAKERS]
    sites.extend(_mirror_sites(folder, ledger))
    innocent = list(_innocent_sites(folder))
    network = Network((*sites, *innocent))
    save(network, folder)
    told = Truth(
        tuple(ledger.expectations),
        tuple(site.host for site in innocent),
        {
            "http://wallcheck.example/": "challenge_page",
            "http://wallcheck.example/p/p-1001/": "challenge_page",
        },
        {site.host: site.operator for site in network.sites},
    )
    truth.write_bytes(msgspec.json.format(msgspec.json.encode(told)))
    return network


def seeds(network: Network) -> list[str]:
    """Return the URLs a takedown team would have been told of."""
    listed = {
        "picvault.example": ["/", "/p/p-1001/", "/p/p-2001/", "/p/p-7001/", "/p/p-9001/"],
        "wallcheck.example": ["/", "/p/p-1001/"],
        "storyspy.example": ["/user/everyone"],
        "gramlook.example": ["/user-profile/collection"],
        "toppost.example": ["/tags/best"],
        "slowpics.example": ["/ayse.bahce/"],
    }
    hosts = [site.host for site in network.sites if not site.host.startswith("media.")]
    return [f"http://{host}{path}" for host in hosts for path in listed.get(host, ["/"])]
