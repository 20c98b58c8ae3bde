"""What hashes and the operator's signals propose for one query; nothing of it confirms anything."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.errors import DependencyError
from clonedetect.match.direct import HashRoute
from clonedetect.models.ids import MediaId
from clonedetect.models.settings import ImageThresholds
from clonedetect.models.signal import VIEWS_PER_MEDIA, ViewHash
from clonedetect.models.slot import Signal
from clonedetect.protocols import ReferenceIndex
from clonedetect.signals.boxes import trimmed_box
from clonedetect.signals.image import QueryImage

__all__ = [
    "ImageCandidate",
    "Proposals",
    "SignalRoute",
    "hash_candidates",
    "panel_candidates",
    "propose",
]

LEAST_QUALITY: Final = 20
"""Query views of a lower PDQ quality are not looked up: they would meet every even picture."""

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SignalRoute:
    """By which signal a pair was proposed, in which form of the query, and how far apart in words."""

    signal: str
    distance: str
    form: str
    is_mirrored: bool

    @property
    def reason(self) -> str:
        """The sentence that findings carry."""
        return f"proposed by {self.signal} at distance {self.distance}, {self.form}"


@dataclass(frozen=True, slots=True)
class ImageCandidate:
    """A picture worth laying on the query: proposed by a hash, by votes of local features, or by a signal.

    `is_mirrored` says which of the query's forms had the votes or was near; `signal` is the
    operator's signal that proposed it, if one did.
    """

    media_id: MediaId
    route: HashRoute | None
    votes: int
    is_mirrored: bool = False
    signal: SignalRoute | None = None


@dataclass(frozen=True, slots=True)
class Proposals:
    """What signals propose, each picture by the first that named it, and a sentence for each that failed."""

    candidates: tuple[ImageCandidate, ...] = ()
    failures: tuple[str, ...] = ()


def hash_candidates(
    query: QueryImage, index: ReferenceIndex, thresholds: ImageThresholds
) -> tuple[ImageCandidate, ...]:
    """Return the pictures with a stored view within the radius of a query view, nearest first, ties by id."""
    return _near(query.hashes, index, thresholds)


def panel_candidates(
    query: QueryImage, index: ReferenceIndex, thresholds: ImageThresholds
) -> tuple[ImageCandidate, ...]:
    """Return the same for the rectangles within the query: cells of a collage, photographs in a page."""
    return _near(query.panels, index, thresholds)


def _near(
    hashes: Sequence[ViewHash], index: ReferenceIndex, thresholds: ImageThresholds
) -> tuple[ImageCandidate, ...]:
    asked = [entry for entry in hashes if entry.quality >= LEAST_QUALITY]
    if not asked:
        return ()
    bits = np.frombuffer(b"".join(entry.bits for entry in asked), dtype=np.uint8).reshape(-1, 32)
    numbers, ids, distances = index.hashes.range_search(bits, thresholds.candidate_radius)
    routes: dict[MediaId, HashRoute] = {}
    for place in np.lexsort((numbers, ids, distances)):
        media_id, view = divmod(int(ids[place]), VIEWS_PER_MEDIA)
        entry = asked[int(numbers[place])]
        route = HashRoute(int(distances[place]), entry.view, entry.form, view)
        routes.setdefault(MediaId(media_id), route)
    return tuple(ImageCandidate(media, route, 0) for media, route in routes.items())


def propose(
    query: QueryImage, index: ReferenceIndex, signals: Sequence[Signal], seen: Set[MediaId]
) -> Proposals:
    """Ask each of `signals` for the pictures nearest to the query, none of those `seen` before.

    A query is asked whole and without even borders, plain and mirrored. Signals go in the
    order given, pictures by distance, ties by id; a signal that fails is told and the
    others are asked.
    """
    found: dict[MediaId, SignalRoute] = {}
    failures: list[str] = []
    for signal in signals:
        if query.signals.quality < signal.least_quality:
            continue
        try:
            found |= _routes(query, index, signal, seen | found.keys())
        except DependencyError as error:
            failures.append(str(error))
    candidates = (
        ImageCandidate(media, None, 0, is_mirrored=route.is_mirrored, signal=route)
        for media, route in found.items()
    )
    return Proposals(tuple(candidates), tuple(failures))


def _routes(
    query: QueryImage, index: ReferenceIndex, signal: Signal, seen: Set[MediaId]
) -> dict[MediaId, SignalRoute]:
    forms = _forms(query.frame)
    values = b"".join(signal.value(frame) for _, _, frame in forms)
    asked = np.frombuffer(values, dtype=np.uint8).reshape(-1, signal.size_bytes)
    numbers, ids, distances = index.neighbours(signal.name).range_search(asked, signal.radius)
    routes: dict[MediaId, SignalRoute] = {}
    for place in np.lexsort((numbers, ids, distances)):
        media_id = MediaId(int(ids[place]) // VIEWS_PER_MEDIA)
        if media_id in seen or media_id in routes:
            continue
        form, is_mirrored, _ = forms[int(numbers[place])]
        told = signal.distance.told(int(distances[place]))
        routes[media_id] = SignalRoute(signal.name, told, form, is_mirrored)
        if len(routes) == signal.most:
            break
    return routes


def _forms(frame: Grey) -> list[tuple[str, bool, Grey]]:
    """Return the forms of a query's frame that are asked: what each is called, and whether it is mirrored."""
    forms = [("whole", frame)]
    box = trimmed_box(frame)
    if box is not None:
        left, top, right, bottom = (round(side) for side in box)
        inner = frame[top : max(bottom, top + 1), left : max(right, left + 1)]
        if inner.shape != frame.shape:
            forms.append(("trimmed", inner))
    return [
        (f"{name} mirrored" if is_mirrored else name, is_mirrored, _as_asked(pixels, is_mirrored=is_mirrored))
        for name, pixels in forms
        for is_mirrored in (False, True)
    ]


def _as_asked(pixels: Grey, *, is_mirrored: bool) -> Grey:
    return np.ascontiguousarray(pixels[:, ::-1] if is_mirrored else pixels)
