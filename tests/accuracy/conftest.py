from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

SURFACES = ("brick.png", "gravel.png", "grass.png", "ihc.png")


@pytest.fixture(scope="session")
def photographs() -> dict[str, bytes]:
    """Nine photographs that come with packages, 480 pixels wide."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    found = {}
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "camera.png", *SURFACES):
        with Image.open(folder / name) as picture:
            small = picture.convert("RGB")
        small.thumbnail((480, 480))
        out = BytesIO()
        small.save(out, "JPEG", quality=90)
        found[name] = out.getvalue()
    return found
