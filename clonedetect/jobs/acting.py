"""Who acts, as the custody log names it."""

from __future__ import annotations

__all__ = ["acting"]


def acting(actor: str, work: str = "") -> str:
    """Return the name for custody: the person the settings name, by means of this program's part `work`.

    Custody asks who did what; a program alone is the answer only where nobody
    was named (`signing.actor`).
    """
    program = f"clonedetect {work}".strip()
    return f"{actor} ({program})" if actor else program
