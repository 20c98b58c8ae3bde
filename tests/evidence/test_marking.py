"""Foreign text in HTML: legible, marked, and inert."""

from __future__ import annotations

import html
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from clonedetect.evidence.marking import excerpt, hidden_code_points, marked, visible

TEXT = st.text(alphabet=st.characters(codec=None), max_size=60)
SPANS = st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=5)
TAG = re.compile(r'</?(?:bdi|mark)>|<span class="cp" title="[^"<>]*">U\+[0-9A-F]{4,6}</span>')


def test_markup_is_shown_as_text():
    shown = visible("<script>alert(1)</script></style>\"'&")
    assert "<script" not in shown
    assert "</style" not in shown
    assert shown.startswith("<bdi>&lt;script&gt;")


def test_characters_that_turn_the_reading_order_are_numbered():
    assert "U+202E" in visible("photo\u202egpj.exe")
    assert "\u202e" not in visible("photo\u202egpj.exe")
    assert hidden_code_points("a\u200bb\u202e") == "a⟨U+200B⟩b⟨U+202E⟩"


def test_line_breaks_stay_and_carriage_returns_are_shown():
    assert visible("a\nb") == "<bdi>a\nb</bdi>"
    assert "U+000D" in visible("a\r\nX-Injected: 1")


def test_characters_that_draw_nothing_are_numbered():
    for character in "\u034f\u115f\u3164\u2800\ufe0f\U000e0041\ufeff\x00\ud800":
        assert f"U+{ord(character):04X}" in visible(character)


def test_passages_are_marked():
    assert marked("one two three", [(4, 7)]) == "<bdi>one <mark>two</mark> three</bdi>"


def test_spans_are_code_points_also_beyond_the_basic_plane():
    assert marked("🐈🐈abc", [(2, 4)]) == "<bdi>🐈🐈<mark>ab</mark>c</bdi>"


def test_a_mark_does_not_break_an_escape():
    assert marked("a&b<c", [(1, 2), (3, 4)]) == "<bdi>a<mark>&amp;</mark>b<mark>&lt;</mark>c</bdi>"


@given(TEXT)
def test_only_our_own_markup_is_ever_left(text):
    rest = TAG.sub("", str(visible(text)))
    assert "<" not in rest
    assert ">" not in rest
    assert '"' not in rest


@given(TEXT)
def test_nothing_that_is_shown_hides(text):
    for character in html.unescape(TAG.sub("", str(visible(text)))):
        assert unicodedata.category(character) not in {"Cf", "Cs", "Co", "Zl", "Zp"}
        assert unicodedata.category(character) != "Cc" or character in "\n\t"


@given(st.text(alphabet="abc <&\n", max_size=60), SPANS)
def test_marked_text_reads_back_as_the_text(text, spans):
    assert html.unescape(TAG.sub("", str(marked(text, spans)))) == text


@given(st.text(alphabet="abc", min_size=1, max_size=60), SPANS)
def test_exactly_the_spans_are_marked(text, spans):
    inside = {place for start, end in spans for place in range(max(0, start), min(len(text), end))}
    shown = str(marked(text, spans)).removeprefix("<bdi>").removesuffix("</bdi>")
    place, is_marked, found = 0, False, set()
    for part in re.findall(r"</?mark>|.", shown):
        if part in ("<mark>", "</mark>"):
            is_marked = part == "<mark>"
        else:
            if is_marked:
                found.add(place)
            place += 1
    assert found == inside


@given(st.text(alphabet="abc", max_size=200), SPANS, st.integers(1, 50))
def test_an_excerpt_keeps_every_span_and_counts_what_it_leaves_out(text, spans, longest):
    part, inside, before, after = excerpt(text, spans, longest=longest, around=3)
    assert text[before : len(text) - after] == part
    wanted = {p for start, end in spans for p in range(max(0, start), min(len(text), end))}
    assert {p + before for start, end in inside for p in range(start, end)} == wanted
