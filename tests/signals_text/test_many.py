from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clonedetect.signals.many import many_text_signals
from clonedetect.signals.normalise import normalise, normalised_text
from clonedetect.signals.text import text_signals

ODDITIES = [
    *(
        "&amp;",
        "&amp;amp;",
        "&#8203;",
        "\u200b",
        "\ufe0f",
        "https://a.example/b",
        "@maria.b",
        "#sea",
        "www.x",
    ),
    *("e\u0301", "™", "ﬁ", "İ", "\ud800", "क्षि", "か\u3099", "ß", "a_b", "ⅷ", "½"),
]
# Letters of several scripts, marks, entities, features, invisible characters, and whatever else there is.
PIECES = st.one_of(
    st.text(max_size=12),
    st.text("abcXYZ _-0123", max_size=8),
    st.text("海辺の夕日한국", max_size=8),
    st.text("привет мирضوءที่नि", max_size=8),
    st.sampled_from(ODDITIES),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


@given(TEXTS)
@example("ⓦww.x.y/z")
@example("#tag_with_line @a.b")
def test_the_text_alone_is_that_of_the_traced_normalisation(raw: str) -> None:
    assert normalised_text(raw) == normalise(raw).text


def encodable(raw: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in raw)


@given(st.lists(TEXTS.filter(encodable), max_size=12))
@example(
    [
        "",
        "a",
        "ab",
        "abcd",
        "abcde",
        "海",
        "海辺",
        "海辺の",
        "ab海辺の",
        "海辺のabcd",
        "abcd海",
        "",
        "abcdefghijk",
    ]
)
def test_signals_of_many_are_those_of_each_alone(raws: list[str]) -> None:
    found = many_text_signals(raws)
    assert len(found) == len(raws)
    for raw, many in zip(raws, found, strict=True):
        alone = text_signals(raw)
        assert (many.normalised, many.exact) == (alone.normalised, alone.exact)
        assert many.fingerprints.tobytes() == alone.fingerprints.tobytes()
        assert many.minhash.tobytes() == alone.minhash.tobytes()
        assert (many.fingerprints.dtype, many.minhash.dtype) == (
            alone.fingerprints.dtype,
            alone.minhash.dtype,
        )


@pytest.mark.parametrize("count", [0, 1, 300])
def test_a_batch_has_any_size(count: int) -> None:
    raws = [f"Boat {number} came home before the storm, number {number * number}" for number in range(count)]
    assert [signals.exact for signals in many_text_signals(raws)] == [text_signals(raw).exact for raw in raws]
