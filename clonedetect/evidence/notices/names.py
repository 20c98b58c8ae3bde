"""Who is named in a letter, and who is only numbered: minors, hidden posts, everybody where asked."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from clonedetect.errors import InputError
from clonedetect.index.handover import MIN_KEY_BYTES
from clonedetect.models.item import Item, Visibility

__all__ = ["Names"]


@dataclass(frozen=True, slots=True)
class Names:
    """How accounts are named; with a `key` by HMAC-SHA256, as in an index handed over as hashes."""

    key: bytes | None = None

    def __post_init__(self) -> None:
        if self.key is not None and len(self.key) < MIN_KEY_BYTES:
            raise InputError(
                f"a key has at least {MIN_KEY_BYTES} bytes; make one with: head -c 32 /dev/urandom"
            )

    def account(self, item: Item) -> str:
        """Return what stands for the account; "" for a minor's, and where the index knows none.

        Where the id is the handle itself, it is told as a handle is.
        """
        name = item.account_id or item.handle
        if item.minor or name is None:
            return ""
        if self.key is not None:
            return f"hmac-sha256:{hmac.new(self.key, name.encode(), hashlib.sha256).hexdigest()}"
        is_handle = (item.account_id or "").casefold() == (item.handle or "").casefold()
        return "" if is_handle and not self.is_told(item) else item.account_id or ""

    def handle(self, item: Item) -> str:
        """Return the handle of whoever published for everybody; else ""."""
        return (item.handle or "") if self.key is None and self.is_told(item) else ""

    def caption(self, item: Item) -> str:
        """Return the words of what everybody could read; else ""."""
        return (item.caption or "") if self.is_told(item) else ""

    def permalink(self, item: Item) -> str:
        """Return the post's address where it names nobody who is not to be named; else ""."""
        return "" if item.permalink is None or self.hides(item, item.permalink) else item.permalink

    def hides(self, item: Item, url: str) -> bool:
        """Whether an address stands in the attachment alone: a minor's, or one that holds a hidden name."""
        if item.minor:
            return True
        names = (item.handle, item.account_id)
        is_named = any(name.casefold() in url.casefold() for name in names if name)
        return is_named and (self.key is not None or not self.is_told(item))

    @staticmethod
    def is_told(item: Item) -> bool:
        """Whether handle and words of the post may be told: everybody could see it, and it shows no minor."""
        spans = item.visibility
        return not item.minor and bool(spans) and all(one.visibility is Visibility.PUBLIC for one in spans)
