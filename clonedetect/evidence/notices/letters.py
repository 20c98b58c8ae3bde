"""The letters as plain text: our words from templates, everything else neutralised before it gets there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from clonedetect.evidence.marking import hidden_code_points
from clonedetect.evidence.notices.defang import Shown, foreign
from clonedetect.evidence.notices.kinds import TITLES, Blank, NoticeKind
from clonedetect.evidence.notices.recipients import Recipient
from clonedetect.evidence.notices.views import EntryView
from clonedetect.settings.document import Claimant, Platform

__all__ = ["Letter", "render_letter", "render_text"]


@dataclass(frozen=True, slots=True)
class Letter:
    """Everything one letter says: `part` of `parts`, through which entries are numbered on."""

    kind: NoticeKind
    case_id: str
    claimant: Claimant
    platform: Platform
    recipient: Recipient
    entries: tuple[EntryView, ...]
    cautions: tuple[str, ...]
    blanks: tuple[Blank, ...]
    part: int
    parts: int

    @property
    def title(self) -> str:
        """The subject of the letter."""
        return TITLES[self.kind]


def render_letter(letter: Letter) -> str:
    """Return the letter as text."""
    return render_text(f"{letter.kind.value}.txt.j2", letter=letter)


def render_text(template: str, **values: object) -> str:
    """Return one of the shipped templates with `values`; what is no `Shown` is made foreign text first."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701  plain text: `finalize` neutralises what HTML escaping would
        loader=PackageLoader("clonedetect.evidence.notices", "letters"),
        undefined=StrictUndefined,
        finalize=_finalised,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["when"] = _when
    environment.filters["own"] = _own
    return environment


def _finalised(value: object) -> Shown:
    return value if isinstance(value, Shown) else foreign(str(value))


def _own(text: str) -> Shown:
    """Return what the operator says of itself, or what we made (ids, digests), on one line, unbroken."""
    return Shown(hidden_code_points(" ".join(text.split())))


def _when(moment: datetime) -> Shown:
    return Shown(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
