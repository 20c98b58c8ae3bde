"""Who could see an item when it was published, and when a copy of it was captured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from clonedetect.models.item import Item, Visibility, VisibilitySpan

__all__ = ["ItemStanding", "standing_of", "standing_words"]


@dataclass(frozen=True, slots=True)
class ItemStanding:
    """What an item was at two moments, by its own entry in the index.

    `at_publication` and `at_capture` are classes of visibility, None where the entry does
    not say; `is_assumed` says that nobody gave a class, so that public was taken for
    granted. The times in seconds count from the item's own dates to the capture:
    `expired_for_s` since it went out of sight by itself, `deleted_for_s` since its owner
    deleted it, `edited_for_s` since its last edit; None where there was none before the
    capture. `expires_at` is given for what is ephemeral. `published_after_s` is how
    long after the capture the item was published: such a page has it from elsewhere.
    """

    at_publication: Visibility | None
    at_capture: Visibility | None
    is_assumed: bool = False
    expires_at: datetime | None = None
    expired_for_s: float | None = None
    deleted_for_s: float | None = None
    edited_for_s: float | None = None
    published_after_s: float | None = None


def standing_of(item: Item, captured_at: datetime) -> ItemStanding:
    """Return how `item` stood when a page was captured, and when it was published."""
    before, now = _at(item, item.published_at), _at(item, captured_at)
    return ItemStanding(
        at_publication=before.visibility if before else None,
        at_capture=now.visibility if now else None,
        is_assumed=any(span.assumed for span in (before, now) if span is not None),
        expires_at=item.expires_at,
        expired_for_s=_since(item.expires_at, captured_at),
        deleted_for_s=_since(item.deleted_at, captured_at),
        edited_for_s=_since(item.edited_at, captured_at),
        published_after_s=_since(captured_at, item.published_at),
    )


def standing_words(standing: ItemStanding) -> tuple[str, ...]:
    """Return what is worth telling of a standing, as sentences; of a public item that stood, who says so."""
    return (*_visibility_words(standing), *_time_words(standing))


def _at(item: Item, moment: datetime | None) -> VisibilitySpan | None:
    """Return the class that held at `moment`, the latest that began before it; a class ends where it says."""
    if moment is None:
        return None
    held = [
        span
        for span in item.visibility
        if (span.since is None or span.since <= moment) and (span.until is None or moment < span.until)
    ]
    return max(held, key=lambda span: (span.since is not None, span.since or moment), default=None)


def _since(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from `start` to `end`, None where there is no time between them."""
    if start is None or end is None or end <= start:
        return None
    return (end - start).total_seconds()


_UNITS = {"days": timedelta(days=1), "hours": timedelta(hours=1), "minutes": timedelta(minutes=1)}
_SEEN_BY = {
    Visibility.PUBLIC: "by everybody",
    Visibility.LOGGED_IN: "by people with a login only",
    Visibility.FOLLOWERS: "by followers only",
    Visibility.PRIVATE: "by nobody but its owner and whom they chose",
}


def _visibility_words(standing: ItemStanding) -> tuple[str, ...]:
    before, now = standing.at_publication, standing.at_capture
    if standing.is_assumed:
        return ("who could see the post was not said: that it was public is assumed",)
    words = []
    if now is None:
        words.append("who could see the post when the page was captured is not known")
    else:
        words.append(f"the post could be seen {_SEEN_BY[now]} when the page was captured")
    if before is not None and before is not now:
        words.append(f"it could be seen {_SEEN_BY[before]} when it was published")
    return tuple(words)


def _time_words(standing: ItemStanding) -> tuple[str, ...]:
    words = []
    if standing.published_after_s is not None:
        words.append(
            f"the page was captured {_span(standing.published_after_s)} before the post was published: "
            "it has what both show from elsewhere"
        )
    if standing.expires_at is not None and standing.expired_for_s is None:
        words.append("the post was ephemeral, and could still be seen when the page was captured")
    if standing.expired_for_s is not None:
        words.append(
            f"the post was ephemeral and had been out of sight for {_span(standing.expired_for_s)} "
            "when the page was captured"
        )
    if standing.deleted_for_s is not None:
        words.append(
            f"its owner had deleted the post {_span(standing.deleted_for_s)} before the page was captured"
        )
    if standing.edited_for_s is not None:
        words.append(
            f"the post was last edited {_span(standing.edited_for_s)} before the page was captured: "
            "a copy may show what it was before"
        )
    return tuple(words)


def _span(seconds: float) -> str:
    """Return a length of time in the largest unit of which there are two, else in the next smaller."""
    span = timedelta(seconds=seconds)
    for name, unit in _UNITS.items():
        if span >= 2 * unit:
            return f"{span // unit} {name}"
    return f"{int(seconds)} seconds"
