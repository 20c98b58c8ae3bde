"""The standing gate: on which recorded basis copyright may be claimed in a post, and on which it may not."""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["Basis", "basis_of", "claims_against_standing"]


class Basis(StrEnum):
    """A recorded basis that gives standing; a licence that others hold too gives none."""

    OWNER = "owner"
    EXCLUSIVE_LICENSEE = "exclusive licensee"
    USER_MANDATE = "user mandate"


_SPELLINGS = {
    "owner": Basis.OWNER,
    "exclusive licensee": Basis.EXCLUSIVE_LICENSEE,
    "exclusive licencee": Basis.EXCLUSIVE_LICENSEE,
    "exclusive licence": Basis.EXCLUSIVE_LICENSEE,
    "exclusive license": Basis.EXCLUSIVE_LICENSEE,
    "user mandate": Basis.USER_MANDATE,
}


def basis_of(text: str | None) -> Basis | None:
    """Return the basis that a record names, None for none and for whatever gives no standing.

    What follows a colon, semicolon, comma or bracket is a reference (``user mandate: form 2026-03``);
    the words before it must be one of the known ones, for "not the owner" holds the word too.
    """
    head = re.split(r"[:;,(\[]", text or "", maxsplit=1)[0]
    return _SPELLINGS.get(" ".join(re.split(r"[\s_-]+", head.casefold())).strip())


def claims_against_standing(claimant: str) -> bool:
    """Whether what a claimant says of its own rights is none of the bases, nor "authorised by" somebody.

    Saying nothing is no contradiction: then a person states the authority.
    """
    if not claimant.strip() or basis_of(claimant) is not None:
        return False
    return re.match(r"authori[sz]ed by \S", claimant.strip(), re.IGNORECASE) is None
