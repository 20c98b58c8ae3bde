"""What decides the encoding, in order, and what is recorded of it."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.extract.charset import _LABELS, codec_for, decode

RUSSIAN = "Старый баркас вернулся до рассвета, и никто не проснулся, кроме чаек над гаванью."
JAPANESE = "夜明け前に古い船が港へ戻り、起きていたのは鴎だけだった。"


@pytest.mark.parametrize(
    ("content", "header", "encoding", "source", "text"),
    [
        (codecs.BOM_UTF8 + "ä".encode(), "text/html; charset=cp1252", "utf-8", "bom", "ä"),
        (codecs.BOM_UTF16_LE + "ä".encode("utf-16-le"), "", "utf-16-le", "bom", "ä"),
        (codecs.BOM_UTF16_BE + "ä".encode("utf-16-be"), "", "utf-16-be", "bom", "ä"),
        (RUSSIAN.encode("koi8-r"), "text/html; charset=KOI8-R", "koi8-r", "http", RUSSIAN),
        (b"\x93quoted\x94", "text/html; charset=iso-8859-1", "cp1252", "http", "“quoted”"),
        (b"\x81\x93", "text/html; charset=latin1", "cp1252", "http", "\x81“"),
        ("é".encode("cp1252"), "text/html; charset='us-ascii'", "cp1252", "http", "é"),
        (b"<meta charset=shift_jis>" + JAPANESE.encode("cp932"), "", "cp932", "meta",
         "<meta charset=shift_jis>" + JAPANESE),
        (b'<?xml version="1.0" encoding="windows-1251"?>\xcf', "", "cp1251", "meta",
         '<?xml version="1.0" encoding="windows-1251"?>П'),
        (b"<meta charset=utf-16>abc", "", "utf-8", "meta", "<meta charset=utf-16>abc"),
        (b"<!-- <meta charset=koi8-r> -->\xc3\xa4", "", "utf-8", "utf-8", "<!-- <meta charset=koi8-r> -->ä"),
        (b" " * 1_100 + b"<meta charset=koi8-r>\xc3\xa4", "", "utf-8", "utf-8",
         " " * 1_100 + "<meta charset=koi8-r>ä"),
        ("ä".encode(), "text/html", "utf-8", "utf-8", "ä"),
        ("ä".encode(), "text/html; charset=klingon", "utf-8", "utf-8", "ä"),
        ("ä".encode(), "text/html; charset=iso-8859-1", "utf-8", "utf-8 over http", "ä"),
        (b"abc", "text/html; charset=iso-8859-1", "cp1252", "http", "abc"),
        (b"ok \xff", "text/html; charset=utf-8", "utf-8", "http (damaged)", "ok \ufffd"),
        ("Fahrrad über Fähre größer Öl ".encode() + b"\xe2\x82", "", "utf-8", "utf-8 (damaged)",
         "Fahrrad über Fähre größer Öl \ufffd"),
    ],
)  # fmt: skip
def test_the_encoding_is_decided_by(content, header, encoding, source, text):
    decoded = decode(content, header)
    assert (decoded.encoding, decoded.source) == (encoding, source)
    assert decoded.text == text


def test_a_header_outranks_a_meta():
    page = b"<meta charset=koi8-r>" + RUSSIAN.encode("cp1251")
    assert decode(page, "text/html; charset=windows-1251").source == "http"
    assert RUSSIAN in decode(page, "text/html; charset=windows-1251").text


def test_a_header_that_the_bytes_contradict_gives_way_to_a_meta_that_fits():
    page = b"<meta charset=shift_jis>" + JAPANESE.encode("cp932")
    assert decode(page, "text/html; charset=utf-8").source == "meta"


def test_without_any_declaration_the_detector_decides():
    decoded = decode((RUSSIAN * 5).encode("cp1251"))
    assert decoded.source == "charset-normalizer"
    assert decoded.text == RUSSIAN * 5


def test_noise_is_decoded_as_something():
    decoded = decode(bytes(range(128, 256)) * 3)
    assert decoded.source in {"charset-normalizer", "fallback"}
    assert decoded.text


@pytest.mark.parametrize("label", sorted(_LABELS))
def test_every_label_names_a_codec_that_exists(label):
    assert codecs.lookup(_LABELS[label])


def test_labels_are_compared_as_browsers_do():
    assert codec_for(" Latin1\n") == "cp1252"
    assert codec_for("base64") is None
    assert codec_for("rot13") is None


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "text/html; charset=utf-8", "charset=big5", "charset=latin1"]),
)
def test_any_bytes_decode_to_text_that_can_be_stored(content, header):
    decode(content, header).text.encode("utf-8")


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.sampled_from(["utf-8", "utf-16le", "gb18030"]),
)
def test_what_a_header_declares_is_read_as_written(text, codec):
    assert decode(text.encode(codec), f"text/html; charset={codec}").text == text.removeprefix("\ufeff")
