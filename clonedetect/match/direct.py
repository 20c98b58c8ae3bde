"""A query laid on a reference by what its hash says alone: no keypoints needed.

A near hash names the query's view, what was done to it and the view it is near. That
is a transform already; correlation of the two pictures under it (ECC, Evangelidis and
Psarakis, 2008) brings it from a view's accuracy to a pixel's. So plain copies are laid
on each other in a hundredth of the time of local features, and pictures too smooth for
keypoints are laid on each other at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from clonedetect.match.blocks import agreement
from clonedetect.match.comparison import Comparison, Picture
from clonedetect.match.geometry import Alignment
from clonedetect.match.refinement import settled
from clonedetect.models.reference import ImageReference
from clonedetect.signals.boxes import Box, query_box, stored_box

__all__ = ["HashRoute", "compare_directly"]

Matrix = npt.NDArray[np.float64]

_TURNS: Final[dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]]] = {
    "identity": ((1, 0, 0), (0, 1, 0)),
    "rotate-90": ((0, -1, 1), (1, 0, 0)),
    "rotate-180": ((-1, 0, 1), (0, -1, 1)),
    "rotate-270": ((0, 1, 0), (-1, 0, 1)),
    "flip-vertical": ((1, 0, 0), (0, -1, 1)),
    "flip-horizontal": ((-1, 0, 1), (0, 1, 0)),
    "transpose": ((0, 1, 0), (1, 0, 0)),
    "transverse": ((0, -1, 1), (-1, 0, 1)),
}
"""Where a point of the turned unit square was before it was turned."""


@dataclass(frozen=True, slots=True)
class HashRoute:
    """The nearest hash that proposed a pair: bits apart, the query's view and form, the stored view.

    `stored_view` is empty until the reference is at hand, which knows the name of its hash `stored`.
    """

    distance: int
    view: str
    form: str
    stored: int
    stored_view: str = ""


def compare_directly(
    picture: Picture, reference: ImageReference, route: HashRoute, block_ncc: float
) -> Comparison | None:
    """Lay `picture` on `reference` as `route` says, then as correlation says; None where neither is sane."""
    homography = _homography(picture, reference, route)
    if homography is None or reference.thumbnail is None:
        return None
    pixels = reference.thumbnail.pixels
    blocks = agreement(pixels, picture.frame, homography, block_ncc)
    homography, blocks = settled(picture.frame, pixels, homography, blocks, block_ncc)
    none = np.zeros((0, 2))
    size = (pixels.shape[1], pixels.shape[0])
    return Comparison(picture, Alignment(homography, none, none, size), homography, blocks, size)


def _homography(picture: Picture, reference: ImageReference, route: HashRoute) -> Matrix | None:
    """Return the map of thumbnail pixels to pixels of the picture's frame that the hashed views stand for."""
    if reference.thumbnail is None:
        return None
    high, wide = reference.thumbnail.pixels.shape
    ours = stored_box(route.stored_view, wide, high)
    theirs = query_box(route.view, picture.frame)
    turn = _TURNS.get(route.form.removeprefix("complement").strip() or "identity")
    if ours is None or theirs is None or turn is None:
        return None
    unit = np.array([*turn, (0.0, 0.0, 1.0)])
    return _corner_to_centre(_from_unit(theirs) @ unit @ np.linalg.inv(_from_unit(ours)))


def _from_unit(box: Box) -> Matrix:
    return np.array(
        [[box.right - box.left, 0, box.left], [0, box.bottom - box.top, box.top], [0, 0, 1]], np.float64
    )


def _corner_to_centre(matrix: Matrix) -> Matrix:
    """Boxes are counted from pixels' corners, transforms from their centres."""
    there = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    back = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    return np.asarray(back @ matrix @ there, dtype=np.float64)
