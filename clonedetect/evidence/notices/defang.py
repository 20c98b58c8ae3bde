"""Foreign text for plain letters: on one line, nothing hidden, nothing a mail program makes a link of."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from clonedetect.evidence.marking import hidden_code_points

__all__ = ["Shown", "defanged", "foreign", "shortened"]

_WEB: Final = re.compile(r"http(?=s?://)", re.IGNORECASE)
_SCHEME: Final = re.compile("://")
_NAMED: Final = re.compile(r"(?:(?:^|[^A-Za-z0-9+.-])hxxps?|\[)$", re.IGNORECASE)
_COLON: Final = re.compile(r"(?<=[^\W\d_]):(?=[^\s/]|/(?!/))")
_DOT: Final = re.compile(r"(?<=\S)[.\u2024\u3002\uff0e\uff61](?=\w)")
_FIGURE: Final = re.compile(r"(?<=\d)\[\.\](?=\d)")
_AT: Final = re.compile(r"(?<=[^\s\[])[@\uff20](?=[^\s\]])")
_SIX: Final = re.compile(r"(?<![\w:.\]])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:.\[])")
"""What may be an IPv6 address standing alone; its colons are no scheme's."""


class Shown(str):
    """Text that may stand in a letter as it is: what `foreign` made, and what the operator says of itself."""

    __slots__ = ()


def defanged(text: str) -> str:
    """Return `text` with every address in it broken: ``hxxps://clone[.]example/a``, ``me[@]clone[.]example``.

    Full stops before a letter, colons of schemes and signs of mail addresses are put in brackets
    wherever they stand, for which words are addresses is up to the program that shows them. Figures
    (``1.5``, IPv4 and IPv6 addresses) stay. Done twice, nothing more changes.
    """
    parts = _SIX.split(text)
    return "".join(
        part if place % 2 and _is_address(part) else _broken(part) for place, part in enumerate(parts)
    )


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def _scheme(found: re.Match[str]) -> str:
    """Leave ``hxxp://`` alone, which no program follows; ``khxxp://`` might be some program's own."""
    before = found.string[max(0, found.start() - 6) : found.start()]
    return "://" if _NAMED.search(before) else "[://]"


def _broken(text: str) -> str:
    text = _WEB.sub("hxxp", text)
    text = _SCHEME.sub(_scheme, text)
    text = _COLON.sub("[:]", text)
    text = _FIGURE.sub(".", _DOT.sub("[.]", text))
    return _AT.sub("[@]", text)


def foreign(text: str) -> Shown:
    """Return what somebody else wrote as one line, which cannot pass for the letter's own layout."""
    spelled = hidden_code_points(text).replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩")
    return Shown(defanged(spelled))


def shortened(text: str, longest: int) -> str:
    """Return the beginning of `text`, at most `longest` code points, and say so where more was there."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]} (and {len(text) - longest} more characters)"
