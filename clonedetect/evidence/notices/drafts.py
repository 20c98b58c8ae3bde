"""The drafts of a case: which letters can be written, to whom, and what was refused. Nothing is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from clonedetect.case.objects import get_object
from clonedetect.errors import InputError, NotPermittedError
from clonedetect.evidence.notices.attachment import attachment
from clonedetect.evidence.notices.bundles import MAX_BYTES, Bundle, split
from clonedetect.evidence.notices.certification import certification
from clonedetect.evidence.notices.contacts import Contact, site_contacts
from clonedetect.evidence.notices.folder import INDEX, Draft, index_document, refuse_taken, write_folder
from clonedetect.evidence.notices.gate import has_standing, require_claimant, sift
from clonedetect.evidence.notices.groups import Entry, Group, groups_of
from clonedetect.evidence.notices.kinds import BLANKS, Grouping, NoticeKind
from clonedetect.evidence.notices.letters import Letter, render_letter
from clonedetect.evidence.notices.marks import MarkUse, mark_uses
from clonedetect.evidence.notices.material import Gathered, Left, Material, gather
from clonedetect.evidence.notices.names import Names
from clonedetect.evidence.notices.origins import Origin, origin_of
from clonedetect.evidence.notices.recipients import Recipient, recipient_of
from clonedetect.evidence.notices.views import Teller, cautions_of, entry_view
from clonedetect.evidence.notices.xarf import Reporter, reports
from clonedetect.models.capture import Capture
from clonedetect.models.case import CaseContents
from clonedetect.models.ids import Digest
from clonedetect.settings.document import Settings

__all__ = ["CERTIFICATION", "Drafted", "Wanted", "draft"]

CERTIFICATION = "certification"
TOO_LARGE = "what is to be said of it does not fit into one mail"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the kinds of letters, whom each goes to, and whether accounts are keyed."""

    kinds: tuple[NoticeKind, ...] = tuple(NoticeKind)
    grouping: Grouping = Grouping.HOST
    names: Names = field(default_factory=Names)
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Drafted:
    """What was written where, what was refused, and how many findings no person confirmed.

    `path` is None where no letter could be written: then nothing was.
    """

    path: Path | None
    drafts: tuple[Draft, ...]
    left: tuple[Left, ...]
    confirmed: int
    rejected: int
    unsure: int
    undecided: int
    digest: Digest | None


def draft(
    contents: CaseContents,
    folder: Path,
    out: Path,
    settings: Settings,
    wanted: Wanted,
    *,
    blocked: frozenset[Digest] = frozenset(),
) -> Drafted:
    """Write the drafts of the case in `folder` into the new folder `out`.

    Equal case, settings and wishes give equal bytes. Raises NotPermittedError for a rehearsal,
    InputError where no person confirmed a finding, the settings do not say who claims, or `out` is
    taken; IncompleteError and VerificationError where a record is missing or was changed.
    """
    if contents.is_rehearsal:
        raise NotPermittedError(f"case {contents.case_id} is a rehearsal for life: no notice is made of it")
    refuse_taken(out)
    gathered = gather(contents, blocked)
    if not gathered.material and not gathered.left:
        raise InputError(
            f"case {contents.case_id} has no finding that a person confirmed"
            f" ({gathered.undecided} wait for one); look at them: clonedetect findings CASE --by finding,"
            " then clonedetect decide"
        )
    require_claimant(settings)
    writer = _Writer(contents, folder, settings, wanted, blocked)
    written = [writer.letters(kind, gathered.material) for kind in wanted.kinds]
    bundles = [bundle for each, _ in written for bundle in each]
    left = (*gathered.left, *(one for _, each in written for one in each))
    if not bundles:
        return _summary(None, (), left, gathered, None)
    papers = _papers(contents, folder, gathered, bundles, wanted.names)
    drafts = tuple(one for one, _ in bundles)
    papers[INDEX] = index_document(contents, drafts, left, gathered, papers)
    write_folder(out, papers)
    index = Digest(f"sha256:{hashlib.sha256(papers[INDEX]).hexdigest()}")
    return _summary(out, drafts, left, gathered, index)


def _papers(
    contents: CaseContents,
    folder: Path,
    gathered: Gathered,
    bundles: list[tuple[Draft, Bundle]],
    names: Names,
) -> dict[str, bytes]:
    """Return every file but the index: the certification, then the bundles' files."""
    text, listed = certification(contents, folder, gathered.material, names)
    papers = {f"{CERTIFICATION}.draft.txt": text.encode(), f"{CERTIFICATION}.draft.json": listed}
    for one, bundle in bundles:
        papers |= dict(zip(one.files, (data for _, data in bundle.files), strict=True))
    return papers


class _Writer:
    """Reads each record once, and makes the bundles of one kind of letter after the other."""

    def __init__(
        self,
        contents: CaseContents,
        folder: Path,
        settings: Settings,
        wanted: Wanted,
        blocked: frozenset[Digest],
    ) -> None:
        self._case_id = contents.case_id
        self._settings = settings
        self._wanted = wanted
        self._origin: Callable[[Capture], Origin] = cache(partial(origin_of, folder))
        self._contacts: Callable[[str], tuple[Contact, ...]] = cache(
            lambda site: site_contacts(contents, folder, site, blocked)
        )
        self._uses: Callable[[Capture], tuple[MarkUse, ...]] = cache(partial(_uses, folder, settings))

    def letters(
        self, kind: NoticeKind, material: tuple[Material, ...]
    ) -> tuple[list[tuple[Draft, Bundle]], list[Left]]:
        passed, refused = sift(kind, material, self._settings, self._marks_of)
        written: list[tuple[Draft, Bundle]] = []
        left = list(refused)
        for number, group in enumerate(_groups(kind, passed, self._wanted.grouping), 1):
            recipient = recipient_of(group, self._wanted.grouping, self._origin, self._contacts)
            numbered = tuple(enumerate(group.entries, 1))
            bundles, too_large = split(
                numbered, partial(self._bundle, kind, recipient), self._wanted.max_bytes
            )
            for part, bundle in enumerate(bundles, 1):
                made = _draft(kind, number, group, (part, len(bundles)), bundle)
                written.append((made, bundle))
            left += [_left_for_size(kind, entry) for _, entry in too_large]
        return written, left

    def _marks_of(self, one: Material) -> tuple[MarkUse, ...]:
        return self._uses(one.page)

    def _has_standing(self, one: Material) -> bool:
        return has_standing(one, self._settings)

    def _bundle(
        self,
        kind: NoticeKind,
        recipient: Recipient,
        numbered: Sequence[tuple[int, Entry]],
        part: int,
        parts: int,
    ) -> Bundle:
        entries = tuple(entry for _, entry in numbered)
        teller = Teller(kind, self._wanted.names, self._marks_of, self._has_standing)
        letter = Letter(
            kind=kind,
            case_id=self._case_id,
            claimant=self._settings.claimant,
            platform=self._settings.platform,
            recipient=recipient,
            entries=tuple(entry_view(number, entry, teller) for number, entry in numbered),
            cautions=cautions_of(entries),
            blanks=BLANKS[kind],
            part=part,
            parts=parts,
        )
        reporter = Reporter(
            self._settings,
            self._wanted.grouping,
            self._wanted.names,
            self._origin,
            self._has_standing,
        )
        files = [(".draft.txt", render_letter(letter).encode()), (".draft.json", attachment(letter))]
        for number, report in enumerate(reports(kind, entries, reporter), 1):
            files.append((f".xarf-{number:03}.draft.json", report))
        return Bundle(len(entries), letter.cautions, tuple(files))


def _groups(kind: NoticeKind, passed: tuple[Material, ...], grouping: Grouping) -> tuple[Group, ...]:
    return groups_of(passed, grouping, is_of_pages=kind is NoticeKind.TRADEMARK)


def _uses(folder: Path, settings: Settings, page: Capture) -> tuple[MarkUse, ...]:
    if page.content_digest is None or not settings.platform.marks:
        return ()
    return mark_uses(
        settings.platform.marks, page.final_url or page.url, get_object(folder, page.content_digest)
    )


def _draft(kind: NoticeKind, number: int, group: Group, place: tuple[int, int], bundle: Bundle) -> Draft:
    part, parts = place
    stem = f"{kind.value}-{number:02}" + (f"-part-{part}-of-{parts}" if parts > 1 else "")
    return Draft(
        kind=kind,
        recipient=group.key,
        part=part,
        parts=parts,
        entries=bundle.entries,
        size_bytes=bundle.size_bytes,
        files=tuple(f"{stem}{end}" for end, _ in bundle.files),
        left_blank=tuple(blank.field for blank in BLANKS[kind]),
        look_at_first=bundle.cautions,
    )


def _left_for_size(kind: NoticeKind, entry: Entry) -> Left:
    first = entry.material[0].finding
    return Left(first.finding_id, first.match.item_id, first.page_url, kind, TOO_LARGE)


def _summary(
    path: Path | None,
    drafts: tuple[Draft, ...],
    left: tuple[Left, ...],
    gathered: Gathered,
    digest: Digest | None,
) -> Drafted:
    return Drafted(
        path=path,
        drafts=drafts,
        left=left,
        confirmed=len(gathered.material) + len(gathered.left),
        rejected=gathered.rejected,
        unsure=gathered.unsure,
        undecided=gathered.undecided,
        digest=digest,
    )
