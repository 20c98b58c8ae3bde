"""What a query makes of our grey levels: a tone, smooth over the picture, fitted to the blocks that agree.

Brightened pictures end at white and dark ones at black: what the query cannot show is
no difference. A block whose level no such tone explains is another picture's, even
where it has nothing to correlate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Tone", "ended", "off_tone_of", "tone_of"]

FEWEST_TONES: Final = 10
ENDS: Final = 5
"""Grey levels from black or white at which a tone ends."""
OFF_TONE: Final = 20.0
"""Grey levels by which a block's mean must be off."""
TONE_NOISE: Final = 8.0
TONE_SPREAD: Final = 40.0
"""Grey levels by which blocks stray from a tone, and by which a tone changes over a picture."""

Flags = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tone:
    """What the query makes of our grey levels: gain and offset of each block, (rows, columns), and a bend."""

    gain: Matrix
    offset: Matrix
    bend: float

    def of(self, ours: Matrix) -> Matrix:
        """Return the query's levels for ours, not cut off at black and white."""
        return self.gain * ours + self.offset + self.bend * ours * (ours - 255) / 255

    def shown(self, ours: Matrix) -> Matrix:
        """Return our pixels, (rows, columns, n), cut off where the query's tone ends at black or white."""
        levels = np.arange(256.0)
        toned = self.gain[:, :, None] * levels + (
            self.offset[:, :, None] + self.bend * levels * (levels - 255) / 255
        )
        inside = (toned >= 0) & (toned <= 255)
        least = np.argmax(inside, axis=2)
        most = 255 - np.argmax(inside[:, :, ::-1], axis=2)
        none = ~inside.any(axis=2)
        least[none], most[none] = 0, 255
        return np.clip(ours, least[:, :, None], most[:, :, None])


def tone_of(ours: Matrix, theirs: Matrix, agree: Flags, even: Flags) -> Tone | None:
    """Fit the tone that blocks which agree have, smooth over the picture; None where they are too few.

    Then `even` blocks that it explains take part: skies reach where little agrees.
    All terms but gain and offset must earn their part: they stand for 40 grey levels at most likely.
    """
    if agree.sum() < FEWEST_TONES:
        return None
    y, x = np.mgrid[-1 : 1 : ours.shape[0] * 1j, -1 : 1 : ours.shape[1] * 1j]
    level, one = ours / 255, np.ones_like(ours)
    places = (x, y, x * x, y * y, x * y)
    terms = np.stack(
        [level, one, *(level * place for place in places), *places, 4 * level * (level - 1)], axis=-1
    )
    prior = np.zeros((terms.shape[-1], terms.shape[-1]))
    prior[range(2, len(prior)), range(2, len(prior))] = TONE_NOISE / TONE_SPREAD
    nothing = np.zeros(len(prior))
    found = nothing
    for part in (agree, agree, agree, agree | even, agree | even, agree | even):
        weight = np.ones(int(part.sum()))
        if found is not nothing:
            weight = 1 / (1 + ((terms[part] @ found - theirs[part]) / TONE_NOISE) ** 2)
        rows = np.vstack([terms[part] * weight[:, None], prior])
        found, *_ = np.linalg.lstsq(rows, np.concatenate([theirs[part] * weight, nothing]), rcond=None)
    by_place = np.stack([one, *places], axis=-1)
    gain = by_place @ np.concatenate([found[:1], found[2:7]]) / 255
    offset = by_place @ np.concatenate([found[1:2], found[7:12]])
    return Tone(gain, offset, 4 * float(found[12]) / 255)


def ended(tone: Tone, ours: Matrix, theirs: Matrix) -> Flags:
    """Return the blocks that the query shows in plain black or white, where its tone makes ours so too."""
    toned = np.clip(tone.of(ours), 0, 255)
    white = (theirs.min(axis=2) >= 255 - ENDS) & (toned >= 255 - OFF_TONE)
    black = (theirs.max(axis=2) <= ENDS) & (toned <= OFF_TONE)
    return np.asarray(white | black)


def off_tone_of(tone: Tone, ours: Matrix, theirs: Matrix, agree: Flags) -> Flags:
    """Return the blocks whose mean is far from what the tone makes of ours."""
    off = np.abs(np.clip(tone.of(ours), 0, 255) - theirs)  # brightened areas end at white
    if not agree.any():
        return np.zeros(agree.shape, dtype=bool)
    return np.asarray(off > max(OFF_TONE, 5 * float(np.median(off[agree]))))
