"""What the drafts refuse rather than guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from clonedetect.errors import IncompleteError, InputError, NotPermittedError, VerificationError
from clonedetect.evidence.notices.drafts import Drafted, Wanted, draft
from clonedetect.evidence.notices.kinds import NoticeKind
from clonedetect.evidence.notices.names import Names
from clonedetect.evidence.notices.rights import Basis, basis_of, claims_against_standing
from clonedetect.models.capture import Outcome, WireFidelity
from clonedetect.models.case import CaseContents, DecisionKind
from clonedetect.models.item import Visibility
from clonedetect.models.match import Kind
from clonedetect.models.standing import ItemStanding
from clonedetect.models.verdict import PageClass
from tests.evidence.notice_case import NOW, SETTINGS, NoticeCase, Post, post, settings

DMCA = Wanted((NoticeKind.DMCA,))


def drafted(
    tmp_path: Path, *posts: Post, wanted: Wanted = DMCA, text: str = SETTINGS, **case: object
) -> Drafted:
    made = NoticeCase(tmp_path / "case", *posts, **case)  # type: ignore[arg-type]
    return draft(made.contents(), made.folder, tmp_path / "out", settings(text), wanted)


def with_contents(tmp_path: Path, change, *posts: Post, **options: object) -> Drafted:
    made = NoticeCase(tmp_path / "case", *(posts or (post("p1"),)))
    contents: CaseContents = change(made.contents())
    return draft(contents, made.folder, tmp_path / "out", settings(), DMCA, **options)  # type: ignore[arg-type]


def only_reason(done: Drafted) -> str:
    assert done.drafts == ()
    assert done.path is None
    (left,) = done.left
    return left.reason


def test_a_rehearsal_is_refused_for_life(tmp_path):
    with pytest.raises(NotPermittedError, match="rehearsal"):
        drafted(tmp_path, post("p1"), is_rehearsal=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("decision", [None, DecisionKind.REJECT, DecisionKind.UNSURE])
def test_without_a_confirmed_finding_nothing_is_drafted(tmp_path, decision):
    with pytest.raises(InputError, match="no finding that a person confirmed"):
        drafted(tmp_path, post("p1", decision=decision))


@pytest.mark.parametrize("key", ["name", "address", "email"])
def test_without_a_field_of_the_claimant_nothing_is_drafted(tmp_path, key):
    claimant = {"name": "A", "address": "B", "email": "a@b.example"}
    del claimant[key]
    text = "[claimant]\n" + "".join(f'{name} = "{value}"\n' for name, value in claimant.items())
    with pytest.raises(InputError, match=f"claimant.{key} not set"):
        drafted(tmp_path, post("p1"), text=text)


def test_an_address_that_is_none_is_refused(tmp_path):
    text = SETTINGS.replace("legal@nidagram.example", "call us")
    with pytest.raises(InputError, match="no e-mail address"):
        drafted(tmp_path, post("p1"), text=text)


@pytest.mark.parametrize("basis", [None, "", "non-exclusive licence", "licensee", "not the owner", "unknown"])
def test_no_dmca_letter_without_a_basis_that_gives_standing(tmp_path, basis):
    done = drafted(tmp_path, post("p1", rights_basis=basis))
    assert "rights basis" in only_reason(done)
    assert done.left[0].instead == ("terms", "privacy", "trademark")
    assert not (tmp_path / "out").exists()


def test_the_settings_of_the_claimant_are_no_basis_for_a_post(tmp_path):
    text = SETTINGS.replace("authorised by its users, see each entry", "owner")
    assert "no rights basis is recorded for the post" in only_reason(
        drafted(tmp_path, post("p1", rights_basis=None), text=text)
    )


def test_a_claimant_that_says_it_has_no_standing_is_taken_at_its_word(tmp_path):
    text = SETTINGS.replace("authorised by its users, see each entry", "non-exclusive licensee")
    assert "claimant.rights_basis" in only_reason(drafted(tmp_path, post("p1"), text=text))


def test_posts_with_and_without_standing_are_told_apart(tmp_path):
    done = drafted(tmp_path, post("p1"), post("p2", rights_basis=None, page="https://clone.example/2"))
    assert [(one.kind, one.entries) for one in done.drafts] == [("dmca", 1)]
    assert [one.item_id for one in done.left] == ["p2"]
    assert "p2" not in (done.path / "dmca-01.draft.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "basis"),
    [
        ("owner", Basis.OWNER),
        ("Owner: contract 12", Basis.OWNER),
        ("exclusive_licensee", Basis.EXCLUSIVE_LICENSEE),
        ("exclusive licence (2026-03)", Basis.EXCLUSIVE_LICENSEE),
        ("user-mandate, form 7", Basis.USER_MANDATE),
        ("non-exclusive licensee", None),
        ("not owner", None),
        ("user", None),
        ("", None),
        (None, None),
    ],
)
def test_a_basis_is_one_of_three_in_so_many_words(text, basis):
    assert basis_of(text) is basis


@pytest.mark.parametrize(
    ("text", "is_against"),
    [
        ("", False),
        ("owner", False),
        ("authorized by the users", False),
        ("authorised by", True),
        ("a licence", True),
    ],
)
def test_what_a_claimant_says_of_itself(text, is_against):
    assert claims_against_standing(text) is is_against


def test_an_identifier_is_no_copy_of_a_work(tmp_path):
    assert "no copy of a work" in only_reason(drafted(tmp_path, post("p1", kinds=(Kind.IDENTIFIER,))))


def test_supplied_material_names_no_recipient(tmp_path):
    def supplied(contents: CaseContents) -> CaseContents:
        captures = tuple(replace(one, fidelity=WireFidelity.SUPPLIED) for one in contents.captures)
        return replace(contents, captures=captures)

    assert "was supplied" in only_reason(with_contents(tmp_path, supplied))


def test_without_a_recorded_peer_there_is_no_recipient(tmp_path):
    def without(contents: CaseContents) -> CaseContents:
        return replace(contents, captures=tuple(replace(one, peer=None) for one in contents.captures))

    assert "no network address" in only_reason(with_contents(tmp_path, without))


@pytest.mark.parametrize("outcome", [Outcome.GONE, Outcome.SOFT_404, Outcome.PARKED])
def test_what_is_gone_needs_no_letter(tmp_path, outcome):
    def gone(contents: CaseContents) -> CaseContents:
        page = contents.captures[0]
        later = replace(page, captured_at=NOW + timedelta(days=2), outcome=outcome, record_id=None)
        return replace(contents, captures=(page, later))

    assert "gone when it was last asked for" in only_reason(with_contents(tmp_path, gone))


def test_a_picture_that_is_gone_needs_no_letter(tmp_path):
    def gone(contents: CaseContents) -> CaseContents:
        picture = next(one for one in contents.captures if one.url == "https://img.copy.example/1")
        later = replace(picture, captured_at=NOW + timedelta(days=2), outcome=Outcome.GONE, record_id=None)
        return replace(contents, captures=(*contents.captures, later))

    one = post("p1", picture="https://img.copy.example/1", kinds=(Kind.IMAGE,))
    assert "the picture was gone" in only_reason(with_contents(tmp_path, gone, one))


def test_a_page_that_is_back_is_complained_of(tmp_path):
    def back(contents: CaseContents) -> CaseContents:
        page = contents.captures[0]
        gone = replace(page, captured_at=NOW - timedelta(days=2), outcome=Outcome.GONE, record_id=None)
        return replace(contents, captures=(gone, page))

    assert len(with_contents(tmp_path, back).drafts) == 1


@pytest.mark.parametrize(
    "page_class",
    [
        PageClass.ALLOWED_DOMAIN,
        PageClass.ALLOWED_ITEMS,
        PageClass.AGGREGATOR,
        PageClass.SYNDICATION,
        PageClass.FEDERATION,
        PageClass.EMBED,
    ],
)
def test_what_the_operator_allows_is_not_complained_of(tmp_path, page_class):
    assert "no clone by the operator's own records" in only_reason(
        drafted(tmp_path, post("p1"), page_class=page_class)
    )


@pytest.mark.parametrize("page", ["https://partner.example/1", "https://www.partner.example/1"])
def test_a_post_that_may_stand_on_a_domain_is_not_complained_of_there(tmp_path, page):
    one = post("p1", allowed_domains=("partner.example",), page=page)
    assert "allows this domain" in only_reason(drafted(tmp_path, one))


def test_a_page_older_than_the_post_did_not_copy_it(tmp_path):
    standing = ItemStanding(Visibility.PUBLIC, Visibility.PUBLIC, published_after_s=3600.0)
    assert "before the post was published" in only_reason(
        drafted(tmp_path, post("p1", changes={"standing": standing}))
    )


def test_blocked_content_is_in_no_letter(tmp_path):
    made = NoticeCase(tmp_path / "case", post("p1"))
    blocked = frozenset({made.contents().findings[0].content_digest})
    done = draft(made.contents(), made.folder, tmp_path / "out", settings(), Wanted(), blocked=blocked)
    assert "report it as the law provides" in only_reason(done)


TRADEMARK = Wanted((NoticeKind.TRADEMARK,))


@pytest.mark.parametrize(
    "line", ['name = "Nidagram"', 'hosts = ["nidagram.example"]', 'marks = ["Nidagram"]']
)
def test_a_trade_mark_letter_needs_to_know_what_is_imitated(tmp_path, line):
    text = SETTINGS.replace(line, "", 1)
    assert "must say what is imitated" in only_reason(
        drafted(tmp_path, post("p1"), wanted=TRADEMARK, text=text)
    )


@pytest.mark.parametrize(
    "html",
    [
        "<p>nothing here of {}</p>",
        "<a href='https://nidagram.example/Nidagram'>{}</a>",
        "<script>var a = 'Nidagram'</script>{}",
        "<p>Nidagrams {}</p>",
    ],
)
def test_a_mark_that_is_not_seen_on_the_page_is_not_complained_of(tmp_path, html):
    done = drafted(tmp_path, post("p1"), wanted=TRADEMARK, html=html)
    assert "none of platform.marks" in only_reason(done)


def test_a_mark_in_the_name_of_the_host_is_seen(tmp_path):
    one = post("p1", page="https://nida-gram.example/x")
    done = drafted(tmp_path, one, wanted=TRADEMARK, html="<p>{}</p>")
    assert "in the host name" in (done.path / "trademark-01.draft.txt").read_text("utf-8")


def test_terms_of_nobody_are_refused(tmp_path):
    text = SETTINGS.replace('name = "Nidagram"', "", 1)
    done = drafted(tmp_path, post("p1"), wanted=Wanted((NoticeKind.TERMS,)), text=text)
    assert "platform.name is not set" in only_reason(done)


def test_data_of_nobody_are_refused(tmp_path):
    one = post("p1", account_id=None, handle=None)
    done = drafted(tmp_path, one, wanted=Wanted((NoticeKind.PRIVACY,)))
    assert "knows no account" in only_reason(done)


def test_a_record_that_is_missing_ends_it(tmp_path):
    with pytest.raises(IncompleteError, match="no capture of record"):
        with_contents(tmp_path, lambda contents: replace(contents, captures=()))


def test_the_platforms_own_side_that_is_missing_ends_it(tmp_path):
    with pytest.raises(IncompleteError, match="no copy of item"):
        with_contents(tmp_path, lambda contents: replace(contents, references=()))


def test_a_changed_record_ends_it_and_leaves_nothing(tmp_path):
    made = NoticeCase(tmp_path / "case", post("p1"))
    archive = made.folder / "archive/00001.warc.gz"
    contents = made.contents()
    response = contents.captures[0].hops[0].response
    data = bytearray(archive.read_bytes())
    data[response.offset + response.length // 2] ^= 1
    archive.write_bytes(bytes(data))
    with pytest.raises(VerificationError):
        draft(contents, made.folder, tmp_path / "out", settings(), DMCA)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        drafted(tmp_path, post("p1"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_short_key_is_refused():
    with pytest.raises(InputError, match="at least 16 bytes"):
        Names(b"short")


def test_the_archive_is_only_read(tmp_path):
    made = NoticeCase(tmp_path / "case", post("p1"))
    before = {path: path.read_bytes() for path in (made.folder / "archive").rglob("*") if path.is_file()}
    draft(made.contents(), made.folder, tmp_path / "out", settings(), Wanted())
    assert before == {path: path.read_bytes() for path in before}
