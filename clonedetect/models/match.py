"""Compared pairs of a query and an item, their measures, and where they were seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from clonedetect.models.calibration import Departure
from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, RecordId, TextId
from clonedetect.models.page import IdentifierKind
from clonedetect.models.settings import ImageThresholds, TextThresholds
from clonedetect.models.standing import ItemStanding

__all__ = [
    "Finding",
    "Ground",
    "IdentifierMeasure",
    "ImageMeasure",
    "Kind",
    "Match",
    "Region",
    "RegionKind",
    "TextMeasure",
    "Verdict",
]


class Verdict(StrEnum):
    """What is said of a pair or a page; `none` only after looking at all of it."""

    CONFIRMED = "confirmed"
    POSSIBLE = "possible"
    NONE = "none"
    INCONCLUSIVE = "inconclusive"


class Kind(StrEnum):
    """The independent kinds of ground a verdict can stand on."""

    EXACT = "exact"
    IMAGE = "image"
    TEXT = "text"
    VIDEO = "video"
    IDENTIFIER = "identifier"


class Ground(StrEnum):
    """The independent pieces of evidence that page, account and site verdicts list."""

    EXACT = "exact bytes"
    IMAGE = "image"
    TEXT = "text"
    VIDEO = "video"
    NATIVE_ID = "native id"
    HANDLE = "handle"
    HOTLINK = "hotlink"


class RegionKind(StrEnum):
    """What a region is measured in."""

    IMAGE = "image"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Region:
    """Where on the query the matched content stands.

    An image region is a polygon in pixels after EXIF orientation, origin top
    left; a text region is a span [start, end) in code points of the raw text
    of `block`.
    """

    kind: RegionKind
    polygon: tuple[tuple[float, float], ...] = ()
    span: tuple[int, int] | None = None
    block: str = ""


@dataclass(frozen=True, slots=True)
class ImageMeasure:
    """The figures of one geometric check.

    `agree` is the share of textured aligned blocks whose correlation passes
    the threshold, `largest_disagreement` the largest contiguous disagreeing
    share, both over unmasked content; `homography` maps the reference picture
    to the query, both in full-size pixels, row by row (9 numbers); `blocks`
    is the agreement map as rows of one character a block (``+`` agrees, ``-``
    disagrees, ``.`` flat, ``#`` masked, ``x`` laid over, blank outside); `other_accounts` counts
    the other accounts of the index that publish this picture as a whole;
    `calibration` names the bounds that were applied, whose error rates were measured in the
    run `calibration_run` and are published under that name; `thresholds` are those
    that the deployment set, and `departures` which of them are not the calibrated ones;
    `gates` say why the picture tells little of whose it is (``shared``, ``bank``, ``low
    content``, ``masked``), which no other ground on the page cures.
    """

    media_id: MediaId
    reference_digest: Digest | None
    inliers: int
    agree: float
    largest_disagreement: float
    masked_share: float
    homography: tuple[float, ...] = ()
    mirrored: bool = False
    blocks: tuple[str, ...] = ()
    points: tuple[tuple[float, float, float, float], ...] = ()
    hash_distance: int | None = None
    hash_view: str = ""
    hash_form: str = ""
    rule: str = ""
    other_accounts: int = 0
    calibration: str = ""
    calibration_run: str = ""
    thresholds: ImageThresholds | None = None
    departures: tuple[Departure, ...] = ()
    gates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextMeasure:
    """The figures of one alignment: information bits of the chain, and the gates.

    Spans are code points of the raw texts; `coverage` is the share of the
    post's bits found, `density` of the chain within its span, `owners` how
    many accounts hold this text in the index. `distinctive_bits` are those of
    the chain without common phrases; `gates` kept the text from being sole
    evidence, `cautions` are shown and keep a page without other grounds from
    being accused. `calibration` names the bounds that were applied, whose error
    rates were measured in the run `calibration_run`; `thresholds` are those that
    the deployment set, and `departures` which of them are not the calibrated ones.
    """

    text_id: TextId
    bits: float
    total_bits: float
    coverage: float
    density: float
    owners: int
    query_spans: tuple[tuple[int, int], ...] = ()
    reference_spans: tuple[tuple[int, int], ...] = ()
    gates: tuple[str, ...] = ()
    model: str = ""
    rule: str = ""
    distinctive_bits: float | None = None
    cautions: tuple[str, ...] = ()
    calibration: str = ""
    calibration_run: str = ""
    thresholds: TextThresholds | None = None
    departures: tuple[Departure, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentifierMeasure:
    """One identifier of an item or account of the index, as the page has it.

    `value` is the identifier in the platform's spelling, `seen` as it stands
    on the page, `locator` where. `created_at` is the time a numeric id or
    shortcode carries, `expires_at` when the signature of a media URL ends.
    `entry` is the repeated sibling it stands in, "" for none.
    `is_mention` says that the page speaks of the account or leads to the post,
    which whoever writes about them does; `is_ambiguous` that others may well use the same
    value; `is_contradicted` that the time the id carries is not the item's.
    """

    ground: Ground
    kind: IdentifierKind
    value: str
    seen: str
    locator: str
    created_at: datetime | None = None
    expires_at: datetime | None = None
    entry: str = ""
    is_mention: bool = False
    is_ambiguous: bool = False
    is_contradicted: bool = False

    @property
    def is_ground(self) -> bool:
        """Whether it may count for a verdict."""
        return not (self.is_mention or self.is_ambiguous or self.is_contradicted)

    @property
    def names_item(self) -> bool:
        """Whether it tells the post; a handle or account tells none of an account's posts from the others."""
        return self.kind not in (IdentifierKind.HANDLE, IdentifierKind.ACCOUNT)


@dataclass(frozen=True, slots=True)
class Match:
    """One exactly compared pair of query and item, with its decision.

    `score` is 0-1; `distance` Hamming bits of the best hash or None.
    """

    item_id: ItemId
    account_id: AccountId | None
    permalink: str | None
    verdict: Verdict
    kinds: tuple[Kind, ...]
    score: float
    distance: int | None
    reasons: tuple[str, ...]
    regions: tuple[Region, ...] = ()
    image: ImageMeasure | None = None
    text: TextMeasure | None = None
    identifier: IdentifierMeasure | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A match where it was seen: page, media and the records that prove it.

    `page_record_id` is the page's capture, `record_id` the record the matched
    bytes are in (the media's for a picture, the page's for text). `finding_id`
    is stable over repeated analysis of the same records. `standing` is who could see
    the item when the page was captured; None in cases that were analysed before it was noted.
    """

    finding_id: str
    page_url: str
    media_url: str | None
    page_record_id: RecordId
    record_id: RecordId
    content_digest: Digest
    quoted_text: str
    match: Match
    standing: ItemStanding | None = None
