"""The letters there are, how they are grouped, and what in each only a person may fill in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["BLANKS", "CERTIFICATION_BLANKS", "TITLES", "Blank", "Grouping", "NoticeKind"]


class NoticeKind(StrEnum):
    """What a letter rests on."""

    DMCA = "dmca"
    DSA = "dsa"
    TRADEMARK = "trademark"
    TERMS = "terms"
    PRIVACY = "privacy"


class Grouping(StrEnum):
    """Whom one letter goes to: the provider of a network address, or the operator of a site."""

    HOST = "host"
    SITE = "site"


TITLES: Final = {
    NoticeKind.DMCA: "Notification of claimed infringement, 17 USC 512(c)(3)(A)",
    NoticeKind.DSA: "Notice under Article 16 of Regulation (EU) 2022/2065 (Digital Services Act)",
    NoticeKind.TRADEMARK: "Notice of use of trade marks",
    NoticeKind.TERMS: "Notice of posts republished, under terms of service",
    NoticeKind.PRIVACY: "Notice of personal data republished from posts",
}


@dataclass(frozen=True, slots=True)
class Blank:
    """One field that is left to a person: its key in the attachment, and what belongs there."""

    field: str
    what: str


_DATE = Blank("date", "date of the letter")
_TO = Blank("recipient_contact", "where it is sent; look it up, nothing of it is guessed (see below)")
_SIGNED = (
    Blank("signer_name", "name of the person who signs"),
    Blank("signer_capacity", "in what capacity that person acts for the claimant"),
    Blank("signature", "signature, by hand or electronic"),
)

BLANKS: Final[dict[NoticeKind, tuple[Blank, ...]]] = {
    NoticeKind.DMCA: (
        _DATE,
        _TO,
        Blank("claimant_telephone", "telephone of the claimant, where there is one"),
        Blank("fair_use_considered", "that fair use (17 USC 107) was considered, by whom, with a note"),
        Blank("good_faith_belief", "the signer's own good faith belief"),
        Blank("accuracy", "that what the notification says is accurate"),
        Blank("penalty_of_perjury", "under penalty of perjury, the authority to act for the owner"),
        *_SIGNED,
    ),
    NoticeKind.DSA: (
        _DATE,
        _TO,
        Blank(
            "legal_ground", "the provision of Union or national law that makes the content illegal, and why"
        ),
        Blank("bona_fide_belief", "the notifier's own belief that all of it is accurate and complete"),
        *_SIGNED,
    ),
    NoticeKind.TRADEMARK: (
        _DATE,
        _TO,
        Blank("registration", "office, number, owner and classes of the mark, with the territory"),
        Blank("use_complained_of", "why the use shown is one that the owner may forbid"),
        Blank("good_faith_belief", "the signer's own good faith belief"),
        *_SIGNED,
    ),
    NoticeKind.TERMS: (
        _DATE,
        _TO,
        Blank("provision", "the provision of the terms, with the version that held on the dates above"),
        Blank("who_is_bound", "who accepted those terms, and how that is known"),
        Blank("accuracy", "that what the letter says is accurate"),
        *_SIGNED,
    ),
    NoticeKind.PRIVACY: (
        _DATE,
        _TO,
        Blank("legal_ground", "the law relied upon (for instance Articles 6, 17 and 21 GDPR), and why"),
        Blank("authority", "for which persons the claimant may speak, and by what authority"),
        Blank("accuracy", "that what the letter says is accurate"),
        *_SIGNED,
    ),
}

CERTIFICATION_BLANKS: Final = (
    Blank("rule", "Rule 902(13), Rule 902(14), or both"),
    Blank("declarant_name", "name of the person who certifies"),
    Blank("declarant_position", "that person's position and employer"),
    Blank("qualification", "training and experience that make that person qualified"),
    Blank("knowledge", "how that person knows of the system and of this run of it"),
    Blank("accurate_result", "that the process described produces an accurate result, and why"),
    Blank("recomputed", "when, and with what, that person recomputed the digests listed"),
    Blank("penalty_of_perjury", "which of the two forms of 28 USC 1746 is made"),
    Blank("executed", "date, and place where the declaration is made"),
    Blank("signature", "signature, by hand or electronic"),
)
