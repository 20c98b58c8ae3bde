from io import BytesIO
from pathlib import Path

import pytest
import skimage
from PIL import Image


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    return Image.open(Path(skimage.__file__).parent / "data" / "chelsea.png").convert("RGB")


@pytest.fixture(scope="session")
def photo_png(photo) -> bytes:
    out = BytesIO()
    photo.save(out, "PNG")
    return out.getvalue()
