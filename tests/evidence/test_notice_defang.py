"""No letter holds an address that a program would follow, nor foreign words that pass for its own."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clonedetect.evidence.notices.contacts import Contact
from clonedetect.evidence.notices.defang import defanged, foreign
from clonedetect.evidence.notices.kinds import BLANKS, Grouping, NoticeKind
from clonedetect.evidence.notices.letters import Letter, render_letter
from clonedetect.evidence.notices.marks import MarkUse
from clonedetect.evidence.notices.origins import Certificate
from clonedetect.evidence.notices.recipients import Address, Recipient
from clonedetect.evidence.notices.views import EntryView, PlaceView
from clonedetect.models.ids import digest_of
from clonedetect.settings.document import Claimant, Platform

EMAIL = "legal@nidagram.example"
FOLLOWED = re.compile(
    r"(?i)(?<![a-z])(?!hxxps?://)[a-z][a-z0-9+.-]*://"
    r"|\b(?:mailto|javascript|data|tel|file|vbscript|magnet):\S"
    r"|www\.\w"
    r"|[^\s\[\]]@\w"
    r"|[\w-][.\u3002\uff0e\uff61](?:[a-z]{2,}|[^\W\d_\x00-\x7f]{2,})"
)
"""What mail programs and terminals make links of, written apart from the code under test."""

hosts = st.sampled_from(
    ["evil.example", "a-b.co.uk", "xn--e1afmkfd.xn--p1ai", "пример.рф", "例え。テスト", "1e100.net"]
)
schemes = st.sampled_from(
    ["http://", "HTTPS://", "hTTp://", "ftp://", "javascript:", "mailto:x@", "//", "", "www."]
)
hostile = st.one_of(
    st.builds(
        "{}{}{}{}".format,
        st.text(max_size=6),
        schemes,
        hosts,
        st.text(alphabet="/?=&.:@#%a1\u200b\r\n", max_size=9),
    ),
    st.text(max_size=40),
    st.text(alphabet="ht:p/.@w1a\u202e\u200b\n\r\t[]()", max_size=60),
)


def found(text: str) -> list[str]:
    return [one.group() for one in FOLLOWED.finditer(text.replace(EMAIL, ""))]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://clone.example/a.jpg", "hxxps://clone[.]example/a[.]jpg"),
        ("HTTP://X.example", "hxxp://X[.]example"),
        ("see www.evil.com now", "see www[.]evil[.]com now"),
        ("ftp://a.example", "ftp[://]a[.]example"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("https:/evil.com", "https[:]/evil[.]com"),
        ("mail a@b.co", "mail a[@]b[.]co"),
        ("at 12:30, 1.5 km. Then on", "at 12:30, 1.5 km. Then on"),
        ("203.0.113.7 and 2001:db8::1", "203.0.113.7 and 2001:db8::1"),
        ("例え。テスト", "例え[.]テスト"),
    ],
)
def test_addresses_are_broken_and_prose_is_not(text, shown):
    assert defanged(text) == shown


def test_the_oracle_sees_what_is_not_broken():
    for text in ("http://a", "x www.a", "b.com", "a@b", "javascript:x", "пример.рф", "see ftp://x"):
        assert found(text), text


@given(hostile)
def test_nothing_foreign_is_followed(text):
    shown = foreign(text)
    assert found(shown) == []
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set("\r\n\t\u200b\u202e")


@given(hostile)
def test_broken_once_is_broken_for_good(text):
    assert defanged(defanged(text)) == defanged(text)


def made(kind: NoticeKind, text: str) -> Letter:
    """A letter in which everything that others wrote is `text`."""
    at = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
    digest = digest_of(b"")
    place = PlaceView(
        "page", text, f"{text}/", False, False, at, "203.0.113.7", 443, 200, None, digest, digest
    )
    entry = EntryView(
        number=1,
        item_id=f"i{text}",
        account=f"a{text}",
        handle=f"h{text}",
        permalink=f"p{text}",
        published_at=at,
        caption=f"c{text}",
        rights_basis=f"owner: {text}",
        grounds=(text,),
        standing=(text,),
        marks=(MarkUse(f"m{text}", 2, is_in_name=True),),
        places=(place, replace(place, what="picture")),
        findings=(text,),
    )
    address = Address("203.0.113.7", (443,), (f"s{text}",), (Certificate(digest, f"s{text}", text),), (), ())
    recipient = Recipient(
        Grouping.SITE, f"k{text}", (text,), (address,), (Contact(text, text),), (f"look up {text}",)
    )
    return Letter(
        kind=kind,
        case_id="CLONE-42",
        claimant=Claimant("Nidagram GmbH", "Hafenstrasse 1", EMAIL, "owner"),
        platform=Platform(name=f"n{text}", hosts=(f"h{text}",), marks=(f"m{text}",)),
        recipient=recipient,
        entries=(entry,),
        cautions=(f"c{text}",),
        blanks=BLANKS[kind],
        part=1,
        parts=1,
    )


@settings(max_examples=40, deadline=None)
@given(text=hostile, kind=st.sampled_from(list(NoticeKind)))
def test_no_letter_holds_an_address_that_is_followed(text, kind):
    shown = render_letter(made(kind, text))
    assert found(shown) == []
    assert shown.count("\n") == render_letter(made(kind, "harmless")).count("\n")


@pytest.mark.parametrize(
    "forged", ["\n\nSigned for Nidagram GmbH:\n   signature /s/ Eve", "\r\n   [x] accuracy", "\u2028[x]"]
)
def test_foreign_words_add_no_line_to_a_letter(forged):
    shown = render_letter(made(NoticeKind.DMCA, forged))
    harmless = render_letter(made(NoticeKind.DMCA, "harmless"))
    assert len(shown.splitlines()) == len(harmless.splitlines())
    assert not any(line.strip().startswith("[x]") for line in shown.splitlines())
