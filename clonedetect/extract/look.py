"""One look at a fetched page: is it a wall, and if not, where does it lead?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clonedetect.errors import InputError
from clonedetect.extract.page import read_leads
from clonedetect.extract.walls import Wall, classify
from clonedetect.models.page import PageContent

__all__ = ["Look", "look"]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look showed; `leads` is None for a wall, and where the page could not be read (`problem`)."""

    wall: Wall | None = None
    leads: PageContent | None = None
    problem: str = ""


def look(  # noqa: PLR0917  a call crosses a process by position
    status: int,
    headers: Sequence[tuple[str, str]],
    content: bytes,
    url: str,
    final_url: str,
    is_whole: bool,
) -> Look:
    """Return what `content`, the decoded body, is and leads to; only a page that is whole leads anywhere.

    Arguments are those of `walls.classify`. Raises InputError for markup that the parser refuses.
    """
    wall = classify(status, headers, content, url, final_url)
    if wall is not None or not is_whole:
        return Look(wall)
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "")
    try:
        return Look(leads=read_leads(content, final_url, content_type))
    except InputError as error:
        return Look(problem=f"its links could not be read: {error}")
