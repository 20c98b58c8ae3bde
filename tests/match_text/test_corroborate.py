import pytest

from clonedetect.match.corroborate import corroborate
from clonedetect.models.ids import AccountId, ItemId, TextId
from clonedetect.models.match import Kind, Match, Region, RegionKind, TextMeasure, Verdict
from clonedetect.models.settings import TextThresholds

THRESHOLDS = TextThresholds()


def match(item, account="ana", verdict=Verdict.POSSIBLE, kind=Kind.TEXT, *, gates=(), rule="bits", at=None):
    text = None
    if kind is Kind.TEXT:
        text = TextMeasure(TextId(1), 80, 90, 0.9, 0.9, 1, gates=gates, rule=rule)
    place = Region(RegionKind.TEXT, span=(0, 10), block=at or f"p[{item}]")
    return Match(
        ItemId(item), AccountId(account), None, verdict, (kind,), 0.8, None, ("found",), (place,), text=text
    )


def verdicts(*matches):
    return [m.verdict for m in corroborate(matches, THRESHOLDS).matches]


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.EXACT, Kind.VIDEO])
def test_a_confirmed_picture_of_the_same_item_confirms_its_text(kind):
    found = corroborate([match("1"), match("1", verdict=Verdict.CONFIRMED, kind=kind)], THRESHOLDS)
    assert found.matches[0].verdict is Verdict.CONFIRMED
    assert found.matches[0].reasons[-1].startswith("corroborated")
    assert found.accounts == ("ana",)


def test_a_handle_of_the_account_confirms_a_text_of_the_account():
    assert verdicts(match("1"), match("2", kind=Kind.IDENTIFIER))[0] is Verdict.CONFIRMED


def test_a_picture_cures_a_model_that_is_too_small():
    picture = match("1", verdict=Verdict.CONFIRMED, kind=Kind.IMAGE)
    assert verdicts(match("1", gates=("model too small",), rule="gated"), picture)[0] is Verdict.CONFIRMED


@pytest.mark.parametrize("gate", ["shared", "common phrases", "repeated", "quotation"])
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


def test_three_distinct_confirmed_posts_confirm_an_account():
    posts = [match(str(i), verdict=Verdict.CONFIRMED) for i in range(3)]
    assert corroborate(posts[:2], THRESHOLDS).accounts == ()
    assert corroborate(posts, THRESHOLDS).accounts == ("ana",)


def test_one_passage_that_matches_three_posts_counts_once():
    posts = [match(str(i), verdict=Verdict.CONFIRMED, at="p[1]") for i in range(3)]
    assert corroborate(posts, THRESHOLDS).accounts == ()


def test_posts_of_different_accounts_do_not_add_up():
    posts = [match(str(i), account=f"a{i}", verdict=Verdict.CONFIRMED) for i in range(3)]
    assert corroborate(posts, THRESHOLDS).accounts == ()


def test_nothing_is_worth_nothing():
    assert corroborate([], THRESHOLDS).matches == ()
