"""One match as a picture that explains itself: what was found, ours, and how they lie on each other."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from clonedetect.match.lettering import BODY, SMALL, TITLE, lettered, spelled, width_of
from clonedetect.match.panels import MARKS, Fitted, block_map, checkered, joined, outlined, swatch
from clonedetect.models.match import ImageMeasure, Match, RegionKind
from clonedetect.signals.display import ShownPicture

__all__ = ["MADE_BY", "MARGIN", "WIDTH", "Side", "comparison_strip", "match_sheet", "polygon_through"]

WIDTH: Final = 1600
MARGIN: Final = 24
GAP: Final = 32
COLUMN: Final = (WIDTH - 2 * MARGIN - GAP) // 2
HALF: Final = (COLUMN - GAP) // 2
TALLEST: Final = 760
DOTS_PER_INCH: Final = 230
"""At which the sheet is as wide as the print on A4: 177 mm."""

MADE_BY: Final = "clonedetect match"
"""What a sheet bears as PNG text `Software`; nothing in it tells when or where it was made."""

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One side of a pair: its picture, or in `note` why there is none; the bytes' digest."""

    picture: ShownPicture | None
    digest: str
    note: str = ""


def match_sheet(found: Side, ours: Side, match: Match) -> bytes:
    """Return one match of pictures as a PNG, `WIDTH` pixels wide; the same values give the same bytes.

    Title, rule, figures and digests; both pictures with the shared region outlined; below them
    `comparison_strip`. Foreign strings are spelled out in ASCII.
    """
    parts = [_head(found, ours, match), _pair(found, ours, match)]
    strip = comparison_strip(found.picture, ours.picture, match)
    parts += [] if strip is None else [strip]
    inner = _stacked(parts)
    page = Image.new("RGB", (WIDTH, inner.height + 2 * MARGIN), "white")
    page.paste(inner, (MARGIN, MARGIN))
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", MADE_BY)
    buffer = io.BytesIO()
    page.save(buffer, "PNG", pnginfo=text, dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return buffer.getvalue()


def comparison_strip(
    found: ShownPicture | None, ours: ShownPicture | None, match: Match
) -> Image.Image | None:
    """Return how the pair lies on each other: joined points, ours laid on in squares, and the block map.

    None where a picture or the transform between them is missing.
    """
    measure = match.image
    if found is None or ours is None or measure is None:
        return None
    matrix = _matrix(measure)
    if matrix is None:
        return None
    width, height = HALF - 4, TALLEST // 2 + 60
    theirs, mine = Fitted.around(found, _polygon(match), width, height), Fitted.of(ours, width, height)
    pairs = tuple((u, v, x, y) for x, y, u, v in measure.points)
    panels = [
        (
            joined(theirs, mine, pairs),
            COLUMN,
            "Equal numbers mark one point in both. Left: found. Right: ours.",
        )
    ]
    laid = checkered(found, ours, matrix, _polygon(match), (HALF, height))
    panels.append((Image.fromarray(laid), HALF, "Framed: ours. Others: found."))
    if measure.blocks:
        shown = Image.fromarray(block_map(ours, measure.blocks, HALF, height))
        panels.append((shown, HALF, "Our picture, block by block"))
    row = _side_by_side([_captioned(image, wide, words) for image, wide, words in panels])
    return _stacked([row, _legend(measure.blocks)]) if measure.blocks else row


def polygon_through(matrix: tuple[float, ...], polygon: Polygon) -> Polygon | None:
    """Map `polygon` back through a homography (9 numbers, row by row), from its target to its source.

    None where the matrix cannot be inverted, or where the polygon meets the
    horizon, on which a point has no place.
    """
    if len(matrix) != 9 or len(polygon) < 3:
        return None
    forward = np.array(matrix, dtype=np.float64).reshape(3, 3)
    if not np.isfinite(forward).all() or abs(np.linalg.det(forward)) < 1e-12:
        return None
    points = np.column_stack([np.array(polygon, dtype=np.float64), np.ones(len(polygon))])
    x, y, w = np.linalg.inv(forward) @ points.T
    if not np.isfinite(w).all() or np.abs(w).min() < 1e-9 or (np.sign(w) != np.sign(w[0])).any():
        return None
    return tuple((float(a), float(b)) for a, b in zip(x / w, y / w, strict=True))


def _matrix(measure: ImageMeasure) -> npt.NDArray[np.float64] | None:
    """Return the map of our picture to the query, None where there is none that can be drawn."""
    if len(measure.homography) != 9:
        return None
    matrix = np.array(measure.homography, dtype=np.float64).reshape(3, 3)
    is_usable = bool(np.isfinite(matrix).all()) and abs(float(np.linalg.det(matrix))) > 1e-12
    return matrix if is_usable else None


def _polygon(match: Match) -> Polygon:
    regions = (region.polygon for region in match.regions if region.kind is RegionKind.IMAGE)
    return next((polygon for polygon in regions if len(polygon) >= 3), ())


def _head(found: Side, ours: Side, match: Match) -> Image.Image:
    account = f", account {spelled(match.account_id, 120)}" if match.account_id else ""
    lines = [(f"{str(match.verdict).upper()}: item {spelled(match.item_id, 120)}{account}", TITLE)]
    rule = match.image.rule if match.image else ""
    is_told = bool(rule) and bool(match.reasons) and match.reasons[0].startswith(rule)
    said = match.reasons[0] if is_told else rule or "none confirms this pair of pictures by itself"
    lines.append((spelled(f"Rule: {said}", 500), BODY))
    lines += [(spelled(f"- {reason}", 500), BODY) for reason in match.reasons[is_told:]]
    lines.append((f"Found: {spelled(found.digest)}", SMALL))
    lines.append((f"Ours: {spelled(ours.digest) or 'no digest is known'}", SMALL))
    return lettered(tuple(lines), WIDTH - 2 * MARGIN)


def _pair(found: Side, ours: Side, match: Match) -> Image.Image:
    polygon = _polygon(match)
    back = polygon_through(match.image.homography, polygon) if match.image else None
    sides = [(found, polygon, "What was found"), (ours, back or (), "Ours")]
    return _side_by_side([_panel(*side) for side in sides])


def _panel(side: Side, polygon: Polygon, words: str) -> Image.Image:
    if side.picture is None:
        note = side.note or "no picture is known"
        return _captioned(Image.new("RGB", (COLUMN, 120), (235, 235, 235)), COLUMN, f"{words}: {note}")
    fitted = Fitted.of(side.picture, COLUMN, TALLEST)
    size = f"{side.picture.width} x {side.picture.height} pixels"
    said = f"{words}, {size}{'. ' if side.note else ''}{side.note}"
    return _captioned(Image.fromarray(outlined(fitted, polygon)), COLUMN, said)


def _captioned(image: Image.Image, width: int, words: str) -> Image.Image:
    return _stacked([lettered(((spelled(words, 400), SMALL),), width), image], gap=6, width=width)


def _legend(blocks: tuple[str, ...]) -> Image.Image:
    """Return the marks that occur in `blocks`, in words, in one or two lines."""
    there = set("".join(line.ljust(max(map(len, blocks))) for line in blocks))
    entries = []
    for mark, words in MARKS.items():
        if mark in there:
            label = lettered(((words, SMALL),), width_of(words, SMALL))
            entries.append(_side_by_side([Image.fromarray(swatch(mark, 24)), label], gap=8))
    rows: list[list[Image.Image]] = [[]]
    for entry in entries:
        if sum(one.width + GAP for one in rows[-1]) + entry.width > WIDTH - 2 * MARGIN:
            rows.append([])
        rows[-1].append(entry)
    return _stacked([_side_by_side(row) for row in rows], gap=6)


def _stacked(parts: list[Image.Image], gap: int = 20, width: int | None = None) -> Image.Image:
    wide = max(part.width for part in parts) if width is None else width
    page = Image.new("RGB", (wide, sum(part.height for part in parts) + gap * (len(parts) - 1)), "white")
    top = 0
    for part in parts:
        page.paste(part, (0, top))
        top += part.height + gap
    return page


def _side_by_side(parts: list[Image.Image], gap: int = GAP) -> Image.Image:
    width = sum(part.width for part in parts) + gap * (len(parts) - 1)
    page = Image.new("RGB", (width, max(part.height for part in parts)), "white")
    left = 0
    for part in parts:
        page.paste(part, (left, 0))
        left += part.width + gap
    return page
