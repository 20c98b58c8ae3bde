"""What a case did not see and why: every capture, refusal and URL that was never asked, counted once.

A block is never a clean bill: whatever stands here, no page was judged `none` for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from clonedetect.analysis.page import SCRIPTS_ONLY, UNCAPTURED_FRAME
from clonedetect.extract.harvest import Omission
from clonedetect.models.capture import Capture, Outcome, Purpose, RefusalRecord
from clonedetect.models.case import CaseContents, HostPause
from clonedetect.models.gap import Gap, GapKind
from clonedetect.models.reasons import was_stopped
from clonedetect.models.verdict import PageVerdict

__all__ = ["SEEN", "gaps_of", "is_no_icon", "last_answers"]

SEEN: Final = frozenset({Outcome.OK, Outcome.NOT_MODIFIED})
"""Outcomes of what was received whole."""

_EXAMPLES = 3
_HOSTS_TOLD = 3
_WHAT = {Purpose.PAGE: "pages", Purpose.API: "pages", Purpose.MEDIA: "pictures"}

_OUTCOMES: Final[dict[Outcome, tuple[GapKind, str]]] = {
    Outcome.CHALLENGE_PAGE: (GapKind.WALL, "behind a challenge page"),
    Outcome.LOGIN_WALL: (GapKind.WALL, "behind a login"),
    Outcome.RATE_LIMITED: (GapKind.WALL, "rate limited: asked to slow down"),
    Outcome.NEEDS_RENDERING: (GapKind.RENDERING, "shown by scripts only, in a browser"),
    Outcome.PARSE_KILLED: (GapKind.STOPPED_PARSER, "whose parser had to be stopped"),
    Outcome.TIMEOUT: (GapKind.TIMEOUT, "without an answer in time"),
    Outcome.GONE: (GapKind.GONE, "that are not there (404, 410)"),
    Outcome.SOFT_404: (GapKind.GONE, "that say that nothing is there"),
    Outcome.PARKED: (GapKind.PLACEHOLDER, "that are a registrar's or advertiser's placeholder"),
    Outcome.BLOCKED_ROBOTS: (GapKind.ROBOTS, "that robots.txt does not allow"),
    Outcome.BLOCKED_ADDRESS: (GapKind.ADDRESS, "at a forbidden network address"),
    Outcome.BLOCKED_SCOPE: (GapKind.REDIRECT, "that lead to where the grant does not reach"),
    Outcome.REDIRECTED_AWAY: (GapKind.REDIRECT, "that lead to another site, which is not granted"),
    Outcome.GRANT_EXPIRED: (GapKind.GRANT_END, "left when the grant ended"),
    Outcome.BUDGET: (GapKind.BYTES, "left when a cap was reached"),
    Outcome.DISK_FULL: (GapKind.DISK, "left when the disk was full"),
    Outcome.TOO_LARGE: (GapKind.SIZE, "larger than the limit, and cut"),
    Outcome.BOMB: (GapKind.SIZE, "that unpack to far more than they are"),
    Outcome.NOT_MEDIA: (GapKind.UNREADABLE, "that are no picture or video"),
    Outcome.DECODE_ERROR: (GapKind.UNREADABLE, "that could not be decoded"),
    Outcome.HTTP_ERROR: (GapKind.ERROR, "answered with an error"),
    Outcome.DNS_ERROR: (GapKind.ERROR, "whose name was not found"),
    Outcome.CONNECT_ERROR: (GapKind.ERROR, "that could not be connected to"),
    Outcome.TLS_ERROR: (GapKind.ERROR, "whose certificate could not be trusted"),
    Outcome.PROTOCOL_ERROR: (GapKind.ERROR, "answered with no proper HTTP"),
    Outcome.REDIRECT_LOOP: (GapKind.ERROR, "that redirect in circles, or too often"),
}

_NEVER_ASKED: Final = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"deeper than max_depth \d+$", GapKind.TOO_DEEP),
        (r"video is not examined$", GapKind.VIDEO),
        (r"more than \d+ pages of ", GapKind.HOST_CAP),
        (r"max_pages \d+ reached$", GapKind.PAGE_CAP),
        (r"max_bytes \d+ reached$", GapKind.BYTES),
        (r"run_time_s \d+ reached$", GapKind.TIME),
        (r"disk_full: ", GapKind.DISK),
        (r"the grant (ended|begins) at ", GapKind.GRANT_END),
        (r"stopped by the operator$", GapKind.INTERRUPTED),
        (r"\S+ (answered \d+ and )?asked to wait \d+ s$|\S+ is parked$", GapKind.PARKED_HOST),
        (r"fetching .* failed: ", GapKind.DEFECT),
        (r"trap: ", GapKind.TRAP),
        (r"another spelling of a page that is known$", GapKind.SPELLING),
        (r"an endpoint that takes an id$", GapKind.OTHER),
    )
)
"""How the crawl words why it never asked for a URL; records hold the sentence alone."""

_PHRASES: Final = {
    GapKind.VIDEO: "that this version does not compare",
    GapKind.HOST_CAP: "past the cap of pages of one host",
    GapKind.PARKED_HOST: "of parked hosts (long Retry-After)",
    GapKind.INTERRUPTED: "left when the operator stopped the run",
    GapKind.DISK: "left when the disk was full",
    GapKind.GRANT_END: "left when the grant ended",
    GapKind.DEFECT: "whose fetch failed by a defect of ours",
    GapKind.QUEUED: "not asked when the run ended",
    GapKind.TRAP: "left out as traps: pages that a server makes up without end",
    GapKind.SPELLING: "that are other spellings of known pages",
}

_STEPS: Final = {
    GapKind.PAGE_CAP: "a new grant with a higher max_pages goes on with them",
    GapKind.BYTES: "a new grant with a higher max_bytes goes on with them",
    GapKind.TIME: "a new grant with a higher run_time_s goes on with them",
    GapKind.TOO_DEEP: "a new grant with a higher max_depth follows them",
    GapKind.DISK: "free disk space, and run the same command again",
    GapKind.GRANT_END: "a new grant goes on with them",
    GapKind.INTERRUPTED: "run the same command again: it goes on",
    GapKind.QUEUED: "run the same command again: it goes on",
    GapKind.TRAP: "name those that are none: what the list names is asked",
    GapKind.PROBE: "a new grant whose probe.handles list the names allows them",
    GapKind.TIMEOUT: "name pages without an answer again, and they are asked again",
}


@dataclass(frozen=True, slots=True)
class _Missed:
    """One thing that was not seen; `times` where it is counted on a page, `host` where that leads on."""

    kind: GapKind
    what: str
    reason: str
    url: str
    times: int = 1
    host: str = ""


def gaps_of(contents: CaseContents, pauses: Iterable[HostPause], now: datetime) -> tuple[Gap, ...]:
    """Return what was not seen, in the order of `GapKind`, the most first; `now` is aware.

    1. What was asked: of an address that was asked for repeatedly the last answer counts;
       robots.txt is no content and left out.
    2. What was refused and never received under a later grant. A refused redirect is its
       asker's capture, already counted, and so is a forbidden address.
    3. What is known and was never asked.
    4. What judged pages hold beside what the others count.
    """
    missed = [
        *_answers(contents.captures),
        *_refusals(contents),
        *_never_asked(contents),
        *_on_pages(contents.verdicts),
    ]
    groups: dict[tuple[GapKind, str, str], list[_Missed]] = {}
    for one in missed:
        groups.setdefault((one.kind, one.what, one.reason), []).append(one)
    order = list(GapKind)
    waits = _waits(tuple(pauses), now)
    found = [_gap(key, group) for key, group in groups.items()]
    found.sort(key=lambda gap: (order.index(gap.kind), -gap.count, gap.what, gap.reason))
    return _with_waits(found, waits)


def last_answers(captures: Iterable[Capture]) -> tuple[Capture, ...]:
    """Return the last capture of each address and purpose; a supplied one only where we never asked."""
    ordered = sorted(captures, key=lambda capture: (capture.origin is None, capture.captured_at))
    return tuple({(capture.purpose, capture.url): capture for capture in ordered}.values())


def is_no_icon(capture: Capture) -> bool:
    """Whether a site just has no icon where icons usually are: nothing was missed."""
    return capture.purpose is Purpose.FAVICON and capture.outcome is Outcome.GONE


def _answers(captures: Iterable[Capture]) -> Iterator[_Missed]:
    for one in last_answers(captures):
        if one.outcome not in SEEN and one.purpose is not Purpose.ROBOTS and not is_no_icon(one):
            kind, reason = _OUTCOMES.get(one.outcome, (GapKind.OTHER, str(one.outcome)))
            yield _Missed(kind, _WHAT.get(one.purpose, "addresses"), reason, one.url)


def _refusals(contents: CaseContents) -> Iterator[_Missed]:
    received = {(one.purpose, one.url) for one in contents.captures}
    refused = {
        (one.purpose, one.url): one for one in contents.refusals if one.where not in ("redirect", "socket")
    }
    for key, one in refused.items():
        is_file = one.where == "ingest" and one.url.startswith(
            "urn:"
        )  # no address: nothing of a site was missed
        if key not in received and one.purpose is not Purpose.ROBOTS and not is_file:
            yield _refused(one)


def _refused(one: RefusalRecord) -> _Missed:
    what = _WHAT.get(one.purpose, "addresses")
    if one.where == "robots":
        return _Missed(GapKind.ROBOTS, what, "that robots.txt does not allow", one.url)
    if one.reason.startswith(("the grant ended at ", "the grant begins at ")):
        return _Missed(GapKind.GRANT_END, what, "asked for outside the grant's window", one.url)
    if one.reason.endswith("is not one of probe.handles"):
        return _Missed(GapKind.PROBE, "look-ups", "of names that the grant does not list", one.url)
    if one.purpose is Purpose.MEDIA:
        return _Missed(GapKind.MEDIA, what, "that the grant does not allow", one.url, host=_host(one.url))
    if one.parent_url is None:
        return _Missed(GapKind.SEED, "URLs of the list", "that the grant does not allow", one.url)
    reason = "that the grant does not allow" if one.where == "enqueue" else "no longer allowed at their turn"
    return _Missed(GapKind.LINK, "links", reason, one.url)


def _never_asked(contents: CaseContents) -> Iterator[_Missed]:
    for one in contents.not_visited:
        kind = next((kind for pattern, kind in _NEVER_ASKED if pattern.match(one.reason)), GapKind.QUEUED)
        what = "videos" if kind is GapKind.VIDEO else "addresses"
        is_cap = kind in (GapKind.PAGE_CAP, GapKind.BYTES, GapKind.TIME)
        phrase = f"left when {one.reason}" if is_cap else one.reason
        yield _Missed(kind, what, _PHRASES.get(kind, phrase), one.url)


def _on_pages(verdicts: Iterable[PageVerdict]) -> Iterator[_Missed]:
    for verdict in verdicts:
        for reason, number in verdict.not_examined:
            found = _place(reason)
            if found is not None:
                kind, what, told = found
                yield _Missed(kind, what, told, verdict.page_url, number)


def _place(reason: str) -> tuple[GapKind, str, str] | None:
    """Return what a page's own count means; None for what captures, refusals or the queue count already."""
    if reason == SCRIPTS_ONLY:
        return GapKind.RENDERING, "pages", "shown by scripts only, in a browser"
    if was_stopped(reason):
        return GapKind.STOPPED_PARSER, "documents and pictures", "whose parser had to be stopped"
    if reason.startswith("no usable picture"):
        return GapKind.UNREADABLE, "pictures", "that could not be decoded"
    if reason == UNCAPTURED_FRAME:
        return GapKind.FRAME, "frames", "whose documents were not captured"
    if reason in vars(Omission).values():
        return GapKind.CUT, "parts of pages", f"past what is read of one: {reason}"
    return (GapKind.OTHER, "pictures", reason) if reason.startswith("withheld") else None


def _gap(key: tuple[GapKind, str, str], group: Sequence[_Missed]) -> Gap:
    kind, what, reason = key
    examples = tuple(dict.fromkeys(one.url for one in group))[:_EXAMPLES]
    steps = _media_steps(group) if kind is GapKind.MEDIA else (_STEPS[kind],) if kind in _STEPS else ()
    return Gap(kind, what, reason, sum(one.times for one in group), examples, steps)


def _media_steps(group: Iterable[_Missed]) -> tuple[str, ...]:
    hosts = Counter(one.host for one in group if one.host)
    steps = [
        f"grant media host {host} to see {number:,} picture{'' if number == 1 else 's'}"
        for host, number in hosts.most_common(_HOSTS_TOLD)
    ]
    if len(hosts) > _HOSTS_TOLD:
        steps.append(f"and {len(hosts) - _HOSTS_TOLD:,} media hosts more")
    return tuple(steps)


def _waits(pauses: Sequence[HostPause], now: datetime) -> tuple[str, ...]:
    """Return when hosts that sent us away may be asked again, the soonest first."""
    waiting = sorted((one for one in pauses if one.until > now), key=lambda one: (one.until, one.host))
    steps = [f"run again after {_moment(one.until, now)}: {one.host}" for one in waiting[:_HOSTS_TOLD]]
    if len(waiting) > _HOSTS_TOLD:
        last = waiting[-1]
        more = len(waiting) - _HOSTS_TOLD
        steps.append(f"{more:,} hosts more may be asked later, the last after {_moment(last.until, now)}")
    return tuple(steps)


def _moment(until: datetime, now: datetime) -> str:
    """Return a time rounded up to the minute, with its day where that is another."""
    minute = until + timedelta(seconds=-until.timestamp() % 60)
    return f"{minute:%H:%M} UTC" if minute.date() == now.date() else f"{minute:%d %b %H:%M} UTC"


def _with_waits(found: Sequence[Gap], waits: tuple[str, ...]) -> tuple[Gap, ...]:
    """Return the same with `waits` as the steps of the first gap that a pause explains."""
    kinds = [gap.kind for gap in found]
    place = next((kinds.index(kind) for kind in (GapKind.PARKED_HOST, GapKind.WALL) if kind in kinds), None)
    if place is None:
        return tuple(found)
    gap = found[place]
    if not waits and gap.kind is GapKind.PARKED_HOST:
        waits = ("run the same command again: the pauses of parked hosts are over",)
    told = Gap(gap.kind, gap.what, gap.reason, gap.count, gap.examples, (*gap.next_steps, *waits))
    return (*found[:place], told, *found[place + 1 :])


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
