import html
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.signals.confusables import confusable_folding, folding_digest
from clonedetect.signals.normalise import normalise, normaliser

SCRIPTS = st.one_of(
    st.characters(min_codepoint=0x20, max_codepoint=0x24F),
    st.characters(min_codepoint=0x300, max_codepoint=0x36F),
    st.characters(min_codepoint=0x370, max_codepoint=0x52F),
    st.characters(min_codepoint=0x590, max_codepoint=0x6FF),
    st.characters(min_codepoint=0x900, max_codepoint=0xDFF),
    st.characters(min_codepoint=0xE00, max_codepoint=0xEFF),
    st.characters(min_codepoint=0x1100, max_codepoint=0x11FF),
    st.characters(min_codepoint=0x2000, max_codepoint=0x206F),
    st.characters(min_codepoint=0x3040, max_codepoint=0x30FF),
    st.characters(min_codepoint=0x4E00, max_codepoint=0x4FFF),
    st.characters(min_codepoint=0xAC00, max_codepoint=0xADFF),
    st.characters(min_codepoint=0xFF00, max_codepoint=0xFFEF),
    st.characters(min_codepoint=0x1F300, max_codepoint=0x1F6FF),
    st.characters(min_codepoint=0x1D400, max_codepoint=0x1D7FF),
)
TEXTS = st.one_of(
    st.text(SCRIPTS, max_size=60),
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [
                "&amp;",
                "&amp;amp;",
                "&#x41;",
                "&eacute;",
                "&ampx",
                "#tag",
                "@who.me",
                "http://a.b/c",
                "e\u0301",
                "👩‍👩‍👧",
            ]
        )
        | st.text(SCRIPTS, max_size=6),
        max_size=12,
    ).map("".join),
)


@given(TEXTS)
def test_every_normalised_character_has_a_span_of_the_raw_text_in_order(raw):
    normalised = normalise(raw)
    assert len(normalised.text) == normalised.starts.size == normalised.ends.size
    starts, ends = normalised.starts.tolist(), normalised.ends.tolist()
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    assert all(0 <= start < end <= len(raw) for start, end in zip(starts, ends, strict=True))


@given(TEXTS)
def test_only_letters_digits_and_vowel_marks_are_left(raw):
    assert all(unicodedata.category(char)[0] in "LNM" for char in normalise(raw).text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="&#@/.:wW_"), max_size=30), st.data())
def test_what_a_span_points_to_normalises_to_the_character_it_is_the_span_of(raw, data):
    normalised = normalise(raw)
    if not normalised.text:
        return
    at = data.draw(st.integers(0, len(normalised.text) - 1))
    start, end = normalised.raw_span(at, at + 1)
    assert normalised.text[at] in normalise(raw[start:end]).text


@given(
    st.text(
        st.sampled_from("aeioučğışñüßабвгдежзийклмнοπρστυ กขคงจซ नमसतद अआइउ 日本語かなカナ 한국어"),
        max_size=40,
    )
)
def test_either_case_normalises_alike(raw):
    assert normalise(raw.upper()).text == normalise(raw).text


@given(st.text(st.sampled_from("abc déf ğış привет สวัสดี नमस्ते 日本 がぎ 한국"), max_size=30))
def test_composed_and_decomposed_spellings_normalise_alike(raw):
    assert (
        normalise(unicodedata.normalize("NFD", raw)).text == normalise(unicodedata.normalize("NFC", raw)).text
    )


@given(st.text(st.sampled_from("abc déf ğış привет سلام สวัสดี नमस्ते 日本 한국"), max_size=30), st.data())
def test_zero_width_characters_change_nothing(raw, data):
    hidden = "".join(
        char + data.draw(st.sampled_from(["", "\u200b", "\u200d", "\ufe0f", "\u202e"])) for char in raw
    )
    assert normalise(hidden).text == normalise(raw).text


@given(st.text(st.sampled_from("abc déf <>&\"' привет 日本 한국"), max_size=30))
def test_escaping_twice_changes_nothing(raw):
    assert normalise(html.escape(html.escape(raw))).text == normalise(raw).text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Hello, World!", "helloworld"),
        ("ﬁancé №5 ½", "fianceno512"),
        ("İSTANBUL ılık IŞIK ışık", "istanbulilikisikisik"),
        ("Straße STRASSE", "strassestrasse"),
        ("𝓗𝓮𝓵𝓵𝓸 Ⓗⓔⓛⓛⓞ Ｈｅｌｌｏ", "hellohellohello"),
        ("ｶﾞﾗｽ か\u3099", "ガラスが"),
        ("أحمد إلى ٱلسلام مدرسة", "احمداليالسلاممدرسه"),
        ("مُحَمَّد ســلام", "محمدسلام"),
        ("کتاب", "كتاب"),
        ("สวัสดีครับ", "สวัสดีครับ"),
        ("नमस्ते दुनिया", "नमस्तेदुनिया"),
        ("\u1112\u1161\u11ab국", "한국"),
        ("٣٤५ ๕", "3455"),
        ("Brand™ new", "brandnew"),
        ("caf\u00e9\u200d\ufe0f e\u0301", "cafee"),
        ("🙂👍🏽", ""),
        ("a_b", "ab"),
        ("&lt;3 Tom &amp;amp; Jerry &#39;s", "3tomjerrys"),
    ],
)
def test_known_normalisations(raw, text):
    assert normalise(raw).text == text


@pytest.mark.parametrize(
    "disguised",
    ["рауpаl оnlіne", "PАYPAL ONLINE", "p\u200ba\u200bypal o\u2060nline", "ρayραl οnline"],
)
def test_homoglyphs_and_hidden_characters_do_not_disguise_a_word(disguised):
    assert normalise(disguised).text == "paypalonline"


def test_handles_tags_and_urls_are_taken_out_and_kept_as_features():
    normalised = normalise(
        "See https://Example.com/a?b=1, by @Some.Body. #Été #ไทย and clone.example/p/1 today"
    )
    assert normalised.text == "seebyandtoday"
    assert normalised.urls == ("https://example.com/a?b=1,", "clone.example/p/1")
    assert normalised.handles == ("some.body",)
    assert normalised.hashtags == ("ete", "ไทย")


def test_homoglyphs_do_not_hide_a_url():
    assert normalise("look httрs://еxample.com/x here").text == "lookhere"


def test_an_address_with_an_at_sign_is_no_handle():
    normalised = normalise("write to me@example.org")
    assert normalised.handles == ()
    assert normalised.text == "writetomeexampleorg"


def test_a_url_ends_where_the_script_changes():
    assert normalise("詳細はhttps://example.com/xをご覧ください").text == "詳細はをご覧ください"


def test_a_partly_named_entity_leaves_the_letters_after_it_their_own_spans():
    normalised = normalise("&ampfoo")
    assert normalised.text == "foo"
    assert normalised.starts.tolist() == [4, 5, 6]


def test_the_span_of_a_decomposed_letter_holds_its_marks():
    assert normalise("xe\u0301\u0323y").raw_span(1, 2) == (1, 4)


def test_an_empty_span_is_refused():
    with pytest.raises(IndexError, match="empty or outside"):
        normalise("abc").raw_span(2, 2)


def test_lone_surrogates_are_dropped():
    assert normalise("a\ud83db").text == "ab"


def test_no_letter_of_another_family_is_folded_to_latin():
    table = confusable_folding()
    assert table["а"] == "a"
    assert table["һ"] == "h"
    assert table["н"] == "h"
    assert not any(char in table for char in "اهسןסวทराㅣ一ー")


def test_the_folding_table_is_the_one_this_version_was_measured_with():
    assert folding_digest() == "a18ea39b"
    assert "a18ea39b" in str(normaliser())
