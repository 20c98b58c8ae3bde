"""The reports beside the letters are XARF 4 by the format's own library, and the same twice."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import xarf

from clonedetect.evidence.notices.drafts import Drafted, Wanted, draft
from clonedetect.evidence.notices.kinds import Grouping, NoticeKind
from clonedetect.models.ids import digest_of
from clonedetect.models.match import Kind
from tests.evidence.notice_case import NoticeCase, Post, post, settings

PICTURE = "https://img.copy.example/get?o=http://nidagram.example/1.jpg&x=%0d%0a"


def reports(tmp_path: Path, *posts: Post, wanted: Wanted) -> tuple[Drafted, list[dict]]:
    made = NoticeCase(tmp_path / "case", *posts)
    done = draft(made.contents(), made.folder, tmp_path / "out", settings(), wanted)
    return done, [json.loads(path.read_bytes()) for path in sorted((tmp_path / "out").glob("*.xarf-*.json"))]


@pytest.mark.parametrize("grouping", list(Grouping))
@pytest.mark.parametrize("kind", [NoticeKind.DMCA, NoticeKind.DSA, NoticeKind.TRADEMARK])
def test_every_report_is_valid(tmp_path, kind, grouping):
    posts = (
        post("p1", picture=PICTURE, kinds=(Kind.IMAGE,)),
        post("p2", minor=True, page="https://clone.example/näh?q=\u202ea b"),
        post("p3", kinds=(Kind.EXACT,), rights_basis="user mandate: form 7", page="http://clone.example/3"),
    )
    _, found = reports(tmp_path, *posts, wanted=Wanted((kind,), grouping))
    assert len(found) >= 3
    for report in found:
        result = xarf.parse(report)
        assert result.errors == []
        assert result.report is not None


def test_the_validator_would_say_no(tmp_path):
    _, (report, *_) = reports(tmp_path, post("p1"), wanted=Wanted((NoticeKind.DMCA,)))
    del report["infringing_url"]
    assert xarf.parse(report).errors


@pytest.mark.parametrize("kind", [NoticeKind.TERMS, NoticeKind.PRIVACY])
def test_what_has_no_type_has_no_report(tmp_path, kind):
    done, found = reports(tmp_path, post("p1"), wanted=Wanted((kind,)))
    assert done.drafts
    assert found == []


def test_a_report_names_exactly_what_was_received(tmp_path):
    _, found = reports(
        tmp_path, post("p1", picture=PICTURE, kinds=(Kind.IMAGE,)), wanted=Wanted((NoticeKind.DMCA,))
    )
    pictured, paged = found
    assert (pictured["category"], pictured["type"]) == ("copyright", "copyright")
    assert pictured["infringing_url"] == PICTURE
    assert pictured["source_identifier"] == "198.51.100.20"
    assert paged["infringing_url"] == "https://clone.example/profile/mara"
    assert paged["original_url"] == "https://nidagram.example/p/p1"
    assert paged["rights_holder"] == "Nidagram GmbH"
    assert paged["timestamp"] == "2026-11-03T09:30:00Z"
    (evidence,) = paged["evidence"]
    payload = base64.b64decode(evidence["payload"])
    assert evidence["hash"] == digest_of(payload)
    assert json.loads(payload)["peer"] == "203.0.113.7:443"


def test_a_user_is_the_holder_of_what_a_mandate_was_given_for(tmp_path):
    _, (report,) = reports(
        tmp_path, post("p1", rights_basis="user mandate"), wanted=Wanted((NoticeKind.DMCA,))
    )
    assert "rights_holder" not in report


def test_a_dsa_notice_has_reports_of_what_has_standing_only(tmp_path):
    posts = (post("p1"), post("p2", rights_basis=None, page="https://clone.example/2"))
    done, found = reports(tmp_path, *posts, wanted=Wanted((NoticeKind.DSA,)))
    assert done.drafts[0].entries == 2
    assert [one["infringing_url"] for one in found] == ["https://clone.example/profile/mara"]


def test_a_brand_report_names_the_platform_and_the_page(tmp_path):
    _, (report,) = reports(tmp_path, post("p1"), wanted=Wanted((NoticeKind.TRADEMARK,)))
    assert (report["category"], report["type"]) == ("content", "brand_infringement")
    assert report["url"] == "https://clone.example/profile/mara"
    assert report["legitimate_site"] == "https://nidagram.example/"
    assert report["domain"] == "clone.example"


def test_what_is_hidden_in_letters_names_nobody_in_reports(tmp_path):
    one = post("p1", minor=True, handle="kidname", page="https://clone.example/1")
    _, (report,) = reports(tmp_path, one, wanted=Wanted((NoticeKind.DMCA,)))
    assert "kidname" not in json.dumps(report)
    assert "original_url" not in report


def test_reports_have_ids_of_their_content(tmp_path):
    _, found = reports(
        tmp_path, post("p1"), post("p2", page="https://clone.example/2"), wanted=Wanted((NoticeKind.DMCA,))
    )
    ids = [one["report_id"] for one in found]
    assert len(set(ids)) == 2
    assert all(one[14] == "4" for one in ids)
