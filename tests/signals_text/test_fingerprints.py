import hashlib

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import IndexFormatError
from clonedetect.models.minhash import band_keys
from clonedetect.signals.fingerprints import (
    BANDS,
    NUM_PERM,
    gram_hashes,
    minhash,
    minhash_algorithm,
    require_same,
    winnow,
    winnow_algorithm,
)
from clonedetect.signals.text import text_algorithms, text_signals

LETTERS = st.text(st.sampled_from("abcdefgh日本語かなสวदि한국"), max_size=60)


@given(LETTERS)
def test_minhash_is_datasketchs_bit_for_bit(text):
    grams = gram_hashes(text)
    theirs = MinHash(num_perm=NUM_PERM, seed=1, scheme="affine32", hashfunc=lambda value: value & 0xFFFFFFFF)
    theirs.update_batch(grams.tolist())
    assert np.array_equal(minhash(grams), theirs.hashvalues)


@given(st.text(st.sampled_from("abcdefghij"), min_size=8, max_size=20), LETTERS, LETTERS, LETTERS, LETTERS)
def test_eight_letters_in_common_share_a_fingerprint(common, a, b, c, d):
    ours, theirs = winnow(gram_hashes(a + common + b)), winnow(gram_hashes(c + common + d))
    assert np.intersect1d(ours, theirs).size > 0


@given(st.text(st.sampled_from("日本語東京都大阪府京都"), min_size=6, max_size=12), LETTERS, LETTERS)
def test_six_cjk_characters_in_common_share_a_fingerprint(common, a, b):
    assert np.intersect1d(winnow(gram_hashes(a + common)), winnow(gram_hashes(common + b))).size > 0


@given(LETTERS)
def test_fingerprints_are_sorted_distinct_and_some_of_the_grams(text):
    grams = gram_hashes(text)
    fingerprints = winnow(grams)
    assert np.array_equal(fingerprints, np.unique(fingerprints))
    assert set(fingerprints.tolist()) <= set(grams.tolist())
    assert bool(fingerprints.size) == bool(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("ab", 1), ("abcde", 1), ("abcdefg", 3), ("日本", 1), ("日本語", 1), ("日本語abcde", 4)],
)
def test_grams_are_five_letters_or_three_cjk_characters(text, count):
    assert gram_hashes(text).size == count


def test_near_duplicates_share_a_band_and_strangers_do_not():
    caption = "the small ferry left the harbour before anyone had counted the bicycles on its rusty deck"
    edited = caption.replace("small", "little").replace(" ", "")
    stranger = "mywinterbreadrecipecallsforcoarseryeflourandafirmhandwhenkneadingatmidnight"
    ours = band_keys(minhash(gram_hashes(caption.replace(" ", ""))))
    assert ours.size == BANDS
    assert np.isin(ours, band_keys(minhash(gram_hashes(edited)))).any()
    assert not np.isin(ours, band_keys(minhash(gram_hashes(stranger)))).any()


def test_signals_hold_text_digest_grams_and_minhash():
    signals = text_signals("Grüße aus dem Norden! #reise")
    assert signals.normalised == "grusseausdemnorden"
    assert signals.exact == "sha256:" + hashlib.sha256(b"grusseausdemnorden").hexdigest()
    assert signals.fingerprints.dtype == np.uint64
    assert signals.minhash.dtype == np.uint32
    assert signals.minhash.shape == (NUM_PERM,)


def test_the_stored_values_never_change_within_a_version():
    signals = text_signals("Fog over the salt pans, and a heron that will not move. 塩田の霧")
    digest = hashlib.sha256(
        signals.fingerprints.tobytes() + signals.minhash.tobytes() + band_keys(signals.minhash).tobytes()
    )
    assert digest.hexdigest()[:16] == "eb4a5589b4638e41"


def test_a_text_without_letters_has_no_fingerprints_and_an_empty_minhash():
    signals = text_signals("🙂 !!!")
    assert signals.fingerprints.size == 0
    assert (signals.minhash == 0xFFFFFFFF).all()


def test_algorithms_name_every_parameter():
    assert "scheme=affine32,seed=1,num_perm=128,bands=37x3" in str(minhash_algorithm())
    assert "gram=5,cjk=3,window=4" in str(winnow_algorithm())
    assert all("normalise/1" in str(algorithm) for algorithm in text_algorithms())


def test_signals_of_another_algorithm_are_refused():
    require_same(winnow_algorithm(), winnow_algorithm())
    with pytest.raises(IndexFormatError, match="build the index again"):
        require_same(minhash_algorithm(), winnow_algorithm())
