from dataclasses import replace

import pytest

from clonedetect.match.corroborate import corroborate
from clonedetect.models.ids import AccountId, ItemId, MediaId, TextId
from clonedetect.models.match import (
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


def match(
    item,
    account="ana",
    verdict=Verdict.POSSIBLE,
    kind=Kind.TEXT,
    *,
    gates=(),
    rule="bits",
    at=None,
    cautions=(),
):
    text = None
    if kind is Kind.TEXT:
        text = TextMeasure(TextId(1), 80, 90, 0.9, 0.9, 1, gates=gates, rule=rule, cautions=cautions)
    place = Region(RegionKind.TEXT, span=(0, 10), block=at or f"p[{item}]")
    return Match(
        ItemId(item), AccountId(account), None, verdict, (kind,), 0.8, None, ("found",), (place,), text=text
    )


def verdicts(*matches):
    return [m.verdict for m in corroborate(matches).matches]


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.EXACT, Kind.VIDEO])
def test_a_confirmed_picture_of_the_same_item_confirms_its_text(kind):
    found = corroborate([match("1"), match("1", verdict=Verdict.CONFIRMED, kind=kind)])
    assert found.matches[0].verdict is Verdict.CONFIRMED
    assert found.matches[0].reasons[-1].startswith("corroborated")
    assert found.lifted == (True, False)


def test_a_handle_of_the_account_confirms_a_text_of_the_account():
    assert verdicts(match("1"), match("2", kind=Kind.IDENTIFIER))[0] is Verdict.CONFIRMED


def test_a_picture_cures_a_model_that_is_too_small():
    picture = match("1", verdict=Verdict.CONFIRMED, kind=Kind.IMAGE)
    assert verdicts(match("1", gates=("model too small",), rule="gated"), picture)[0] is Verdict.CONFIRMED


@pytest.mark.parametrize("gate", ["shared", "common phrases", "repeated"])
def test_no_picture_makes_a_text_ones_own_that_everybody_has(gate):
    picture = match("1", verdict=Verdict.CONFIRMED, kind=Kind.IMAGE)
    assert verdicts(match("1", gates=(gate,), rule="gated"), picture)[0] is Verdict.POSSIBLE


@pytest.mark.parametrize(
    "other",
    [
        match("2", account="ben", verdict=Verdict.CONFIRMED, kind=Kind.IMAGE),
        match("1", verdict=Verdict.POSSIBLE, kind=Kind.IMAGE),
        match("2", verdict=Verdict.CONFIRMED),
    ],
    ids=["a picture of another account", "a possible picture", "another text"],
)
def test_what_is_no_independent_ground_confirms_nothing(other):
    assert verdicts(match("1"), other)[0] is Verdict.POSSIBLE


def test_an_excerpt_is_not_upgraded():
    picture = match("1", verdict=Verdict.CONFIRMED, kind=Kind.IMAGE)
    assert verdicts(match("1", rule="excerpt"), picture)[0] is Verdict.POSSIBLE


def identifier(item, account="ana", ground=Ground.NATIVE_ID, *, is_mention=False):
    measure = IdentifierMeasure(
        ground, IdentifierKind.SHORTCODE, item, item, f"a[{item}]", is_mention=is_mention
    )
    return replace(match(item, account, kind=Kind.IDENTIFIER), identifier=measure)


def test_a_native_id_of_the_same_item_confirms_its_text_wherever_it_stands():
    found = corroborate([match("1"), identifier("1")], ["/li[1]", ""])
    assert found.matches[0].verdict is Verdict.CONFIRMED


@pytest.mark.parametrize(("entry", "expected"), [("/li[1]", Verdict.CONFIRMED), ("/li[2]", Verdict.POSSIBLE)])
def test_an_identifier_of_another_post_of_the_account_counts_in_the_same_entry_alone(entry, expected):
    found = corroborate([match("1"), identifier("2")], ["/li[1]", entry])
    assert found.matches[0].verdict is expected


@pytest.mark.parametrize("ground", [Ground.HANDLE, Ground.NATIVE_ID])
def test_a_mention_cures_nothing(ground):
    assert verdicts(match("1"), identifier("1", ground=ground, is_mention=True))[0] is Verdict.POSSIBLE


def test_an_identifier_of_another_account_cures_nothing():
    assert verdicts(match("1"), identifier("2", account="ben"))[0] is Verdict.POSSIBLE


def test_an_identifier_alone_stays_what_it_is():
    assert verdicts(identifier("1"), identifier("1", ground=Ground.HOTLINK)) == [Verdict.POSSIBLE] * 2


@pytest.mark.parametrize("gate", ["shared", "common phrases", "repeated"])
def test_no_identifier_makes_a_text_ones_own_that_everybody_has(gate):
    assert verdicts(match("1", gates=(gate,), rule="gated"), identifier("1"))[0] is Verdict.POSSIBLE


def picture(item="1", verdict=Verdict.POSSIBLE, gates=()):
    measure = ImageMeasure(MediaId(1), None, 20, 0.6, 0.2, 0.0, gates=gates)
    return replace(match(item, verdict=verdict, kind=Kind.IMAGE), image=measure)


def test_a_confirmed_text_confirms_the_picture_of_its_post():
    found = corroborate([picture(), match("1", verdict=Verdict.CONFIRMED)])
    assert (found.matches[0].verdict, found.lifted) == (Verdict.CONFIRMED, (True, False))


@pytest.mark.parametrize("gate", ["shared", "bank", "low content", "masked"])
def test_no_text_makes_a_picture_ones_own_that_everybody_has(gate):
    assert verdicts(picture(gates=(gate,)), match("1", verdict=Verdict.CONFIRMED))[0] is Verdict.POSSIBLE


@pytest.mark.parametrize(
    "other",
    [identifier("1"), match("2", verdict=Verdict.CONFIRMED), match("1")],
    ids=["its native id", "the text of another post of the account", "its own text, only possible"],
)
def test_what_does_not_confirm_a_picture(other):
    assert verdicts(picture(), other)[0] is Verdict.POSSIBLE


def test_what_is_excused_supports_nothing():
    grounds = [match("1", verdict=Verdict.CONFIRMED, kind=Kind.IMAGE), match("1", verdict=Verdict.CONFIRMED)]
    for ground, other in zip(grounds, (match("1"), picture()), strict=True):
        assert corroborate([other, ground]).lifted == (True, False)
        assert corroborate([other, ground], ["", ""], [False, True]).lifted == (False, False)


def test_nothing_is_worth_nothing():
    assert corroborate([]).matches == ()


def quoted(item, account="ana"):
    return match(item, account, Verdict.CONFIRMED, cautions=("quotation",))


def test_quoted_words_alone_accuse_nobody():
    found = corroborate([quoted("1"), quoted("2")])
    assert [one.verdict for one in found.matches] == [Verdict.POSSIBLE] * 2
    assert found.matches[0].reasons[-1].endswith("quoted words alone accuse nobody")
    assert found.matches[0].score < 0.9
    assert found.lifted == (False, False)


@pytest.mark.parametrize(
    "other",
    [
        match("2", verdict=Verdict.CONFIRMED),
        match("2", verdict=Verdict.CONFIRMED, kind=Kind.IMAGE),
        match("1", kind=Kind.IDENTIFIER),
    ],
    ids=["a text of its own", "a picture", "an identifier"],
)
def test_quoted_words_count_beside_something_else_of_the_account(other):
    assert verdicts(quoted("1"), other)[0] is Verdict.CONFIRMED


def test_another_accounts_text_says_nothing_of_quoted_words():
    assert verdicts(quoted("1"), match("2", "ben", Verdict.CONFIRMED))[0] is Verdict.POSSIBLE


def test_quoted_words_support_no_picture():
    assert verdicts(quoted("1"), match("1", kind=Kind.IMAGE))[1] is Verdict.POSSIBLE
