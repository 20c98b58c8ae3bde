"""The index names the view of each stored hash, also where equal rectangles are stored once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from clonedetect.jobs.indexing import add_sources
from clonedetect.jobs.opening import open_reference
from clonedetect.match.candidates import hash_candidates, match_image
from clonedetect.models.match import Verdict
from clonedetect.models.settings import ImageThresholds
from clonedetect.signals.image import query_image
from clonedetect.signals.views import STORED_VIEWS


def textured(wide: int, high: int) -> Image.Image:
    small = np.random.default_rng(wide + high).integers(0, 255, (high // 8, wide // 8, 3), np.uint8)
    return Image.fromarray(small).resize((wide, high), Image.Resampling.BICUBIC)


def test_a_crop_of_a_square_picture_is_laid_where_its_hash_says(tmp_path: Path) -> None:
    """A square picture has no `square` view of its own, so that later views have lower numbers than names."""
    (tmp_path / "pictures").mkdir()
    picture = textured(600, 600)
    picture.save(tmp_path / "pictures" / "a.png")
    add_sources(tmp_path / "index", [tmp_path / "pictures"])
    side = round(600 * 0.5**0.5)
    start = (600 - side) // 2
    picture.crop((start, start, start + side, start + side)).save(tmp_path / "crop.png")
    query = query_image((tmp_path / "crop.png").read_bytes())
    with open_reference(tmp_path / "index") as index:
        (reference,) = index.images([hash_candidates(query, index, ImageThresholds())[0].media_id])
        assert reference.views[0] == "full"
        assert "square" not in reference.views
        assert set(reference.views) < set(STORED_VIEWS)
        assert reference.view(len(reference.views)) == ""
        match = match_image(query, index, ImageThresholds()).matches[0]
    assert match.verdict is Verdict.CONFIRMED
    assert match.image is not None
    assert match.image.hash_view.endswith("on centre-50")
    assert match.image.inliers == 0
    assert np.allclose(np.array(match.image.homography).reshape(3, 3)[:2, 2], -start, atol=3)
