import msgspec
import pytest

from clonedetect.demo.judge import (
    SeenCapture,
    SeenFinding,
    SeenRelation,
    SeenSite,
    Told,
    judge,
    read_events,
    read_sites,
)
from clonedetect.demo.network import Expectation, Truth

PAGE = "http://clone.example/p/1"
PICTURE = "http://clone.example/1.jpg"
COPY = Expectation("clone.example", PAGE, ("p-1", "p-2"), "image", "flip", "confirmed", PICTURE)
TRUTH = Truth((COPY,), ("friend.example",), {"http://wall.example/": "challenge_page"})
WALL = SeenCapture("http://wall.example/", "challenge_page")
HIT = SeenFinding(PAGE, "p-2", "confirmed", ("image",), PICTURE)


def test_a_confirmed_copy_is_found_under_any_of_its_items() -> None:
    judgement = judge(TRUTH, [HIT], [WALL])
    assert judgement.told == (Told(COPY, "confirmed"),)
    assert not judgement.has_failed


@pytest.mark.parametrize(
    "finding",
    [
        msgspec.structs.replace(HIT, verdict="possible"),
        msgspec.structs.replace(HIT, item_id="p-3"),
        msgspec.structs.replace(HIT, media_url="http://clone.example/2.jpg"),
        msgspec.structs.replace(HIT, kinds=("text",)),
    ],
    ids=["only possible", "other item", "other picture", "other kind"],
)
def test_anything_less_is_a_miss(finding: SeenFinding) -> None:
    judgement = judge(TRUTH, [finding], [WALL])
    assert judgement.required_misses == (COPY,)
    assert judgement.has_failed


def test_a_caption_may_have_to_be_possible_only() -> None:
    caption = msgspec.structs.replace(COPY, kind="text", media=None, required="possible")
    said = msgspec.structs.replace(HIT, kinds=("text",), media_url=None, verdict="possible")
    assert not judge(msgspec.structs.replace(TRUTH, expectations=(caption,)), [said], [WALL]).has_failed


def test_exact_bytes_count_as_a_picture() -> None:
    assert judge(TRUTH, [msgspec.structs.replace(HIT, kinds=("exact",))], [WALL]).count("confirmed") == 1


def test_even_a_possible_finding_on_an_innocent_page_is_an_accusation() -> None:
    said = SeenFinding("http://friend.example/", "p-9", "possible", ("image",), "http://friend.example/a.jpg")
    judgement = judge(TRUTH, [HIT, said], [WALL])
    assert judgement.accused == (said,)
    assert judgement.has_failed


def test_a_challenge_page_taken_for_something_else_fails() -> None:
    judgement = judge(TRUTH, [HIT], [SeenCapture("http://wall.example/", "ok")])
    assert judgement.wrong_outcomes
    assert judgement.has_failed


def test_events_are_read_from_json_lines_and_other_fields_ignored() -> None:
    lines = [
        b'{"event":"capture","url":"http://a.example/","outcome":"ok","status":200}\n',
        b'{"event":"refusal","url":"http://b.example/","reason":"x","where":"enqueue"}\n',
        b'{"event":"finding","page_url":"p","item_id":"i","verdict":"confirmed","kinds":["text"],"score":1}\n',
        b'{"event":"summary","captures":1}\n',
    ]
    findings, captures = read_events(lines)
    assert [finding.item_id for finding in findings] == ["i"]
    assert captures == (SeenCapture("http://a.example/", "ok"),)


def _site(name: str, *others: str) -> SeenSite:
    return SeenSite(name, tuple(SeenRelation(other, 9.0) for other in others))


RUNS = msgspec.structs.replace(
    TRUTH,
    operators={"a.example": "north", "b.example": "north", "c.example": "south", "friend.example": "nobody"},
)


def test_sites_of_one_operator_make_a_family() -> None:
    sites = [_site("b.example", "a.example"), _site("a.example", "b.example"), _site("c.example")]
    judgement = judge(RUNS, [HIT], [WALL], sites)
    assert judgement.families == (("a.example", "b.example"),)
    assert not judgement.has_failed


@pytest.mark.parametrize("other", ["c.example", "friend.example"])
def test_a_relation_between_two_operators_fails(other: str) -> None:
    judgement = judge(RUNS, [HIT], [WALL], [_site("a.example", other)])
    assert judgement.wrong_relations == (("a.example", other),)
    assert judgement.has_failed


def test_two_innocent_sites_that_are_put_together_fail() -> None:
    truth = msgspec.structs.replace(RUNS, operators={"x.example": "nobody", "y.example": "nobody"})
    assert judge(truth, [HIT], [WALL], [_site("x.example", "y.example")]).has_failed


def test_rows_of_sites_are_read_from_json_lines() -> None:
    line = b'{"site":"a.example","related":[{"site":"b.example","bits":9.5,"reasons":[]}],"verdict":"none"}'
    assert read_sites([line, b"\n"]) == (SeenSite("a.example", (SeenRelation("b.example", 9.5),)),)
