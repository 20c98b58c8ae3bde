"""Nobody is accused of what is not theirs: everything here has an innocent reading."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clonedetect.demo.captions import POSTS
from clonedetect.demo.pictures import jpeg, photograph
from clonedetect.evidence.rows import By
from clonedetect.evidence.tables import rows_by
from clonedetect.jobs.analysing import PageDone
from clonedetect.jobs.scanning import ScanEvent
from clonedetect.models.verdict import PageVerdict
from tests.adversarial.arena import Arena, Host, page, redirect, reply

PHOTOGRAPH = jpeg(photograph("chelsea"))
JPEG = reply(PHOTOGRAPH, "image/jpeg")
SAID = POSTS[0].caption
SHOWN = page('<img src="/cat.jpg">')

Scene = Callable[..., Arena]


def the_cat(site: Arena, **more: object) -> dict[str, object]:
    """An item with one photograph, as an index row."""
    path = site.picture("cat.jpg", PHOTOGRAPH)
    return {"item_id": "cat", "account_id": "owner", "media": [{"path": path}], **more}


def verdicts(site: Arena) -> dict[str, PageVerdict]:
    """What stands of each page."""
    return {one.page_url: one for one in site.contents.verdicts}


def test_the_photograph_itself_is_confirmed(arena: Scene) -> None:
    """Without this, everything below could pass because nothing is ever found."""
    site = arena(Host("clone.example", {"/": SHOWN, "/cat.jpg": JPEG}))

    site.scan(site.grant(), "http://clone.example/", index=site.index([the_cat(site)]))

    assert verdicts(site)["http://clone.example/"].verdict == "confirmed"


def test_an_address_that_leads_to_another_site_is_not_accused_of_what_that_site_shows(arena: Scene) -> None:
    site = arena(
        Host("links.example", {"/x": redirect("http://www.clone.example/p"), "/own": page("of its own")}),
        Host("www.clone.example", {"/p": SHOWN, "/cat.jpg": JPEG}),
    )

    index = site.index([the_cat(site)])
    site.scan(site.grant(), "http://links.example/x", "http://links.example/own", index=index)

    told = {url: str(one.verdict) for url, one in verdicts(site).items()}
    assert told == {
        "http://links.example/x": "inconclusive",
        "http://links.example/own": "none",
        "http://www.clone.example/p": "confirmed",
    }
    assert {finding.page_url for finding in site.contents.findings} == {"http://www.clone.example/p"}
    sites = {row.site: row.verdict for row in rows_by(site.contents, By.SITE)}
    assert sites == {"links.example": "inconclusive", "clone.example": "confirmed"}
    pages = {row.page_url: row.outcome for row in rows_by(site.contents, By.PAGE)}
    assert set(pages.values()) == {"ok"}


def test_an_allow_listed_site_is_shown_and_not_accused_by_whatever_way_it_was_reached(arena: Scene) -> None:
    site = arena(
        Host("clone.example", {"/x": redirect("http://partner.example/")}),
        Host("partner.example", {"/": page(f'<img src="/cat.jpg"><p>{SAID}</p>'), "/cat.jpg": JPEG}),
    )
    settings = site.folder / "settings.toml"
    settings.write_text('[allow]\ndomains = ["partner.example"]\n')
    index = site.index([the_cat(site, caption=SAID)])

    site.scan(site.grant(), "http://clone.example/x", index=index, settings=settings)

    told = verdicts(site)
    assert told["http://partner.example/"].verdict == "possible"
    assert "allow list" in told["http://partner.example/"].reasons[0]
    assert {str(finding.match.verdict) for finding in site.contents.findings} == {"possible"}
    assert told["http://clone.example/x"].verdict == "inconclusive"


def test_an_item_is_not_confirmed_on_a_domain_that_its_own_entry_allows(arena: Scene) -> None:
    replies = {"/": SHOWN, "/cat.jpg": JPEG}
    names = ("museum.example", "shop.museum.example", "notmuseum.example")
    site = arena(*(Host(name, dict(replies)) for name in names))
    index = site.index([the_cat(site, allowed_domains=["museum.example"])])

    site.scan(site.grant(), *(f"http://{name}/" for name in names), index=index)

    told = verdicts(site)
    assert told["http://museum.example/"].verdict == "possible"
    assert told["http://shop.museum.example/"].verdict == "possible"
    assert told["http://notmuseum.example/"].verdict == "confirmed"


def test_a_caption_that_two_accounts_hold_is_nobodys_even_beside_a_confirmed_picture(arena: Scene) -> None:
    body = page(f'<img src="/cat.jpg"><article><p>{SAID}</p></article>')
    site = arena(Host("clone.example", {"/": body, "/cat.jpg": JPEG}))
    others = [{"item_id": name, "account_id": name, "caption": SAID} for name in ("first", "second")]
    index = site.index([the_cat(site), {"item_id": "text", "account_id": "owner", "caption": SAID}, *others])

    site.scan(site.grant(), "http://clone.example/", index=index)

    texts = [one.match for one in site.contents.findings if one.match.text is not None]
    assert texts
    assert {str(match.verdict) for match in texts} == {"possible"}


class StoppedError(Exception):
    """The analysis was ended from outside."""


def test_an_interrupted_analysis_ends_with_the_verdicts_of_an_uninterrupted_one(arena: Scene) -> None:
    foot = f"<footer><p>{SAID}</p></footer>"
    pages = {f"/{n}": page(f"<article>Visitor number {n} was here</article>{foot}") for n in range(8)}
    site = arena(Host("club.example", pages))
    index = site.index([{"item_id": "1", "account_id": "a", "caption": SAID}])
    grant = site.grant()
    site.scan(grant, *(f"http://club.example{path}" for path in pages))

    def stop(event: ScanEvent) -> None:
        if isinstance(event, PageDone) and event.pages == 5:
            raise StoppedError

    with pytest.raises(StoppedError):
        site.scan(grant, index=index, crawl=False, on_event=stop)
    site.scan(grant, index=index, crawl=False)

    gates = [finding.match.text.gates for finding in site.contents.findings if finding.match.text]
    assert len(gates) == len(pages)
    assert all("repeated" in one for one in gates)
