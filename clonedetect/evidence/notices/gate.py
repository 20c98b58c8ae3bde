"""The gate in front of each kind of letter: what it refuses, why, and what may be used instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clonedetect.errors import InputError
from clonedetect.evidence.notices.kinds import NoticeKind
from clonedetect.evidence.notices.marks import MarkUse
from clonedetect.evidence.notices.material import Left, Material
from clonedetect.evidence.notices.rights import basis_of, claims_against_standing
from clonedetect.settings.document import Settings

__all__ = ["MarksOf", "has_standing", "require_claimant", "sift"]

MarksOf = Callable[[Material], tuple[MarkUse, ...]]
"""Gives the marks that stand on a finding's recorded page."""

_OTHERS = (NoticeKind.TERMS, NoticeKind.PRIVACY, NoticeKind.TRADEMARK)


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    instead: tuple[NoticeKind, ...] = ()


def require_claimant(settings: Settings) -> None:
    """Raise InputError unless the settings say who claims: name, postal address, e-mail address."""
    claimant = settings.claimant
    missing = [
        f"claimant.{key}" for key in ("name", "address", "email") if not getattr(claimant, key).strip()
    ]
    if missing:
        raise InputError(
            f"no notice without who claims: {', '.join(missing)} not set; fill in [claimant] in the settings"
            " and give them with --settings"
        )
    local, _, domain = claimant.email.rpartition("@")
    if not local or "." not in domain or any(character.isspace() for character in claimant.email):
        raise InputError(f"claimant.email: {claimant.email!r} is no e-mail address")


def sift(
    kind: NoticeKind, material: tuple[Material, ...], settings: Settings, marks_of: MarksOf
) -> tuple[tuple[Material, ...], tuple[Left, ...]]:
    """Return what a letter of `kind` may speak of, and what not: why, and what to use instead."""
    passed, left = [], []
    for one in material:
        refusal = _refusal(kind, one, settings, marks_of)
        if refusal is None:
            passed.append(one)
            continue
        finding = one.finding
        left.append(
            Left(
                finding.finding_id,
                finding.match.item_id,
                finding.page_url,
                kind,
                refusal.reason,
                tuple(other.value for other in refusal.instead),
            )
        )
    return tuple(passed), tuple(left)


def has_standing(one: Material, settings: Settings) -> bool:
    """Whether copyright may be claimed for what a finding shows."""
    return _copyright_refusal(one, settings) is None


def _refusal(kind: NoticeKind, one: Material, settings: Settings, marks_of: MarksOf) -> _Refusal | None:
    if kind is NoticeKind.DMCA:
        return _copyright_refusal(one, settings)
    if kind is NoticeKind.TRADEMARK:
        return _trademark_refusal(one, settings, marks_of)
    if kind is NoticeKind.TERMS and not settings.platform.name:
        return _Refusal("platform.name is not set: whose terms they are is not said")
    if kind is NoticeKind.PRIVACY and one.reference.item.account_id is None and not one.reference.item.handle:
        return _Refusal("the index knows no account of the post: whose data it is is not recorded")
    return None


def _copyright_refusal(one: Material, settings: Settings) -> _Refusal | None:
    recorded = (one.reference.item.rights_basis or "").strip()
    if not recorded:
        return _Refusal(
            "no rights basis is recorded for the post (owner, exclusive licensee or user mandate):"
            " a platform is not the owner of what its users publish",
            _OTHERS,
        )
    if basis_of(recorded) is None:
        return _Refusal(
            f"the recorded rights basis {recorded[:80]!r} gives no standing; it must be owner, exclusive"
            " licensee or user mandate",
            _OTHERS,
        )
    if claims_against_standing(settings.claimant.rights_basis):
        return _Refusal(
            f"claimant.rights_basis {settings.claimant.rights_basis[:80]!r} gives no standing; it must be"
            " owner, exclusive licensee, user mandate, or authorised by somebody",
            _OTHERS,
        )
    if not one.is_copy:
        return _Refusal("only an identifier was found: a name or number is no copy of a work", _OTHERS)
    return None


def _trademark_refusal(one: Material, settings: Settings, marks_of: MarksOf) -> _Refusal | None:
    others = (NoticeKind.TERMS, NoticeKind.PRIVACY)
    if not (settings.platform.marks and settings.platform.name and settings.platform.hosts):
        return _Refusal("platform.marks, platform.name and platform.hosts must say what is imitated", others)
    if not marks_of(one):
        return _Refusal(
            "none of platform.marks stands in the recorded page's text or in its host name", others
        )
    return None
