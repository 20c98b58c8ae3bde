"""The report's plain words for what the records say in figures and codes."""

from __future__ import annotations

from clonedetect.evidence.rows import NOT_JUDGED
from clonedetect.models.capture import Outcome, Purpose
from clonedetect.models.match import IdentifierMeasure, ImageMeasure, Kind, Match, TextMeasure, Verdict
from clonedetect.models.verdict import PageClass

__all__ = [
    "CLASSES",
    "GLOSSARY",
    "KINDS",
    "OUTCOMES",
    "PURPOSES",
    "VERDICTS",
    "identifier_sentences",
    "image_sentences",
    "text_sentences",
]

OUTCOMES: dict[Outcome, str] = {
    Outcome.OK: "received whole and looked at",
    Outcome.NOT_MODIFIED: "the site said that nothing had changed since the capture before",
    Outcome.REDIRECT_LOOP: "the site sent us round in circles, or on too often",
    Outcome.HTTP_ERROR: "the site answered with an error",
    Outcome.BLOCKED_SCOPE: "it led to where the authorization does not reach, and was not followed",
    Outcome.BLOCKED_ADDRESS: "its name led to a private or forbidden network address, and was not contacted",
    Outcome.BLOCKED_ROBOTS: "the site's robots.txt asks not to fetch it",
    Outcome.CHALLENGE_PAGE: "the site showed a test for people instead; such tests are never solved",
    Outcome.RATE_LIMITED: "the site asked us to slow down or stop, and we did",
    Outcome.LOGIN_WALL: "the site wants a login; none is ever used",
    Outcome.SOFT_404: "the site showed a page that says there is nothing here",
    Outcome.GONE: "the site says that it no longer exists",
    Outcome.PARKED: "the domain shows only a placeholder of its registrar or an advertiser",
    Outcome.REDIRECTED_AWAY: "the site sent us elsewhere, outside what may be looked at",
    Outcome.TLS_ERROR: "the encrypted connection could not be trusted",
    Outcome.PROTOCOL_ERROR: "the answer was no proper HTTP",
    Outcome.TOO_LARGE: "it was larger than the limit, and was cut",
    Outcome.BOMB: "it would have unpacked to far more than it is, and was not unpacked",
    Outcome.TIMEOUT: "the site did not answer in time",
    Outcome.DECODE_ERROR: "what came could not be decoded",
    Outcome.PARSE_KILLED: "reading it took too long or too much memory, and was stopped",
    Outcome.NOT_MEDIA: "what came is not the picture or video it was said to be",
    Outcome.DNS_ERROR: "its name could not be found",
    Outcome.CONNECT_ERROR: "the site could not be reached",
    Outcome.GRANT_EXPIRED: "the authorization had ended",
    Outcome.BUDGET: "a limit of the authorization was reached",
    Outcome.DISK_FULL: "our disk was full",
    Outcome.NEEDS_RENDERING: "its content appears only in a browser; none was used",
    Outcome.NOT_VISITED: "known, and never asked for",
}
"""What each outcome means to a reader."""

VERDICTS: dict[str, str] = {
    Verdict.CONFIRMED: "confirmed",
    Verdict.POSSIBLE: "possible, for a person to decide",
    Verdict.NONE: "looked at whole, nothing found",
    Verdict.INCONCLUSIVE: "could not be decided",
    NOT_JUDGED: "captured, not judged yet",
}

KINDS: dict[Kind, str] = {
    Kind.EXACT: "the same file",
    Kind.IMAGE: "the same picture",
    Kind.TEXT: "the same text",
    Kind.VIDEO: "the same video",
    Kind.IDENTIFIER: "the platform's own identifier",
}

CLASSES: dict[PageClass, str] = {
    PageClass.UNCLASSED: "nothing of the platform was found on it",
    PageClass.REPUBLICATION: "it shows the platform's content, and nothing makes it anything else",
    PageClass.ALLOWED_DOMAIN: "the operator allows what this domain shows",
    PageClass.ALLOWED_ITEMS: "the posts on it may be shown there, by their own entries",
    PageClass.AGGREGATOR: "it collects posts that may all be shown there, by their own entries",
    PageClass.SYNDICATION: "an allowed copy that names the platform's post as its original",
    PageClass.FEDERATION: "a copy that the protocol of federation makes",
    PageClass.WEB_ARCHIVE: "a web archive's copy of another site's page",
    PageClass.SEARCH_CACHE: "a search engine's copy of another site's page",
    PageClass.EMBED: "the platform itself shows its posts within it",
    PageClass.QUOTATION: "it quotes a part, and links to the source",
}
"""What each class of page means to a reader."""

PURPOSES: dict[Purpose, str] = {
    Purpose.PAGE: "page",
    Purpose.MEDIA: "picture or video",
    Purpose.API: "data behind a page",
    Purpose.ROBOTS: "robots.txt",
    Purpose.SITEMAP: "site map",
    Purpose.FAVICON: "icon",
}

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("account, item", "somebody's account on the platform, and one public post of it"),
    ("authorization (grant)", "the dated document that says which hosts may be looked at, by whom and why"),
    (
        "calibration",
        "the bounds that decide on pictures or texts, by the name under which their error was measured;"
        " others may err more often",
    ),
    ("capture", "one request and everything that came back, kept byte for byte with its time"),
    (
        "capture, supplied",
        "what somebody else recorded and handed over as a file; that a site sent it, and when, is as claimed",
    ),
    (
        "class of a page",
        "what a page is to the platform: a republication, or something that is none, such as a web archive or"
        " an embed; then no finding on it is more than possible",
    ),
    ("confirmed", "the pair was compared in detail, and passed rules whose error was measured beforehand"),
    ("custody log", "the list of who did what and when, each line holding the digest of the line before"),
    (
        "digest (SHA-256)",
        "a fingerprint of a file's bytes: change one bit, and it is another; nobody can make a file fit one",
    ),
    ("exhibit", "one numbered finding with both sides shown"),
    ("finding", "one item of the platform seen at one place of one page"),
    (
        "ground",
        "an independent kind of evidence: the same bytes, picture, video or text, an id, a handle, a link to"
        " the file. The same thing twice is one ground",
    ),
    (
        "hash distance",
        "in how many of 256 bits the fingerprints of two pictures differ; those of unrelated ones differ in"
        " about 128. It proposes a pair and never confirms one",
    ),
    (
        "information bits",
        "how much a shared passage says: a common greeting few, a sentence of one's own many",
    ),
    (
        "matched points",
        "places of one picture that were found again in the other, all by one and the same movement",
    ),
    (
        "observed, estimated",
        "counted over the pages that were captured, which a crawl came to; or concluded, from a random"
        " sample, about the whole list it was drawn from",
    ),
    ("possible", "alike, but short of the rule for confirmed: only a person may decide"),
    ("record", "one block of the archive file, with a number of its own"),
    ("sample", "addresses drawn from a list by a rule that anyone can repeat: the list's digest and a seed"),
    (
        "signal of the operator (trait)",
        "something that tells who may run a site: an account with an advertiser, an icon, a certificate,"
        " a template. It has a weight in bits and decides nothing",
    ),
    ("site", "everything under one registered domain name"),
)
"""The report's terms, in alphabetical order."""


def _percent(share: float) -> str:
    return f"{share:.0%}" if share == 0 or share >= 0.01 else "under 1%"


def image_sentences(match: Match, measure: ImageMeasure) -> tuple[str, ...]:
    """Return what was measured on a pair of pictures, in sentences."""
    said = []
    if measure.hash_distance is not None:
        form = measure.hash_form or "upright"
        view = measure.hash_view or "whole picture"
        said.append(f"Fingerprints: {measure.hash_distance} of 256 bits differ ({view}, {form}).")
    if Kind.EXACT in match.kinds:
        said.append("Both files are the same, byte for byte.")
    mirrored = ", after mirroring" if measure.mirrored else ""
    if measure.inliers:
        said.append(
            f"{measure.inliers} points of one picture lie where a single movement puts the other's{mirrored}."
        )
    elif measure.blocks:
        said.append(f"One picture was laid over the other as their fingerprints say{mirrored}.")
    if measure.inliers or measure.blocks:
        said.append(f"Laid over each other, {_percent(measure.agree)} of the parts with detail agree.")
        said.append(f"The largest connected part that disagrees is {_percent(measure.largest_disagreement)}.")
    if measure.masked_share:
        said.append(
            f"{_percent(measure.masked_share)} was left out of the comparison: template that others share."
        )
    if measure.rule and not any(reason.startswith(measure.rule) for reason in match.reasons):
        said.append(f"Rule that decided: {measure.rule}.")
    return (*said, *_bounds(measure))


def _bounds(measure: ImageMeasure | TextMeasure) -> tuple[str, ...]:
    """Return what decided, and what of it the operator set otherwise."""
    said = []
    if measure.calibration:
        run = (
            f", whose error was measured in run {measure.calibration_run}" if measure.calibration_run else ""
        )
        said.append(f"Bounds: calibration {measure.calibration}{run}.")
    if measure.departures:
        named = "; ".join(str(one) for one in measure.departures)
        said.append(f"Of these the operator set otherwise: {named}.")
    return tuple(said)


def identifier_sentences(measure: IdentifierMeasure) -> tuple[str, ...]:
    """Return what an identifier is and where it stands, in sentences."""
    said = [f"Ground: {measure.ground}.", f"Place on the page: {measure.locator}."]
    if not measure.is_ground:
        said.append("It counts for no verdict.")
    return tuple(said)


def text_sentences(measure: TextMeasure) -> tuple[str, ...]:
    """Return what was measured on a pair of texts, in sentences."""
    return (
        f"Shared passages carry {measure.bits:.0f} bits of information; the post, {measure.total_bits:.0f}.",
        f"{_percent(measure.coverage)} of the post is found here.",
        f"Within the passage, {_percent(measure.density)} agrees.",
        "No other account of the platform holds this text."
        if measure.owners <= 1
        else f"{measure.owners} accounts of the platform hold this text.",
        *_bounds(measure),
    )
