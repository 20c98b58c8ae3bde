"""What the letters say, of whom, and what they leave to a person."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clonedetect.evidence.notices.drafts import Drafted, Wanted, draft
from clonedetect.evidence.notices.groups import groups_of
from clonedetect.evidence.notices.kinds import BLANKS, CERTIFICATION_BLANKS, Grouping, NoticeKind
from clonedetect.evidence.notices.material import gather
from clonedetect.evidence.notices.names import Names
from clonedetect.evidence.notices.origins import Origin
from clonedetect.evidence.notices.recipients import recipient_of
from clonedetect.models.capture import Outcome, WireFidelity
from clonedetect.models.case import DecisionKind
from clonedetect.models.ids import digest_of
from clonedetect.models.item import Visibility, VisibilitySpan
from clonedetect.models.match import Kind, Verdict
from clonedetect.models.standing import ItemStanding
from clonedetect.models.verdict import PageClass
from tests.evidence.notice_case import HOST, MEDIA_HOST, NOW, NoticeCase, Post, post, settings

PICTURE = "https://img.copy.example/get?o=http://nidagram.example/1.jpg"
CUT = "Remove everything from here on"


def drafted(tmp_path: Path, *posts: Post, wanted: Wanted | None = None, **case: object) -> Drafted:
    made = NoticeCase(tmp_path / "case", *posts, **case)  # type: ignore[arg-type]
    return draft(made.contents(), made.folder, tmp_path / "out", settings(), wanted or Wanted())


def letter(done: Drafted, kind: str, number: int = 1) -> str:
    assert done.path is not None
    return (done.path / f"{kind}-{number:02}.draft.txt").read_text("utf-8")


def attached(done: Drafted, kind: str, number: int = 1) -> dict:
    assert done.path is not None
    return json.loads((done.path / f"{kind}-{number:02}.draft.json").read_bytes())


ELEMENTS = {
    "dmca": (
        "signature    [BLANK: signature]",
        "Post p1 of account acct-7",
        "hxxps://clone[.]example/profile/mara",
        "93000 Nida",
        "legal@nidagram.example",
        "[ ] I have a good faith belief that use of the material in the manner",
        "complained of is not authorized by the copyright owner, its agent, or\n       the law.",
        "[ ] The information in this notification is accurate.",
        "[ ] Under penalty of perjury, I am authorized to act on behalf of the owner",
        "[ ] Fair use (17 USC 107) was considered",
        "rights       recorded as: owner",
    ),
    "dsa": (
        "(a) Why the content is considered illegal",
        "[BLANK: legal_ground]",
        "hxxps://clone[.]example/profile/mara",
        "Nidagram GmbH\n   legal@nidagram.example",
        "[ ] I have a bona fide belief",
    ),
    "trademark": (
        "[BLANK: registration]",
        "mark         Nidagram: 1 time in the text",
        "[BLANK: use_complained_of]",
    ),
    "terms": ("[BLANK: provision]", "[BLANK: who_is_bound]", "claims no copyright"),
    "privacy": ("[BLANK: authority]", "[BLANK: legal_ground]"),
}


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_each_letter_has_its_elements_and_leaves_the_persons_part_blank(tmp_path, kind):
    done = drafted(tmp_path, post("p1"))
    text, document = letter(done, kind), attached(done, kind)
    for element in ELEMENTS[kind]:
        assert element in text
    foot = text[text.index(CUT) :]
    for blank in BLANKS[kind]:
        assert f"[BLANK: {blank.field}]" in text
        assert f"[ ] {blank.field}:" in foot
        assert document["left_blank"][blank.field]["value"] is None
    assert set(re.findall(r"\[BLANK: (\w+)\]", text)) == {blank.field for blank in BLANKS[kind]}
    assert "[x]" not in text.lower()
    assert text.startswith("DRAFT. Nothing was sent.")


def test_only_what_a_person_confirmed_is_spoken_of(tmp_path):
    done = drafted(
        tmp_path,
        post("p1"),
        post("p2", decision=DecisionKind.REJECT),
        post("p3", decision=DecisionKind.UNSURE),
        post("p4", decision=None),
    )
    assert (done.confirmed, done.rejected, done.unsure, done.undecided) == (1, 1, 1, 1)
    for path in done.path.iterdir():
        assert not re.search(r"\bp[234]\b", path.read_text("utf-8")), path.name


def test_by_host_each_address_is_told_of_what_it_serves(tmp_path):
    picture = post("p1", picture=PICTURE, kinds=(Kind.IMAGE,))
    done = drafted(tmp_path, picture, post("p2"), wanted=Wanted((NoticeKind.DMCA,)))
    assert [one.recipient for one in done.drafts] == [MEDIA_HOST, HOST]
    of_pictures, of_pages = letter(done, "dmca", 1), letter(done, "dmca", 2)
    assert "provider of the network address 198.51.100.20" in of_pictures
    assert "Post p2" not in of_pictures
    assert "Post p1" in of_pages
    assert "Post p2" in of_pages
    assert "served by another address" in of_pages


def test_a_host_of_pictures_is_not_told_of_texts_on_a_page_it_does_not_serve(tmp_path):
    picture = post("p1", picture=PICTURE, kinds=(Kind.IMAGE,), reasons=("the pictures agree",))
    done = drafted(tmp_path, picture, post("p1"), wanted=Wanted((NoticeKind.DMCA,)))
    assert "first sentence" not in letter(done, "dmca", 1)
    assert "first sentence" in letter(done, "dmca", 2)


def test_of_two_hosts_of_pictures_each_is_told_of_its_own(tmp_path):
    here = post("p1", picture=PICTURE, kinds=(Kind.IMAGE,), reasons=("the first pictures agree",))
    there = post("p1", picture=f"{PICTURE}2", kinds=(Kind.IMAGE,), reasons=("the second pictures agree",))
    peers = {f"{PICTURE}2": "198.51.100.21"}
    done = drafted(tmp_path, here, there, wanted=Wanted((NoticeKind.DMCA,)), peers=peers)
    assert [one.recipient for one in done.drafts] == [MEDIA_HOST, "198.51.100.21", HOST]
    first, second, page = (letter(done, "dmca", number) for number in (1, 2, 3))
    assert ("first pictures" in first, "second pictures" in first) == (True, False)
    assert ("first pictures" in second, "second pictures" in second) == (False, True)
    assert ("first pictures" in page, "second pictures" in page) == (True, True)
    assert "1[.]jpg2" not in first


def test_a_mark_on_a_page_is_not_told_to_the_host_of_its_pictures(tmp_path):
    picture = post("p1", picture=PICTURE, kinds=(Kind.IMAGE,))
    done = drafted(tmp_path, picture, wanted=Wanted((NoticeKind.TRADEMARK,)))
    assert [one.recipient for one in done.drafts] == [HOST]


def test_by_site_one_letter_goes_to_each_registrable_domain(tmp_path):
    posts = (
        post("p1"),
        post("p2", page="https://www.clone.example/2"),
        post("p3", page="https://other.example/"),
    )
    done = drafted(tmp_path, *posts, wanted=Wanted((NoticeKind.TERMS,), Grouping.SITE))
    assert [(one.recipient, one.entries) for one in done.drafts] == [
        ("clone.example", 2),
        ("other.example", 1),
    ]
    assert "the operator of the site clone[.]example" in letter(done, "terms", 1)


def test_recipients_are_what_the_records_tell_and_nothing_else(tmp_path):
    done = drafted(tmp_path, post("p1"), wanted=Wanted((NoticeKind.DMCA,)))
    recipient = attached(done, "dmca")["recipient"]
    assert recipient["key"] == HOST
    assert recipient["contacts"] == [
        {"address": "hello@clone.example", "page_url": "https://clone.example/profile/mara"}
    ]
    address = recipient["addresses"][0]
    assert address["intermediaries"] == [["Cloudflare", "header cf-ray, header server"]]
    assert address["certificates"][0]["subject"] == "CN=clone.example"
    text = letter(done, "dmca")
    assert "The abuse contact of the network of 203.0.113.7: look it up" in text
    assert "The registrar of clone[.]example: look it up" in text
    told = set(re.findall(r"[\w.+-]+@[\w.-]+", json.dumps(attached(done, "dmca"))))
    assert told == {"hello@clone.example", "legal@nidagram.example"}


def test_without_headers_or_contacts_nobody_is_named(tmp_path):
    done = drafted(
        tmp_path, post("p1"), wanted=Wanted((NoticeKind.DMCA,)), headers=(), html="<p>Nidagram {}</p>"
    )
    recipient = attached(done, "dmca")["recipient"]
    assert recipient["contacts"] == []
    assert recipient["addresses"][0]["intermediaries"] == []
    assert "no recorded page of the site states one" in letter(done, "dmca")


def test_a_minor_is_a_number_and_the_address_stands_in_the_attachment_alone(tmp_path):
    kid = post(
        "p9", minor=True, handle="kidname", caption="my first day", page="https://clone.example/kidname"
    )
    done = drafted(tmp_path, kid)
    texts = list(done.path.glob("*.draft.txt"))
    assert len(texts) == 6
    for path in texts:
        text = path.read_text("utf-8")
        assert "kidname" not in text, path.name
        assert "first day" not in text
        assert "acct-7" not in text
        assert "nidagram[.]example/p/p9" not in text
        assert "first sentence" not in text
    assert "Post p9\n" in letter(done, "dmca")
    assert attached(done, "dmca")["material"][0]["places"][0]["url"] == "https://clone.example/kidname"
    assert attached(done, "dmca")["material"][0]["account"] == ""


def test_words_and_handle_of_a_hidden_post_are_not_told(tmp_path):
    spans = (VisibilitySpan(Visibility.FOLLOWERS),)
    done = drafted(tmp_path, post("p1", visibility=spans), wanted=Wanted((NoticeKind.DSA,)))
    text = letter(done, "dsa")
    assert "mara" not in text
    assert "harbour" not in text
    assert "of account acct-7" in text


def test_an_account_that_is_its_handle_is_not_told_of_a_hidden_post(tmp_path):
    spans = (VisibilitySpan(Visibility.PRIVATE),)
    one = post("p1", visibility=spans, account_id="Mara", page="https://clone.example/u/mara")
    done = drafted(tmp_path, one, wanted=Wanted((NoticeKind.DSA,)))
    assert "mara" not in letter(done, "dsa").casefold()
    assert "Post p1\n" in letter(done, "dsa")
    certified = (done.path / "certification.draft.txt").read_text("utf-8")
    assert "mara" not in certified


def test_a_host_that_answers_differently_each_time_does_not_fill_the_letter(tmp_path):
    made = NoticeCase(
        tmp_path / "case", *(post(f"p{n}", page=f"https://clone.example/{n}") for n in range(30))
    )
    contents = made.contents()
    origins = [Origin(HOST, 443, server=f"{n} {'x' * 4000}") for n in range(30)]
    group = groups_of(gather(contents, frozenset()).material, Grouping.HOST)[0]
    told = recipient_of(group, Grouping.HOST, lambda _: origins.pop(), lambda _: ())
    assert len(told.addresses[0].servers) == 20
    assert max(map(len, told.addresses[0].servers)) < 300


def test_with_a_key_accounts_are_keyed_and_handles_left_out(tmp_path):
    done = drafted(tmp_path, post("p1"), wanted=Wanted(names=Names(b"k" * 32)))
    for path in done.path.glob("*.draft.txt"):
        text = path.read_text("utf-8")
        assert "mara" not in text, path.name
        assert "acct-7" not in text
    assert re.search(r"of account hmac-sha256:[0-9a-f]{64}", letter(done, "dmca"))


def test_a_privacy_letter_tells_who_could_see_the_post(tmp_path):
    standing = ItemStanding(Visibility.PUBLIC, Visibility.PRIVATE)
    done = drafted(tmp_path, post("p1", changes={"standing": standing}))
    assert "by nobody but its owner" in letter(done, "privacy")
    assert "by nobody but its owner" not in letter(done, "terms")
    assert attached(done, "terms")["material"][0]["standing"] == []


def test_a_dsa_notice_claims_no_copyright_without_standing(tmp_path):
    done = drafted(
        tmp_path, post("p1", rights_basis="non-exclusive licence"), wanted=Wanted((NoticeKind.DSA,))
    )
    text = letter(done, "dsa")
    assert "relies on the rights" not in text
    assert "non-exclusive" not in text
    assert "none on which copyright is claimed here" in text


CAUTIONS = [
    (post("p1", verdict=Verdict.POSSIBLE), PageClass.REPUBLICATION, "a person alone confirmed it"),
    (post("p1"), PageClass.QUOTATION, "looks like a quotation"),
    (post("p1"), PageClass.WEB_ARCHIVE, "looks like a web archive's copy"),
    (post("p1", reasons=("3 accounts publish these bytes",)), PageClass.REPUBLICATION, "2 other account(s)"),
    (
        post("p1", changes={"standing": ItemStanding(None, None, is_assumed=True)}),
        PageClass.REPUBLICATION,
        "public is assumed",
    ),
    (post("p1", canary=True), PageClass.REPUBLICATION, "is a canary"),
    (post("p1", minor=True), PageClass.REPUBLICATION, "showing a minor"),
]


@pytest.mark.parametrize(("one", "page_class", "words"), CAUTIONS, ids=lambda value: str(value)[:30])
def test_what_to_look_at_first_stands_below_the_cut_and_in_no_attachment(tmp_path, one, page_class, words):
    done = drafted(tmp_path, one, wanted=Wanted((NoticeKind.TERMS,)), page_class=page_class)
    body, _, foot = letter(done, "terms").partition(CUT)
    assert words in foot
    assert words not in body
    assert words not in json.dumps(attached(done, "terms"))
    assert words in done.drafts[0].look_at_first[0]


def test_a_page_that_was_not_seen_when_last_asked_for_is_pointed_out(tmp_path):
    made = NoticeCase(tmp_path / "case", post("p1"))
    contents = made.contents()
    page = contents.captures[0]
    later = replace(page, captured_at=NOW + timedelta(days=2), outcome=Outcome.CHALLENGE_PAGE, record_id=None)
    contents = replace(contents, captures=(page, later))
    done = draft(contents, made.folder, tmp_path / "out", settings(), Wanted((NoticeKind.TERMS,)))
    assert "When last asked for (2026-11-05 09:30 UTC), the page was not seen" in letter(done, "terms")


def test_same_case_and_settings_give_the_same_bytes(tmp_path):
    made = NoticeCase(tmp_path / "case", post("p1", picture=PICTURE, kinds=(Kind.IMAGE,)), post("p2"))
    for name in ("one", "two"):
        draft(made.contents(), made.folder, tmp_path / name, settings(), Wanted())
    first = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    assert len(first) > 10


def test_drafts_are_for_their_owner_alone(tmp_path):
    done = drafted(tmp_path, post("p1"))
    assert done.path.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in done.path.iterdir())


def test_the_index_names_every_file_with_its_digest(tmp_path):
    done = drafted(tmp_path, post("p1"))
    index = json.loads((done.path / "notices.json").read_bytes())
    found = {path.name: digest_of(path.read_bytes()) for path in done.path.iterdir()}
    assert found.pop("notices.json") == done.digest
    assert index["files"] == found
    assert index["is_sent"] is False
    assert index["confirmed_by"][0]["by"] == "R. Ali"


def test_who_decided_is_told_to_nobody_outside(tmp_path):
    done = drafted(tmp_path, post("p1"))
    for path in done.path.iterdir():
        assert path.name == "notices.json" or "R. Ali" not in path.read_text("utf-8")


def test_the_certification_lists_the_records_and_leaves_all_else_blank(tmp_path):
    done = drafted(tmp_path, post("p1", picture=PICTURE, kinds=(Kind.IMAGE,)), post("p2"))
    text = (done.path / "certification.draft.txt").read_text("utf-8")
    listed = json.loads((done.path / "certification.draft.json").read_bytes())
    assert set(re.findall(r"\[BLANK: (\w+)\]", text)) == {blank.field for blank in CERTIFICATION_BLANKS}
    flat = re.sub(r"\s+", " ", text)
    declared = "I declare (or certify, verify, or state) under penalty of perjury"
    assert f"{declared} that the foregoing is true and correct. Executed on (date)." in flat
    abroad = "under the laws of the United States of America that the foregoing is true and correct."
    assert f"{declared} {abroad} Executed on (date)." in flat
    assert [one["url"] for one in listed["records"]] == ["https://clone.example/profile/mara", PICTURE]
    for one in listed["records"]:
        assert one["block_digest"] in text
        assert one["payload_digest"] in text
    assert listed["custody"]["last_line"] in text


def test_a_record_that_was_reconstructed_is_not_certified_as_the_sockets_bytes(tmp_path):
    made = NoticeCase(tmp_path / "case", post("p1"))
    contents = made.contents()
    note = "it is not the bytes of the socket"
    for name, fidelity in (("exact", WireFidelity.EXACT), ("other", WireFidelity.RECONSTRUCTED)):
        changed = replace(contents, captures=(replace(contents.captures[0], fidelity=fidelity),))
        draft(changed, made.folder, tmp_path / name, settings(), Wanted())
        text = (tmp_path / name / "certification.draft.txt").read_text("utf-8")
        assert (note in text) is (name == "other")


def test_a_page_that_went_on_is_told_with_where_it_led(tmp_path):
    made = NoticeCase(tmp_path / "case", post("p1"))
    contents = made.contents()
    moved = replace(contents.captures[0], final_url="https://clone.example/moved")
    contents = replace(contents, captures=(moved,))
    done = draft(contents, made.folder, tmp_path / "out", settings(), Wanted((NoticeKind.DMCA,)))
    assert "which led to hxxps://clone[.]example/moved" in letter(done, "dmca")
    report = json.loads((done.path / "dmca-01.xarf-001.draft.json").read_bytes())
    assert report["infringing_url"] == "https://clone.example/moved"


def test_the_date_of_the_letter_is_left_to_the_person(tmp_path):
    done = drafted(tmp_path, post("p1", published_at=datetime(2024, 5, 1, tzinfo=UTC)))
    assert "Date: [BLANK: date]" in letter(done, "dmca")
