"""What is said of a page, of each item and account on it, and what kind of page it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clonedetect.models.ids import AccountId, ItemId
from clonedetect.models.match import Ground, Kind, Verdict

__all__ = ["AccountVerdict", "ItemRule", "ItemVerdict", "PageClass", "PageKind", "PageVerdict"]


class PageKind(StrEnum):
    """What a page shows, as far as address, structured data and structure tell."""

    PROFILE = "profile"
    POST = "post"
    STORY = "story"
    HASHTAG = "hashtag"
    LOCATION = "location"
    SEARCH = "search"
    FEED = "feed"
    OTHER = "other"


class PageClass(StrEnum):
    """What a page is to the platform; any but the first two accuses nobody of more than possible.

    `UNCLASSED` holds where nothing of the platform is shown on the page (a name or an id at most),
    and where nobody looked.
    """

    UNCLASSED = "unclassed"
    REPUBLICATION = "republication"
    ALLOWED_DOMAIN = "allowed domain"
    ALLOWED_ITEMS = "allowed items"
    AGGREGATOR = "aggregator"
    SYNDICATION = "syndication"
    FEDERATION = "federation"
    WEB_ARCHIVE = "web archive"
    SEARCH_CACHE = "search cache"
    EMBED = "embed"
    QUOTATION = "quotation"


class ItemRule(StrEnum):
    """What decided on an item on a page."""

    SINGLE = "one confirmed ground"
    INDEPENDENT = "independent grounds agree"
    CORROBORATED = "a possible ground, confirmed by an independent one"
    UNCONFIRMED = "no ground is confirmed"
    CAPPED = "the page is allowed, or no clone"


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What is said of one item on one page: each independent ground once, strongest kind first."""

    item_id: ItemId
    account_id: AccountId | None
    verdict: Verdict
    grounds: tuple[Ground, ...]
    rule: ItemRule
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountVerdict:
    """What is said of one account on one page; `items` are those that count, in order of id.

    Below `confirmed` they are all of the account's items that were found.
    """

    account_id: AccountId
    verdict: Verdict
    grounds: tuple[Ground, ...]
    items: tuple[ItemId, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """What is said of one page, with its grounds and what could not be examined.

    `kinds`, `items` and `accounts` are those of the findings that decided.
    `page_kind_reason` and `page_class_reason` say what told them; the first is
    empty where the page was never looked at for it. `media_examined` counts the
    pictures of the page that were compared, each content once, and
    `media_confirmed` those of them that are confirmed copies; `media_unexamined` counts
    the pictures and videos that could not be compared. Icons are in none of them.
    `copy_of` is the address of another page of the site that says the same, "" if none.
    `supplied` says of each file that it rests on by whom it was supplied; empty where this
    program captured the page itself.
    """

    page_url: str
    verdict: Verdict
    kinds: tuple[Kind, ...] = ()
    items: tuple[ItemId, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    reasons: tuple[str, ...] = ()
    not_examined: tuple[tuple[str, int], ...] = ()
    page_kind: PageKind = PageKind.OTHER
    page_kind_reason: str = ""
    page_class: PageClass = PageClass.UNCLASSED
    page_class_reason: str = ""
    item_verdicts: tuple[ItemVerdict, ...] = ()
    account_verdicts: tuple[AccountVerdict, ...] = ()
    media_examined: int = 0
    media_confirmed: int = 0
    media_unexamined: int = 0
    copy_of: str = ""
    supplied: tuple[str, ...] = ()
