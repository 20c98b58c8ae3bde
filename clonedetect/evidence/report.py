"""The report: one HTML file that a lawyer reads, a printer prints, and no hostile page can speak through.

Everything foreign is escaped, isolated and shown as text; pictures are decoded
and drawn anew; the page's own policy forbids scripts and every outside address.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache

from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup

from clonedetect.errors import MediaError
from clonedetect.evidence.exhibits import Exhibit, Selection, unreviewed
from clonedetect.evidence.grounds import Grounds, accounts_of, grounds_of, standing_sentences
from clonedetect.evidence.marking import excerpt, marked, visible
from clonedetect.evidence.pictures import Picture, data_url, redrawn
from clonedetect.evidence.rows import AccountRow, By
from clonedetect.evidence.shipped import shipped_bytes
from clonedetect.evidence.supplied import captures_by_record, file_sentence, finding_origins
from clonedetect.evidence.tables import rows_by
from clonedetect.evidence.unseen import unseen
from clonedetect.evidence.view import site_of
from clonedetect.evidence.words import CLASSES, GLOSSARY, KINDS, OUTCOMES, VERDICTS
from clonedetect.match.sheet import comparison_strip, polygon_through
from clonedetect.models.capture import Capture
from clonedetect.models.case import CaseContents, GrantFile, ReferenceCopy
from clonedetect.models.ids import Digest, ItemId, RecordId
from clonedetect.models.match import Match, RegionKind, Verdict
from clonedetect.models.sample import told_of_pages
from clonedetect.models.verdict import ItemVerdict, PageClass

__all__ = ["ObjectReader", "render"]

ObjectReader = Callable[[Digest], bytes]
"""Gives an object's bytes by digest; raises FileNotFoundError or IncompleteError where there is none."""

_COPIES = (PageClass.UNCLASSED, PageClass.REPUBLICATION)
MAX_POINTS = 60
SHOWN_TRAITS = 12
"""Signals of the operator that are printed of a site; those that other sites show come first."""
SHORT = 1500
"""Characters up to which an exhibit fits on a page of A4; to keep a longer one whole, browsers tear it."""
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class PictureView:
    """One side of a pair of pictures: what is shown, what is drawn on it, or why it is not shown."""

    picture: Picture | None
    polygons: tuple[Polygon, ...] = ()
    points: tuple[tuple[float, float], ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class TextView:
    """One side of a pair of texts with its passages marked, and how much of it was left out."""

    html: Markup
    left_out_before: int = 0
    left_out_after: int = 0


@dataclass(frozen=True, slots=True)
class ExhibitView:
    """One exhibit as the template takes it; one that `is_short` is printed on one page.

    `strip` is the ``data:`` URL of how the pictures agree, empty where that cannot be drawn; `origin`
    says of what others supplied by whom, and what is claimed of it.
    """

    exhibit: Exhibit
    page: Capture | None
    source: Capture | None
    suspect_picture: PictureView | None
    reference_picture: PictureView | None
    suspect_text: TextView | None
    reference_text: TextView | None
    site: str
    grounds: Grounds
    standing: tuple[str, ...]
    blocks: tuple[str, ...]
    strip: str
    is_short: bool
    origin: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GrantView:
    """What a grant says, for the cover; empty where a field is not given."""

    grant: GrantFile
    approved_by: str
    legal_basis: str
    purpose: str
    valid: str
    hosts: tuple[str, ...]


def render(
    contents: CaseContents,
    selection: Selection,
    read: ObjectReader,
    software: tuple[tuple[str, str], ...],
    *,
    clock: str = "",
) -> str:
    """Return the report as HTML; the same case gives the same bytes. `clock` is a sentence on the clock.

    Raises whatever `read` raises for an exhibit's object that is not there.
    """
    captures = captures_by_record(contents.captures)
    told = {(page.page_url, item.item_id): item for page in contents.verdicts for item in page.item_verdicts}
    views = [
        _exhibit(exhibit, grounds_of(exhibit, selection, _told(exhibit, told)), captures, read)
        for exhibit in selection.exhibits
    ]
    confirmed = [one for one in selection.exhibits if one.finding.match.verdict is Verdict.CONFIRMED]
    own = [capture for capture in contents.captures if capture.origin is None]
    times = sorted(capture.captured_at for capture in own)
    return _template().render(
        contents=contents,
        grants=[_grant(grant) for grant in contents.grants],
        views=views,
        left_out=selection.left_out,
        accounts=accounts_of(selection.exhibits),
        sites=rows_by(contents, By.SITE),
        shown_traits=SHOWN_TRAITS,
        account_rows={
            row.account_id: row for row in rows_by(contents, By.ACCOUNT) if isinstance(row, AccountRow)
        },
        pages={verdict.page_url: verdict for verdict in contents.verdicts},
        classed=[one for one in contents.verdicts if one.page_class not in _COPIES],
        classes=CLASSES,
        confirmed=len(confirmed),
        confirmed_pages=len({one.finding.page_url for one in confirmed}),
        possible=len(selection.exhibits) - len(confirmed),
        unreviewed=unreviewed(contents),
        first=times[0] if times else None,
        last=times[-1] if times else None,
        supplied=len(contents.captures) - len(own),
        rests_on_supplied=sum(bool(view.origin) for view in views),
        unseen=unseen(contents),
        not_examined=[verdict for verdict in contents.verdicts if verdict.not_examined],
        outcomes=OUTCOMES,
        pages_told=told_of_pages(contents.pages_asked, contents.pages_known, contents.page_draw),
        glossary=GLOSSARY,
        software=software,
        clock=clock,
    )


@cache
def _template() -> Template:
    name = "report.html.j2"
    environment = Environment(
        loader=DictLoader({name: shipped_bytes(name).decode()}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "foreign": lambda text: visible(str(text)),
        "time": _time,
        "kind": lambda kind: KINDS[kind],
        "verdict": lambda verdict: VERDICTS[verdict],
        "outline": _outline,
    }
    environment.filters["became"] = file_sentence
    return environment.get_template(name)


def _time(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if moment else "not known"


def _outline(polygon: Polygon) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in polygon)


def _grant(grant: GrantFile) -> GrantView:
    try:
        table = tomllib.loads(grant.data.decode()).get("grant", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        table = {}
    hosts = table.get("hosts", [])
    return GrantView(
        grant=grant,
        approved_by=str(table.get("approved_by", "")),
        legal_basis=str(table.get("legal_basis", "")),
        purpose=str(table.get("purpose", "")),
        valid=" to ".join(_moment(table.get(key)) for key in ("valid_from", "valid_to")),
        hosts=tuple(f"{host.get('host', '')} ({host.get('role', 'page')})" for host in hosts),
    )


def _moment(value: object) -> str:
    return _time(value) if isinstance(value, datetime) else str(value)


# ---------------------------------------------------------------- exhibits


def _told(exhibit: Exhibit, told: dict[tuple[str, ItemId], ItemVerdict]) -> ItemVerdict | None:
    """Return what is said of the exhibit's whole item on its page, None where nothing is."""
    return told.get((exhibit.finding.page_url, exhibit.finding.match.item_id))


def _exhibit(
    exhibit: Exhibit, grounds: Grounds, captures: dict[RecordId, Capture], read: ObjectReader
) -> ExhibitView:
    finding, copy = exhibit.finding, exhibit.reference
    match = finding.match
    origins = finding_origins(finding, captures)
    has_picture = finding.media_url is not None
    suspect = _suspect_picture(match, read(finding.content_digest)) if has_picture else None
    reference = _reference_picture(match, copy, read) if has_picture or copy.object_digest else None
    return ExhibitView(
        exhibit=exhibit,
        page=captures.get(finding.page_record_id),
        source=captures.get(finding.record_id),
        suspect_picture=suspect,
        reference_picture=reference,
        suspect_text=_suspect_text(match, finding.quoted_text) if finding.quoted_text else None,
        reference_text=_reference_text(match, copy),
        site=site_of(finding.page_url),
        grounds=grounds,
        standing=standing_sentences(finding, is_supplied=bool(origins.page)),
        blocks=match.image.blocks if match.image else (),
        strip=_strip(match, copy, suspect, reference),
        origin=origins.words,
        is_short=sum(map(len, (finding.quoted_text, copy.item.caption or "", finding.page_url))) < SHORT,
    )


def _strip(
    match: Match, copy: ReferenceCopy, suspect: PictureView | None, reference: PictureView | None
) -> str:
    """Return how the pictures agree as a ``data:`` URL, "" where one is not shown or nothing lays them."""
    if suspect is None or suspect.picture is None or reference is None or reference.picture is None:
        return ""
    found, ours = suspect.picture, reference.picture
    across, down = _scale(copy, ours)
    strip = comparison_strip(
        found.shown,
        replace(ours.shown, width=round(ours.width / across), height=round(ours.height / down)),
        match,
    )
    return "" if strip is None else data_url(strip)


def _suspect_picture(match: Match, data: bytes) -> PictureView:
    try:
        picture = redrawn(data)
    except MediaError as error:
        return PictureView(None, note=str(error))
    polygons = tuple(region.polygon for region in match.regions if region.kind is RegionKind.IMAGE)
    points = tuple((x, y) for _, _, x, y in _points(match))
    return PictureView(picture, tuple(filter(None, polygons)), points)


def _reference_picture(match: Match, copy: ReferenceCopy, read: ObjectReader) -> PictureView:
    if copy.object_digest is None:
        return PictureView(None, note="No picture of the platform's side was kept.")
    try:
        picture = redrawn(read(copy.object_digest))
    except MediaError as error:
        return PictureView(None, note=str(error))
    note = "" if copy.is_original else "The file was gone; the index's own small grey copy stands in for it."
    if match.image is None:
        return PictureView(picture, note=note)
    across, down = _scale(copy, picture)
    mapped = (polygon_through(match.image.homography, region.polygon) for region in match.regions)
    polygons = tuple(tuple((x * across, y * down) for x, y in polygon) for polygon in mapped if polygon)
    points = tuple((x * across, y * down) for x, y, _, _ in _points(match))
    return PictureView(picture, polygons, points, note)


def _scale(copy: ReferenceCopy, picture: Picture) -> tuple[float, float]:
    """How the shown picture's pixels compare with those of the full-size one that was measured."""
    sized = [media for media in copy.item.media if media.width and media.height]
    if copy.is_original or len(sized) != 1 or not sized[0].width or not sized[0].height:
        return 1.0, 1.0
    return picture.width / sized[0].width, picture.height / sized[0].height


def _points(match: Match) -> tuple[tuple[float, float, float, float], ...]:
    points = match.image.points if match.image else ()
    step = max(1, -(-len(points) // MAX_POINTS))
    return points[::step]


def _suspect_text(match: Match, text: str) -> TextView:
    spans = match.text.query_spans if match.text else ()
    if not spans:
        spans = tuple(region.span for region in match.regions if region.span is not None)
    return _text(text, spans)


def _reference_text(match: Match, copy: ReferenceCopy) -> TextView | None:
    if not copy.item.caption:
        return None
    return _text(copy.item.caption, match.text.reference_spans if match.text else ())


def _text(text: str, spans: tuple[tuple[int, int], ...]) -> TextView:
    part, inside, before, after = excerpt(text, spans)
    return TextView(marked(part, inside), before, after)
