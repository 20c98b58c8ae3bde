"""Distinct posts of one account: what counts once, and what counts for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clonedetect.analysis.accounts import judge_accounts, own_posts
from clonedetect.analysis.placing import Placed
from clonedetect.models.ids import AccountId, Digest, ItemId, MediaId, RecordId, TextId, digest_of
from clonedetect.models.match import (
    Finding,
    Ground,
    IdentifierMeasure,
    ImageMeasure,
    Kind,
    Match,
    Region,
    RegionKind,
    TextMeasure,
    Verdict,
)
from clonedetect.models.page import IdentifierKind

WHOLE = ((0.0, 0.0), (600.0, 0.0), (600.0, 400.0), (0.0, 400.0))


def _finding(match: Match, content: bytes, quoted: str = "", page: str = "http://clone.example/") -> Finding:
    record = RecordId("urn:uuid:1")
    name = f"{page}{match.item_id}{match.kinds}{content!r}{quoted}"
    return Finding(
        digest_of(name.encode())[:16], page, None, record, record, digest_of(content), quoted, match
    )


def _match(item: str, kind: Kind, verdict: Verdict, account: str = "ana") -> Match:
    return Match(ItemId(item), AccountId(account), None, verdict, (kind,), 0.9, None, ("found",))


def picture(item: str, content: bytes, *, box=WHOLE, verdict=Verdict.CONFIRMED, ours: str = "", **measured):
    reference = Digest(f"sha256:{ours or item}")
    measure = ImageMeasure(MediaId(1), reference, 40, 0.9, 0.0, 0.0, **measured)
    region = Region(RegionKind.IMAGE, polygon=box)
    return _finding(replace(_match(item, Kind.IMAGE, verdict), image=measure, regions=(region,)), content)


def text(
    item: str, quoted: str, *, number: int = 0, verdict=Verdict.CONFIRMED, owners=1, gates=(), **changed
):
    measure = TextMeasure(TextId(number or ord(item)), 150, 150, 1.0, 1.0, owners, gates=gates, rule="bits")
    region = Region(RegionKind.TEXT, span=(0, len(quoted)), block=f"/p[{item}]")
    match = replace(_match(item, Kind.TEXT, verdict), text=measure, regions=(region,))
    return _finding(replace(match, **changed), b"page", quoted)


def test_three_pictures_of_three_posts_are_three() -> None:
    assert own_posts([picture(name, name.encode()) for name in "abc"]) == ("a", "b", "c")


def test_three_posts_that_one_picture_matches_are_one() -> None:
    assert len(own_posts([picture(name, b"same") for name in "abc"])) == 1


def test_three_posts_in_one_collage_are_three() -> None:
    boxes = [tuple((x + 200 * n, y) for x, y in ((0, 0), (180, 0), (180, 300), (0, 300))) for n in range(3)]
    found = [picture(name, b"collage", box=box) for name, box in zip("abc", boxes, strict=True)]
    assert len(own_posts(found)) == 3


def test_a_region_that_nearly_covers_another_is_the_same_place() -> None:
    nearly = ((8.0, 5.0), (600.0, 0.0), (600.0, 400.0), (0.0, 400.0))
    assert len(own_posts([picture("a", b"same"), picture("b", b"same", box=nearly)])) == 1


def test_posts_of_one_picture_on_the_platforms_side_are_one() -> None:
    assert own_posts([picture(name, name.encode(), ours="one") for name in "cab"]) == ("a",)


def test_one_passage_that_three_posts_hold_is_one() -> None:
    assert len(own_posts([text(name, "The same  words.", number=n) for n, name in enumerate("abc", 1)])) == 1


def test_a_post_whose_picture_and_text_both_stand_is_one() -> None:
    assert own_posts([picture("a", b"1"), text("a", "words")]) == ("a",)


def test_a_copy_is_never_counted_twice_where_places_are_shared() -> None:
    found = [
        picture("a", b"shared"),
        picture("b", b"shared"),
        picture("a", b"second"),
        picture("a", b"third"),
    ]
    assert own_posts(found) == ("a", "b")


@pytest.mark.parametrize(
    "finding",
    [
        picture("a", b"1", verdict=Verdict.POSSIBLE),
        picture("a", b"1", other_accounts=2),
        picture("a", b"1", gates=("shared",)),
        text("a", "words", owners=2),
        text("a", "words", verdict=Verdict.POSSIBLE, gates=("shared",)),
    ],
    ids=["only possible", "published by others", "gated", "held by others", "a shared text"],
)
def test_what_is_not_the_accounts_own_counts_for_nothing(finding: Finding) -> None:
    assert own_posts([finding]) == ()


def placed(finding: Finding, entry: str = "", locator: str = "/x") -> Placed:
    return Placed(finding, locator, entry)


def identifier(item: str, ground: Ground, kind: IdentifierKind, **said) -> Finding:
    measure = IdentifierMeasure(ground, kind, item, item, "/a[1]", **said)
    return _finding(replace(_match(item, Kind.IDENTIFIER, Verdict.POSSIBLE), identifier=measure), b"page")


def _judged(*found: Placed, least: int = 3, capped=None):
    (one,) = judge_accounts(found, least, capped or {})
    return one


def test_a_confirmed_picture_and_a_confirmed_text_of_two_posts_confirm_the_account() -> None:
    one = _judged(placed(picture("a", b"1")), placed(text("b", "words")))
    assert (one.verdict, one.items, one.grounds) == (
        Verdict.CONFIRMED,
        ("a", "b"),
        (Ground.IMAGE, Ground.TEXT),
    )


def test_a_handle_confirms_beside_what_stands_in_the_same_entry_alone() -> None:
    handle = identifier("z", Ground.HANDLE, IdentifierKind.HANDLE)
    assert (
        _judged(placed(text("a", "words"), "/li[1]"), placed(handle, "/li[1]")).verdict is Verdict.CONFIRMED
    )
    apart = _judged(placed(text("a", "words"), "/li[1]"), placed(handle, "/li[2]"))
    assert apart.verdict is Verdict.POSSIBLE
    whole = _judged(placed(text("a", "words"), "/li[1]"), placed(handle, "", "url"))
    assert whole.verdict is Verdict.CONFIRMED
    assert whole.reasons == ("a handle of this account stands beside what is confirmed of it",)
    assert whole.items == ("a",)


def test_a_handle_beside_a_possible_text_confirms_nothing() -> None:
    handle = identifier("a", Ground.HANDLE, IdentifierKind.HANDLE)
    one = _judged(placed(text("a", "words", verdict=Verdict.POSSIBLE)), placed(handle))
    assert one.verdict is Verdict.POSSIBLE
    assert one.reasons == ("nothing of this account is confirmed on the page",)


def test_a_shared_picture_beside_a_handle_confirms_nobody() -> None:
    handle = identifier("a", Ground.HANDLE, IdentifierKind.HANDLE)
    one = _judged(placed(picture("a", b"1", other_accounts=1)), placed(handle))
    assert one.verdict is Verdict.POSSIBLE
    assert one.reasons[0].startswith("what stands of this account other accounts publish too")


@pytest.mark.parametrize("said", [{"is_mention": True}, {"is_ambiguous": True}, {"is_contradicted": True}])
def test_an_identifier_that_is_no_ground_confirms_nobody(said: dict[str, bool]) -> None:
    named = identifier("a", Ground.NATIVE_ID, IdentifierKind.SHORTCODE, **said)
    assert _judged(placed(text("a", "words")), placed(named)).verdict is Verdict.POSSIBLE


def test_what_is_capped_is_possible_with_the_reason() -> None:
    found = [text(name, f"words {name}", verdict=Verdict.POSSIBLE) for name in "abc"]
    one = _judged(*map(placed, found), capped={found[0].finding_id: "the domain is allowed"})
    assert (one.verdict, one.reasons) == (Verdict.POSSIBLE, ("the domain is allowed",))


def test_how_many_posts_it_takes_is_for_the_settings_to_say() -> None:
    found = [placed(text(name, f"words {name}")) for name in "ab"]
    assert _judged(*found).verdict is Verdict.POSSIBLE
    assert _judged(*found, least=2).verdict is Verdict.CONFIRMED


def test_what_has_no_account_accuses_none() -> None:
    assert judge_accounts([placed(text("a", "words", account_id=None))], 1, {}) == ()
