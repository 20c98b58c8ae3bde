from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.match.align import align, find_shared

LETTERS = st.text(st.sampled_from("abcdefghijklm日本語の"), max_size=80)
POST = "wepatchedtheoldrowingboatwithatarpaulinandtwobucketsofpinepitch"


def flat(text, bits=2.0):
    return np.full(len(text), bits)


@given(LETTERS, LETTERS)
def test_runs_are_equal_in_both_texts_and_in_order(reference, query):
    runs = find_shared(reference, query).runs
    for run in runs:
        assert (
            reference[run.reference : run.reference + run.length] == query[run.query : run.query + run.length]
        )
    for before, after in pairwise(runs):
        assert before.reference + before.length <= after.reference
        assert before.query + before.length <= after.query


@given(LETTERS, LETTERS)
def test_figures_stay_in_their_bounds(reference, query):
    found = align(reference, query, flat(reference))
    if found is None:
        return
    assert 0 < found.bits <= found.matched_bits <= 2.0 * len(reference)
    assert 0 < found.coverage <= 1
    assert 0 < found.density <= 1


@given(
    st.text(st.sampled_from("abcdefghijklm"), min_size=6, max_size=60),
    st.text("nopqr", max_size=90),
    st.text("stuvw", max_size=90),
)
def test_a_verbatim_copy_is_found_whole_wherever_it_stands(reference, before, after):
    found = align(reference, before + reference + after, flat(reference))
    assert found.coverage == 1.0
    assert found.density == 1.0
    assert found.bits == pytest.approx(2.0 * len(reference))
    assert found.runs[0].query == len(before)


def test_a_gap_costs_a_bit_a_character():
    query = POST.replace("tarpaulin", "0123456")
    found = align(POST, query, flat(POST))
    assert len(found.runs) == 2
    assert found.matched_bits == 2.0 * (len(POST) - 9)
    assert found.bits == found.matched_bits - 9
    assert found.coverage == pytest.approx((len(POST) - 9) / len(POST))


def test_short_equal_fragments_are_no_gap_and_pay_nothing():
    query = POST.replace("witha", "01tha2").replace("tarpaulin", "3456789")
    found = align(POST, query, flat(POST))
    without = align(POST, query.replace("tha", "###"), flat(POST))
    assert found.matched_bits == without.matched_bits
    assert found.bits == without.bits + 3
    assert found.density > without.density


def test_a_distant_run_is_left_out_where_the_gap_costs_more_than_it_pays():
    query = POST[:30] + "0" * 60 + POST[-8:]
    found = align(POST, query, flat(POST))
    assert found.matched == 30


def test_runs_of_fewer_than_six_letters_are_no_match():
    assert align("abcdefghij", "abcde0fghij", flat("abcdefghij")) is None


def test_three_cjk_characters_are_a_run():
    found = align("望遠鏡を直して屋根", "昨日望遠鏡とか屋根", flat("望遠鏡を直して屋根"))
    assert found.matched == 3


@pytest.mark.parametrize("place", [0, 9_000, 29_000])
def test_a_copy_is_found_anywhere_in_a_very_long_text(place):
    rng = np.random.default_rng(4)
    noise = "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 30_000))
    found = align(POST, noise[:place] + POST + noise[place:], flat(POST))
    assert found.coverage == 1.0
    assert found.runs[0].query == place


@pytest.mark.parametrize(("reference", "query"), [("", "abc"), ("abc", ""), ("abcdefgh", "zzzzzzzz")])
def test_nothing_in_common_is_none(reference, query):
    assert align(reference, query, flat(reference)) is None
