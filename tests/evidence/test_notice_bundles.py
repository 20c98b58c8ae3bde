"""Bundles fit into one mail; what does not is split, numbered, and never lost."""

from __future__ import annotations

import base64
import json
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.evidence.notices.bundles import MAX_BYTES, Bundle, mailed_bytes, split
from clonedetect.evidence.notices.drafts import TOO_LARGE, Wanted, draft
from clonedetect.evidence.notices.kinds import NoticeKind
from tests.evidence.notice_case import NoticeCase, post, settings


@given(st.lists(st.integers(1, 300), max_size=40), st.integers(60, 900))
def test_every_entry_is_in_exactly_one_bundle_or_named_as_too_large(sizes, limit):
    entries = list(enumerate(sizes))

    def made(part, number, parts):
        return Bundle(
            len(part), (), ((json.dumps([list(part), number, parts]), b"x" * sum(s for _, s in part)),)
        )

    bundles, too_large = split(entries, made, limit + mailed_bytes(0))
    inside = []
    for number, bundle in enumerate(bundles, 1):
        part, said, parts = json.loads(bundle.files[0][0])
        assert (said, parts) == (number, len(bundles))
        assert bundle.size_bytes < limit + mailed_bytes(0)
        inside += [tuple(one) for one in part]
    assert sorted(inside + list(too_large)) == entries
    assert inside == sorted(inside)
    assert all(mailed_bytes(size) >= limit + mailed_bytes(0) for _, size in too_large)


@pytest.mark.parametrize("size", [0, 1, 57, 58, 5000, 100_001])
def test_what_a_file_takes_in_a_mail_is_not_underestimated(size):
    mail = EmailMessage()
    mail.add_attachment(b"\xff" * size, maintype="application", subtype="json", filename="dmca-01.draft.json")
    assert mailed_bytes(size) >= len(mail.as_bytes())
    assert mailed_bytes(size) >= len(base64.encodebytes(b"\xff" * size))


def pages(count: int) -> list:
    return [post(f"p{n}", page=f"https://clone.example/{n:03}") for n in range(count)]


def test_a_long_list_goes_out_in_numbered_parts(tmp_path):
    made = NoticeCase(tmp_path / "case", *pages(9))
    wanted = Wanted((NoticeKind.DMCA,), max_bytes=25_000)
    done = draft(made.contents(), made.folder, tmp_path / "out", settings(), wanted)
    assert len(done.drafts) > 1
    assert sum(one.entries for one in done.drafts) == 9
    told = []
    for number, one in enumerate(done.drafts, 1):
        parts = len(done.drafts)
        assert (one.part, one.parts) == (number, parts)
        assert one.files[0] == f"dmca-01-part-{number}-of-{parts}.draft.txt"
        assert sum(mailed_bytes((done.path / name).stat().st_size) for name in one.files) < 25_000
        assert f"part {number} of {parts}" in (done.path / one.files[0]).read_text("utf-8")
        document = json.loads((done.path / one.files[1]).read_bytes())
        told += [(entry["number"], entry["item_id"]) for entry in document["material"]]
        assert len(one.files) == 2 + one.entries
    assert told == [(n + 1, f"p{n}") for n in range(9)]


def test_what_fits_into_no_mail_is_refused_by_name(tmp_path):
    made = NoticeCase(tmp_path / "case", *pages(2))
    wanted = Wanted((NoticeKind.TERMS,), max_bytes=2_000)
    done = draft(made.contents(), made.folder, tmp_path / "out", settings(), wanted)
    assert done.drafts == ()
    assert [(one.item_id, one.reason) for one in done.left] == [("p0", TOO_LARGE), ("p1", TOO_LARGE)]


def test_a_bundle_stays_under_five_megabytes():
    assert MAX_BYTES == 5_000_000
