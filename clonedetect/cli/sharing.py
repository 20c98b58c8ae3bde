"""What pictures of an index share, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clonedetect.jobs.sharing import Sharing

__all__ = ["told"]


NOT_ASKED: Final = "pictures of several owners, template-like pictures: --templates"


def told(found: Sharing | None) -> Iterator[str]:
    """Yield what was counted and what was compared, and whether that was a sample; how to ask for None."""
    if found is None:
        yield NOT_ASKED
        return
    yield (
        f"pictures of several owners: {found.shared:,} of {found.pictures:,}, "
        f"one of them of {found.most_owners:,} owners"
        if found.shared
        else f"pictures of several owners: none of {found.pictures:,}"
    )
    how = "all that can be compared" if found.seed is None else f"a sample, seed {found.seed}"
    yield (
        f"template-like (a fifth and more shared by three other items): {found.template_like:,} of "
        f"{found.examined:,} compared ({how})"
    )
    if found.items:
        yield f"template-like items: {', '.join(found.items)}"
