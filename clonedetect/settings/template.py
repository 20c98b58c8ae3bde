"""The text ``settings new`` writes: every setting with its meaning, at its built-in value."""

from __future__ import annotations

from importlib.resources import files

from clonedetect.settings.document import Settings, settings_values
from clonedetect.toml import toml_value

__all__ = ["PLATFORMS", "platform_example", "settings_template"]

_HEAD = """\
# Settings of clonedetect. Every line below shows a built-in value: remove its "# " to change it.
# Paths are relative to this file. Unknown keys are errors. Everything here goes into one digest that
# stands in every verdict, so that a verdict can be recomputed: clonedetect settings show --settings FILE
"""

_SECTIONS = {
    "platform": "The platform whose posts are defended.",
    "allow": "Domains that may show its content: hits there are listed, and nobody is accused.",
    "banks": "Content that proves nothing, or must not be touched.",
    "signals": "Signals of pictures beside the program's own: they propose, and never confirm.",
    "thresholds.image": "Distances in Hamming bits of 256, counts of keypoints, shares of aligned blocks.",
    "thresholds.text": "Bits of information under the index's character model; shares 0-1.",
    "claimant": "Who claims; stands in notices.",
    "signing": "Keys and names. Private keys are named here, never held.",
    "timestamp": "Where trusted time comes from.",
}

_KEYS = {
    "platform.name": "as notices and reports call it",
    "platform.hosts": "its own hosts; what is below them is its own too",
    "platform.media_hosts": "hosts that serve its pictures; a picture hotlinked from one is a ground",
    "platform.asset_id_patterns": "regular expressions over media URLs, one group around the id",
    "platform.shortcode_patterns": "regular expressions over URLs, one group around the code",
    "platform.numeric_id_patterns": "the same for numeric ids; slashes within the group are left out",
    "platform.handle_patterns": "the same for handles",
    "platform.shortcode_is_id": "whether a shortcode is the numeric id in base64url digits",
    "platform.id_time_shift": "an id was made at (id >> this) + id_epoch_ms, in ms since 1970; 0: no time",
    "platform.id_epoch_ms": "",
    "platform.expiry_parameters": "ends of signed addresses: NAME:hex, NAME:seconds or NAME:after OTHER",
    "platform.marks": "names and words by which a clone would imitate it",
    "allow.domains": "registrable domains; partners, embeds, your own properties",
    "allow.federation": "whether other servers copy its posts by ActivityPub; such copies accuse nobody",
    "banks.negative_images": "pictures that prove nothing, or folders of them: logos, memes, stock",
    "banks.common_phrases": "text files, one phrase a line: greetings, quotes, interface strings",
    "banks.background": "texts of one text a line: how people write, learned beside the shipped phrases",
    "banks.blocked_digests": "text files, one SHA-256 a line: bytes that are never decoded nor shown",
    "signals.active": "names, built in or of installed packages; an index is made with them: docs/signals.md",
    "thresholds.image.candidate_radius": "a hash within this makes a candidate; no distance confirms",
    "thresholds.image.exact_radius": "a hash within this is called a near copy in the reasons",
    "thresholds.image.strong_inliers": "confirmed: this many inliers and strong_agree,",
    "thresholds.image.strong_agree": "",
    "thresholds.image.inliers": "or this many and agree, and largest_disagreement at most",
    "thresholds.image.agree": "",
    "thresholds.image.largest_disagreement": "largest contiguous share that disagrees",
    "thresholds.image.possible_inliers": "shown to people: this many and possible_agree",
    "thresholds.image.possible_agree": "",
    "thresholds.image.block_ncc": "a block agrees when its correlation is over this",
    "thresholds.text.possible_bits": "shown to people from here on; shorter posts cannot be told by text",
    "thresholds.text.confirmed_bits": "a caption must hold so much of its own for text alone to prove it",
    "thresholds.text.coverage": "share of the post's bits below which only an excerpt stands there",
    "thresholds.text.density": "share of the span that must match",
    "thresholds.text.confirmed_coverage": "share of the post's bits, and of the least, that confirms",
    "thresholds.text.account_posts": "distinct confirmed posts of one account that confirm it on a page",
    "claimant.name": "",
    "claimant.address": "postal address",
    "claimant.email": "",
    "claimant.rights_basis": "owner, exclusive licensee, or authorised by whom",
    "signing.key": "Ed25519 private key (PEM) that seals packages: clonedetect key new FILE",
    "signing.actor": "who acts, for the custody log",
    "signing.approvers": "PEM files of the public keys whose grants are accepted",
    "timestamp.authorities": "RFC 3161 URLs; the only sockets outside a grant",
    "timestamp.roots": "PEM of the roots they chain to",
}


PLATFORMS = ("instagram-like", "mastodon-like")
"""Kinds of platform for whose ids and addresses there is a written example."""


def settings_template(platform: str | None = None) -> str:
    """Return every setting commented out at its built-in value; it parses as it is.

    With the name of one of `PLATFORMS` the section ``[platform]`` is that example's, in force
    as it stands but for the names of hosts, which are everybody's own.
    """
    lines = [_HEAD.rstrip()]
    section = ""
    for key, value in settings_values(Settings()):
        table, _, name = key.rpartition(".")
        if table != section:
            lines += ["", f"# {_SECTIONS[table]}", f"[{table}]"]
            section = table
            if table == "platform" and platform is not None:
                lines[-1:] = platform_example(platform).rstrip().split("\n")
        if table == "platform" and platform is not None:
            continue
        if _KEYS[key]:
            lines.append(f"## {_KEYS[key]}")
        lines.append(f"# {name} = {toml_value(value)}")
    return "\n".join(lines) + "\n"


def platform_example(platform: str) -> str:
    """Return the shipped section ``[platform]`` of one of `PLATFORMS`, with what its patterns find."""
    return (files(__package__) / "platforms" / f"{platform}.toml").read_text("utf-8")
