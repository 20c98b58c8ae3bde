from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.match.quotation import end_of_own_words, is_quotation
from clonedetect.match.text_rules import CAUTIONS, GATES, Evidence, decide, score_of
from clonedetect.models.match import Verdict
from clonedetect.models.settings import TextThresholds

STRONG = Evidence(
    bits=150, distinctive_bits=150, total_bits=160, distinctive_total=160, coverage=0.95, density=0.95
)
THRESHOLDS = TextThresholds()


def verdict(**changes):
    decision = decide(replace(STRONG, **changes), THRESHOLDS)
    return decision and (decision.verdict, decision.rule, decision.gates)


def test_a_caption_with_a_hundred_bits_of_its_own_and_the_margin_in_all_is_confirmed_by_three_fifths():
    assert verdict() == (Verdict.CONFIRMED, "bits", ())
    least = {"total_bits": 120, "distinctive_total": 100, "coverage": 0.6}
    assert verdict(**least, bits=72, distinctive_bits=72) == (Verdict.CONFIRMED, "bits", ())
    assert verdict(**least, bits=71.9, distinctive_bits=71.9) == (Verdict.POSSIBLE, "bits", ())
    assert verdict(**(least | {"total_bits": 119})) == (Verdict.POSSIBLE, "bits", ())
    assert verdict(**(least | {"distinctive_total": 99})) == (Verdict.POSSIBLE, "gated", ("common phrases",))
    assert verdict(**(least | {"coverage": 0.59})) == (Verdict.POSSIBLE, "bits", ())


def test_two_fifths_of_a_caption_are_enough_where_it_breaks_off_with_an_ellipsis():
    cut = {"coverage": 0.4, "bits": 60, "distinctive_bits": 60, "total_bits": 120, "distinctive_total": 120}
    assert verdict(**cut, breaks_off=True, before=0.1) == (Verdict.CONFIRMED, "cut", ())
    assert verdict(**(cut | {"coverage": 0.5}), breaks_off=True, before=0.11)[0] is Verdict.POSSIBLE
    assert verdict(**(cut | {"coverage": 0.5})) == (Verdict.POSSIBLE, "bits", ())
    assert verdict(**cut) is None
    assert verdict(**(cut | {"coverage": 0.39}), breaks_off=True) is None
    enough = cut | {"coverage": 0.2, "bits": 100, "distinctive_bits": 100, "total_bits": 500}
    assert verdict(**enough, own_coverage=0.2, breaks_off=True) == (Verdict.CONFIRMED, "cut", ())
    assert verdict(**enough, own_coverage=0.2) == (Verdict.POSSIBLE, "excerpt", ())


def test_words_before_an_attribution_must_be_there_too():
    assert verdict(own_coverage=0.49) == (Verdict.POSSIBLE, "excerpt", ())


def test_a_quotation_is_confirmed_with_a_caution():
    decision = decide(replace(STRONG, is_quotation=True), THRESHOLDS)
    assert (decision.verdict, decision.gates, decision.cautions) == (Verdict.CONFIRMED, (), ("quotation",))
    assert CAUTIONS["quotation"] in decision.reasons


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"owners": 2}, "shared"),
        ({"is_repeated": True}, "repeated"),
        ({"is_model_sufficient": False}, "model too small"),
        ({"distinctive_bits": 71}, "common phrases"),
    ],
)
def test_each_gate_alone_keeps_a_text_from_being_confirmed(change, gate):
    assert verdict(**change) == (Verdict.POSSIBLE, "gated", (gate,))


def test_a_small_model_is_said_in_so_many_words():
    decision = decide(replace(STRONG, is_model_sufficient=False), THRESHOLDS)
    assert decision.reasons[-1] == f"the text alone is no more than possible: {GATES['model too small']}"


def test_between_sixty_bits_and_three_fifths_of_the_least_is_possible():
    assert verdict(bits=60, distinctive_bits=60) == (Verdict.POSSIBLE, "bits", ())
    assert verdict(bits=71, distinctive_bits=71) == (Verdict.POSSIBLE, "bits", ())
    assert verdict(bits=59, distinctive_bits=59) is None


def test_a_thin_chain_is_nothing():
    assert verdict(density=0.69) is None


def test_a_short_caption_is_inconclusive_and_never_clear():
    short = {"bits": 50.0, "distinctive_bits": 50.0, "total_bits": 55.0}
    assert verdict(**short) == (Verdict.INCONCLUSIVE, "too short", ())
    assert verdict(**short, coverage=0.4) is None
    reasons = decide(replace(STRONG, **short), THRESHOLDS).reasons
    assert any(reason.startswith("inconclusive: too short") for reason in reasons)


def test_a_caption_of_common_phrases_is_inconclusive():
    assert verdict(distinctive_bits=30) == (Verdict.INCONCLUSIVE, "common phrases", ("common phrases",))


def test_less_than_half_is_an_excerpt_and_at_most_possible():
    assert verdict(coverage=0.4, total_bits=500) == (Verdict.POSSIBLE, "excerpt", ())
    assert verdict(coverage=0.4, bits=99, distinctive_bits=99) is None
    assert verdict(coverage=0.4, distinctive_bits=30) is None


EVIDENCE = st.builds(
    Evidence,
    bits=st.floats(0, 400),
    distinctive_bits=st.floats(0, 400),
    total_bits=st.floats(1, 400),
    distinctive_total=st.floats(0, 400),
    coverage=st.floats(0, 1),
    density=st.floats(0, 1),
    own_coverage=st.floats(0, 1),
    before=st.floats(0, 1),
    breaks_off=st.booleans(),
    owners=st.integers(1, 3),
    is_repeated=st.booleans(),
    is_quotation=st.booleans(),
    is_model_sufficient=st.booleans(),
)


@given(EVIDENCE)
def test_nothing_gated_short_thin_or_partial_is_ever_confirmed(evidence):
    decision = decide(evidence, THRESHOLDS)
    if decision is None or decision.verdict is not Verdict.CONFIRMED:
        return
    assert evidence.owners == 1
    assert not evidence.is_repeated
    assert evidence.is_model_sufficient
    assert evidence.distinctive_bits >= 60
    assert evidence.distinctive_total >= 100
    assert evidence.total_bits >= 120
    if evidence.is_cut:
        assert evidence.coverage >= 0.4 or evidence.distinctive_bits >= 100
    else:
        assert evidence.coverage >= 0.6
        assert evidence.own_coverage >= 0.5
    assert evidence.density >= 0.7


@given(EVIDENCE)
def test_every_decision_gives_reasons_and_a_score_that_fits_its_verdict(evidence):
    decision = decide(evidence, THRESHOLDS)
    if decision is None:
        return
    assert decision.reasons
    assert 0 <= decision.score <= 1
    if decision.verdict is Verdict.CONFIRMED:
        assert decision.score >= 0.9
    if decision.verdict is Verdict.POSSIBLE:
        assert decision.score < 0.9
    if decision.verdict is Verdict.INCONCLUSIVE:
        assert decision.score <= 0.5


@given(st.floats(0, 500), st.floats(0, 500))
def test_more_bits_never_score_less(a, b):
    assert (score_of(a) <= score_of(b)) == (a <= b) or score_of(a) == score_of(b)


@pytest.mark.parametrize(
    "raw",
    [
        "We are what we repeatedly do. -- Will Durant",
        "La vida es sueño — Calderón de la Barca",
        "Tomorrow is another day!\n— Margaret Mitchell #books",
        "“The only way out is always through the middle of it”",
        "Great words: «Рукописи не горят, и это правда на века»",
        "「石の上にも三年、継続こそが力なり」",
        '"Whatever you are, be a good one, and be it wholly"',
        "知之为知之,不知为不知。——孔子",
        "#harvest 🎶 Carry the lanterns over the water, carry them home 🎶",
        "♪ the tide took my left sandal and the crab returned it",
    ],
)
def test_marked_quotations_are_told(raw):
    assert is_quotation(raw, [(0, len(raw))])


@pytest.mark.parametrize(
    "raw",
    [
        "We patched the boat and it floated, more or less",
        "Day 3 - the ferry was late, the soup was hot and nobody complained about anything at all",
        'My aunt said "no" and then bought the piano anyway, which surprised everyone in the queue',
        "10 km before breakfast — never again, said every one of my muscles for the entire following week",
        "Low tide at the pier-Lisbon",
        "The crab returned my left sandal and the whole pier applauded for it 🎶",
        "Low tide at the pier -- ()",
        "",
    ],
)
def test_plain_captions_are_no_quotations(raw):
    assert not is_quotation(raw, [(0, len(raw))])


def test_own_words_end_where_an_attribution_begins():
    raw = "El tacto consiste en saber hasta dónde llegar. -- Jean Cocteau. (1889-1963) Escritor francés."
    assert raw[: end_of_own_words(raw)] == "El tacto consiste en saber hasta dónde llegar. "
    for plain in ("We rowed home - wet, late and happy", "a well-kept boat", "-- Name", ""):
        assert end_of_own_words(plain) == len(plain)
