"""Pictures for the report: drawn anew by us, as ``data:`` URLs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from clonedetect.signals.display import ShownPicture, shown_picture

__all__ = ["Picture", "data_url", "redrawn"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture as shown: our own JPEG as a ``data:`` URL, and the pixels it was made of."""

    url: str
    shown: ShownPicture

    @property
    def width(self) -> int:
        """Width in pixels of the upright original."""
        return self.shown.width

    @property
    def height(self) -> int:
        """Height in pixels of the upright original."""
        return self.shown.height


def redrawn(data: bytes) -> Picture:
    """Decode a foreign picture and encode it anew, small and without metadata.

    Raises MediaError as `shown_picture` does.
    """
    shown = shown_picture(data)
    return Picture(data_url(Image.fromarray(shown.pixels)), shown)


def data_url(image: Image.Image) -> str:
    """Return pixels as our own JPEG in a ``data:`` URL."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85, optimize=False)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
