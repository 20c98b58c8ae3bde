import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.errors import IndexFormatError
from clonedetect.signals.background import background_model
from clonedetect.signals.charmodel import MIN_CHARACTERS, MIN_TEXTS, CharModel
from clonedetect.signals.counts import KeyCounts
from clonedetect.signals.normalise import normalise
from clonedetect.signals.scripts import Script, script_of

WORDS = """
river stone amber lantern copper violin meadow harbour winter orchard silver bicycle thunder pepper candle
garden window ladder basket feather anchor saddle pillow mirror kettle bridge
"""
WORD_LIST = WORDS.split()


def sentences(count, seed=3):
    rng = random.Random(seed)
    return ["".join(rng.choice(WORD_LIST) for _ in range(rng.randrange(20, 60))) for _ in range(count)]


@given(st.text(st.sampled_from("abcdeनमस日本語한국สว1"), max_size=40), st.text(max_size=20))
def test_bits_are_one_number_a_character_between_nothing_and_the_cap(text, learned):
    model = CharModel(background_model())
    model.add(learned)
    bits = model.bits(text)
    caps = np.array(
        [6.0 if script_of(char) >= Script.HANGUL and script_of(char) <= Script.HAN else 4.0 for char in text]
    )
    assert bits.shape == (len(text),)
    assert (bits >= 0).all()
    assert (bits <= caps + 1e-9).all()


@given(
    st.lists(st.text(st.sampled_from("abcdने日ก"), max_size=12), max_size=8),
    st.text(st.sampled_from("abcd日"), max_size=12),
)
def test_leaving_a_text_out_equals_never_having_learned_it(texts, text):
    with_it, without = CharModel(), CharModel()
    for other in texts:
        with_it.add(other)
        without.add(other)
    with_it.add(text)
    assert np.allclose(with_it.bits(text, leave_out=text), without.bits(text))


@given(st.lists(st.text(st.sampled_from("abcd日ก"), max_size=12), min_size=1, max_size=8), st.randoms())
def test_removing_undoes_adding_in_any_order(texts, rng):
    model, kept = CharModel(), texts[: len(texts) // 2]
    for text in texts:
        model.add(text)
    gone = texts[len(texts) // 2 :]
    rng.shuffle(gone)
    for text in gone:
        model.remove(text)
    fresh = CharModel()
    for text in kept:
        fresh.add(text)
    assert {k: v.tolist() for k, v in model.to_arrays().items()} == {
        k: v.tolist() for k, v in fresh.to_arrays().items()
    }


@given(st.lists(st.text(st.sampled_from("abcdने日ก1"), max_size=12), max_size=8), st.integers(0, 3))
def test_many_texts_are_learned_and_weighed_like_one_at_a_time(texts, repeats):
    one_by_one, together = CharModel(background_model()), CharModel(background_model())
    for text in texts * repeats:
        one_by_one.add(text)
    together.add_many(texts * repeats)
    assert {k: v.tolist() for k, v in together.to_arrays().items()} == {
        k: v.tolist() for k, v in one_by_one.to_arrays().items()
    }
    filled = [text for text in texts if text] if repeats else []
    for text, cost in zip(filled, together.costs(filled), strict=True):
        assert np.array_equal(cost.bits, one_by_one.bits(text, leave_out=text))
        assert cost.is_sufficient == one_by_one.is_sufficient(text, leave_out=text)


def test_many_keys_are_counted_like_few():
    rng = np.random.default_rng(5)
    keys = rng.integers(0, 1 << 40, 60_000, dtype=np.uint64) << np.uint64(20)
    counts = KeyCounts()
    counts.add(np.concatenate([keys, keys[:30_000]]))
    assert counts.of(keys[[0, 29_999, 30_000, 59_999]]).tolist() == [2, 2, 1, 1]
    assert counts.of(keys + np.uint64(1)).sum() == 0
    again = KeyCounts.from_arrays(counts.to_arrays())
    assert np.array_equal(again.of(keys), counts.of(keys))


def test_arrays_bring_the_model_back():
    model = CharModel(background_model())
    for text in sentences(50):
        model.add(text)
    again = CharModel.from_arrays(model.to_arrays(), background_model())
    text = sentences(1, seed=9)[0]
    assert np.array_equal(again.bits(text), model.bits(text))
    assert again.version == model.version
    again.add(text)
    again.remove(text)
    assert np.array_equal(again.bits(text), model.bits(text))


def test_arrays_of_another_version_are_refused():
    arrays = CharModel().to_arrays()
    with pytest.raises(IndexFormatError, match="build the index again"):
        CharModel.from_arrays({**arrays, "format": np.array([99, 6, 1])})


def test_learned_phrases_are_cheap_and_strange_ones_cost_the_cap():
    model = CharModel(background_model())
    known = normalise("Thank you so much for the birthday wishes").text
    strange = "zxqvkjwpfhgbzqxjvkwpzgfh"
    assert model.bits(known).mean() < 1.2
    assert model.bits(strange).mean() > 3.5


def test_a_model_learns_from_captions():
    model = CharModel(background_model())
    text = sentences(1, seed=42)[0]
    before = model.bits(text).mean()
    for sentence in sentences(100):
        model.add(sentence)
    assert model.bits(text).mean() < 0.6 * before


def test_a_model_is_insufficient_until_it_has_seen_enough_of_the_script():
    model = CharModel(background_model())
    text = sentences(1, seed=42)[0]
    learned = 0
    posts = iter(sentences(400))
    while learned < MIN_CHARACTERS:
        assert not model.is_sufficient(text)
        post = next(posts)
        model.add(post)
        learned += len(post)
    for post in posts:
        model.add(post)
    assert model.is_sufficient(text)
    assert not model.is_sufficient(normalise("Сегодня на рынке продавали медовые пряники").text)


def test_a_few_long_texts_do_not_make_a_model_sufficient():
    model = CharModel(background_model())
    long = "".join(sentences(30))
    for _ in range(MIN_TEXTS - 1):
        model.add(long)
    assert not model.is_sufficient(long)


def test_an_unknown_language_in_a_known_script_is_not_judged():
    model = CharModel(background_model())
    for sentence in sentences(400):
        model.add(sentence)
    assert model.is_sufficient(sentences(1, seed=5)[0])
    assert not model.is_sufficient(
        normalise("Kwa wazazi wetu wapendwa tuliokula nao ugali kijijini Jumapili").text
    )


def test_the_post_itself_does_not_count_towards_sufficiency():
    model = CharModel(background_model())
    text = "".join(sentences(300))
    for post in [text, *sentences(MIN_TEXTS - 1, seed=8)]:
        model.add(post)
    assert not model.is_sufficient(text, leave_out=text)


def test_the_background_alone_is_sufficient_for_no_script():
    model = CharModel(background_model())
    for text in (
        "thankyouall",
        "спасибовсем",
        "صباحالخير",
        "सुप्रभात",
        "おはよう",
        "生日快乐",
        "감사합니다",
        "สวัสดี",
    ):
        assert not model.is_sufficient(text)


def test_a_refrain_says_what_it_says_once():
    model = CharModel(background_model())
    once, twice = model.bits("velvettrombone"), model.bits("velvettrombonevelvettrombone")
    assert twice.sum() < 1.6 * once.sum()
    assert (twice[14 + 5 :] <= 0.5).all()
    assert np.array_equal(twice[:14], once)


def test_the_version_names_background_and_index():
    model = CharModel(background_model())
    model.add("abc")
    assert model.version.startswith("background/1(order=6")
    assert model.version.endswith("+index/2(order=6,normalise=1,characters=3)")


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([1, 1, 1, -1])), max_size=60))
def test_counts_equal_a_dictionary(changes):
    counts, expected = KeyCounts(), dict.fromkeys(range(22), 0)
    for i, (key, sign) in enumerate(changes):
        counts.add(np.array([key, key], dtype=np.uint64), sign)
        expected[key] += 2 * sign
        if i % 7 == 0:
            counts.of(np.array([key], dtype=np.uint64))
    found = counts.of(np.arange(22, dtype=np.uint64)).tolist()
    assert found == [expected[key] for key in range(22)]
    arrays = counts.to_arrays()
    assert dict(zip(arrays["keys"].tolist(), arrays["counts"].tolist(), strict=True)) == {
        k: v for k, v in expected.items() if v
    }


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("hello", Script.LATIN),
        ("пpиbetmиp", Script.CYRILLIC),
        ("今日は良い天気", Script.KANA),
        ("今天天气很好", Script.HAN),
        ("오늘날씨가좋다", Script.HANGUL),
        ("สวัสดีครับ", Script.THAI),
        ("সুপ্রভাত", Script.BENGALI),
        ("12345", Script.OTHER),
        ("", Script.OTHER),
    ],
)
def test_a_text_belongs_to_the_script_that_tells_its_language(text, script):
    assert script_of(text) is script
