"""What is left of a comparison without what lies over our picture."""

from __future__ import annotations

import numpy as np
from PIL import ImageOps

from clonedetect.match.comparison import closer_picture, pictures_of
from clonedetect.match.image import best_comparison
from clonedetect.match.overlay import Shape
from clonedetect.match.remainder import outline_of, without_overlay
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import image_signals, query_image

THRESHOLDS = ImageThresholds()


def test_what_is_looked_at_from_nearer_is_no_page_shown_whole(ours, photographs, transforms, memory_index):
    name = "astronaut.png"
    index = memory_index()
    index.add("item", image_signals(ours[name].read_bytes()), "us")
    (reference,) = index.pictures.values()
    page = transforms.scenery(np.random.default_rng(3), (1080, 1080))
    page.paste(ImageOps.fit(photographs[name], (272, 340)), (370, 370))
    query = query_image(transforms.jpeg(page, 88))
    whole = best_comparison(pictures_of(query), reference, THRESHOLDS)
    assert whole is not None
    part = closer_picture(query, whole)
    assert part is not None
    near = best_comparison((part,), reference, THRESHOLDS)
    assert near is not None
    outline = outline_of(near, reference)
    assert outline is not None
    assert outline.is_cut  # of the part alone, our outline is nearly the frame's
    assert outline.shape is Shape.WINDOW
    rest = without_overlay(near, reference, THRESHOLDS, outline)
    assert rest is not None
    assert rest.rule == "close copy, partly covered or cut off"
    assert rest.window == outline.shown
    assert 0.25 < rest.comparison.blocks.visible_share < 0.9
