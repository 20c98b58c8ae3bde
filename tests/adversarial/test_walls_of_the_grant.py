"""No connection leaves the grant, whatever a granted page says; and the run goes on."""

from __future__ import annotations

from collections.abc import Callable

from clonedetect.grant.urls import normalise
from tests.adversarial.arena import Arena, Host, page, redirect, reply

JPEG = reply(b"\xff\xd8\xff\xe0" + b"\0" * 60, "image/jpeg")


def honeypot(port: int = 0) -> Host:
    """A host that would answer everything, on an address that no grant here names."""
    return Host("honeypot.example", {"/": page("caught")}, address="127.0.0.2", port=port)


def leading_to(trap: Host) -> tuple[str, ...]:
    """Every spelling of the honeypot's address that some parser takes for another one."""
    port = trap.port
    return (
        "http://honeypot.example/",
        "//honeypot.example/",
        "http:\\\\honeypot.example/",
        "/\\honeypot.example/",
        "///honeypot.example/",
        "http:///honeypot.example/",
        "http:/honeypot.example/../..//honeypot.example/",
        "http://clone.example@honeypot.example/",
        "http://clone.example%40honeypot.example/",
        "http://clone.example:80@honeypot.example:80/",
        "http://honeypot.example\\@clone.example/",
        "http://honeypot.example#@clone.example/",
        "http://honeypot.example?@clone.example/",
        "http://HONEYPOT.EXAMPLE./",
        "http://ｈoneypot.example/",
        "http://honeypot。example/",
        "http://honey&#9;pot.example/",
        "h\nttp://honeypot.example/",
        " \thttp://honeypot.example/",
        "http://sub.clone.example.honeypot.example/",
        f"http://127.0.0.2:{port}/",
        f"http://127.2:{port}/",
        f"http://2130706434:{port}/",
        f"http://0x7f000002:{port}/",
        f"http://0177.0.0.2:{port}/",
        f"http://[::ffff:127.0.0.2]:{port}/",
        f"http://[::ffff:7f00:2]:{port}/",
        f"http://[64:ff9b::7f00:2]:{port}/",
        f"http://[::127.0.0.2]:{port}/",
        f"http://127.0.0.2.nip.io:{port}/",
        f"http://clone.example:{port}/",
        f"http://localhost:{port}/",
    )


def embeddings(url: str) -> str:
    """Return `url` in every construct from which a reader might fetch."""
    return f"""
    <a href="{url}">x</a> <a href="{url}a.jpg">x</a> <a ping="{url}" rel="next" href="{url}n">x</a>
    <img src="{url}a.jpg"> <img srcset="{url}b.jpg 1x, {url}c.jpg 2x"> <img data-src="{url}d.jpg">
    <picture><source srcset="{url}e.webp"></picture> <video src="{url}v.mp4" poster="{url}p.jpg"></video>
    <iframe src="{url}frame"></iframe> <iframe srcdoc="<img src='{url}s.jpg'>"></iframe>
    <object data="{url}o.jpg"></object> <embed src="{url}e.jpg"> <input type="image" src="{url}i.jpg">
    <link rel="next" href="{url}l"> <link rel="preload" as="image" href="{url}pl.jpg">
    <link rel="stylesheet" href="{url}c.css"> <link rel="icon" href="{url}f.ico">
    <link rel="manifest" href="{url}m.json"> <script src="{url}s.js"></script>
    <meta property="og:image" content="{url}og.jpg"> <meta http-equiv="refresh" content="0;url={url}r">
    <div style="background:url({url}bg.jpg)" data-next="{url}next" data-api="{url}api"></div>
    <style>@import "{url}i.css"; b {{ background: url({url}st.jpg) }}</style>
    <form action="{url}form"><button>x</button></form> <base href="{url}">
    <script type="application/json">{{"img": "{url}j.jpg", "next": "{url}jn", "api_url": "{url}ja"}}</script>
    """


def test_nothing_that_a_granted_page_names_reaches_a_host_outside(arena: Callable[..., Arena]) -> None:
    trap = honeypot()
    site = arena(Host("clone.example", {}), trap)
    clone = site.hosts["clone.example"]
    for number, url in enumerate(leading_to(trap)):
        clone.replies[f"/{number}"] = page(embeddings(url))
    clone.replies["/"] = page("".join(f'<a href="/{n}">x</a>' for n in range(len(leading_to(trap)))))
    grant = site.grant(rules={"clone.example": 'role = "page"\napi_prefixes = ["/"]'})

    site.scan(grant, "http://clone.example/")

    assert trap.connections == 0
    assert {f"/{number}" for number in range(len(leading_to(trap)))} <= set(clone.asked)
    assert {normalise(capture.url).host for capture in site.contents.captures} == {"clone.example"}


def test_no_redirect_leads_outside_whatever_is_asked_for(arena: Callable[..., Arena]) -> None:
    trap = honeypot()
    site = arena(Host("clone.example", {}), Host("robots.example", {}), trap)
    clone, bots = site.hosts["clone.example"], site.hosts["robots.example"]
    spellings = [url for url in leading_to(trap) if "\n" not in url and url.isascii()]
    for number, url in enumerate(spellings):
        clone.replies[f"/{number}"] = redirect(url, (301, 302, 303, 307, 308)[number % 5])
        clone.replies[f"/{number}.jpg"] = redirect(url)
        clone.replies[f"/{number}.json"] = redirect(url)
    links = "".join(
        f'<a href="/{n}">x</a><img src="/{n}.jpg"><div data-api="/{n}.json"></div>'
        for n in range(len(spellings))
    )
    clone.replies["/"] = page(links)
    bots.replies |= {"/robots.txt": redirect(f"http://127.0.0.2:{trap.port}/robots.txt"), "/": page("hidden")}
    rules = {"clone.example": 'role = "page"\napi_prefixes = ["/"]', "robots.example": 'role = "page"'}

    site.scan(site.grant(rules=rules), "http://robots.example/", "http://clone.example/")

    assert trap.connections == 0
    told = site.outcomes()
    ends = {
        told[f"http://clone.example/{n}{kind}"]
        for n in range(len(spellings))
        for kind in ("", ".jpg", ".json")
    }
    assert ends <= {"blocked_scope", "redirected_away", "protocol_error", "redirect_loop", "gone", "ok"}
    assert (
        told[f"http://clone.example/{spellings.index(f'http://127.0.0.2:{trap.port}/')}"] == "redirected_away"
    )
    assert bots.asked == ["/robots.txt"]  # rules that are not known allow nothing


def test_a_host_granted_for_media_serves_what_is_embedded_and_no_link(arena: Callable[..., Arena]) -> None:
    site = arena(
        Host(
            "clone.example",
            {
                "/": page(
                    '<img src="http://media.example/shown.jpg"><a href="http://media.example/linked.jpg">x</a>'
                    '<a href="http://media.example/page">x</a><iframe src="http://media.example/frame"></iframe>'
                    '<a href="/own.jpg">x</a>'
                    '<a href="http://media.example/both.jpg"><img src="http://media.example/both.jpg"></a>'
                ),
                "/own.jpg": JPEG,
            },
        ),
        Host(
            "media.example",
            {
                "/shown.jpg": JPEG,
                "/both.jpg": JPEG,
                "/linked.jpg": JPEG,
                "/page": page(""),
                "/frame": page(""),
            },
        ),
    )
    rules = {"clone.example": 'role = "page"', "media.example": 'role = "media"'}

    site.scan(site.grant(rules=rules), "http://clone.example/", "http://media.example/page")

    assert site.hosts["media.example"].asked == ["/robots.txt", "/shown.jpg", "/both.jpg"]
    assert "/own.jpg" in site.hosts["clone.example"].asked
