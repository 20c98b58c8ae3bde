"""Heads, chunks and content encodings, taken apart offline and within bounds."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl.decode import (
    BombError,
    DecodeError,
    DecodeLimits,
    dechunk,
    decode_content,
    decode_record,
    message_length,
    parse_head,
)
from clonedetect.errors import ClonedetectError, InputError


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def light_brotli(data: bytes) -> bytes:
    return brotli.compress(data, quality=5)


ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate-raw": raw_deflate,
    "br": light_brotli,
    "zstd": zstandard.compress,
}


def coded(name: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Encoding", name.removesuffix("-raw")),)


def chunked(pieces: list[bytes], newline: bytes = b"\r\n", extension: bytes = b"") -> bytes:
    lines = [b"%x" % len(piece) + extension + newline + piece + newline for piece in pieces if piece]
    return b"".join(lines) + b"0" + newline + newline


@given(st.lists(st.binary(max_size=300)), st.sampled_from([b"\r\n", b"\n"]), st.sampled_from([b"", b" ;a=b"]))
def test_dechunk_undoes_chunking(pieces: list[bytes], newline: bytes, extension: bytes):
    assert dechunk(chunked(pieces, newline, extension)) == b"".join(pieces)


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=4), st.data())
def test_a_cut_chunked_body_is_never_taken_for_a_whole_one(pieces: list[bytes], data: st.DataObject):
    whole = chunked(pieces)
    with pytest.raises(DecodeError):
        dechunk(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"0x5\r\nhello\r\n",
        b"5" * 20_000,
    ],
    ids=["empty", "no number", "negative", "no end of chunk", "prefixed", "endless size line"],
)
def test_a_malformed_chunked_body_is_an_error(body: bytes):
    with pytest.raises(DecodeError):
        dechunk(body)


def test_trailers_and_what_follows_the_end_are_no_content():
    body = b"5;x\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
    headers = (("transfer-encoding", "Chunked"),)
    assert decode_content(body, headers) == b"hello"
    assert message_length(body, headers) == body.index(b"HTTP/1.1")


@given(st.sampled_from(sorted(ENCODERS)), st.binary(min_size=1, max_size=3000))
def test_every_encoding_comes_back_as_it_went_in(name: str, content: bytes):
    assert decode_content(ENCODERS[name](content), coded(name)) == content


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_every_cut_of_an_encoded_body_is_an_error(name: str):
    whole = ENCODERS[name](bytes(range(256)) * 2)
    for end in range(1, len(whole)):
        with pytest.raises(DecodeError):
            decode_content(whole[:end], coded(name))


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_bytes_that_are_not_what_they_are_called_are_an_error(name: str):
    with pytest.raises(DecodeError):
        decode_content(b"\xff<html>not compressed at all</html>", coded(name))


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_a_bomb_is_stopped_before_it_takes_memory(name: str):
    bomb = ENCODERS[name](bytes(64_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(BombError, match="200 times"):
            decode_content(bomb, coded(name))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24_000_000


def test_a_brotli_bomb_of_a_gibibyte_is_refused():
    packer = brotli.Compressor(quality=5, lgwin=24)
    piece = bytes(1 << 24)
    bomb = b"".join([*(packer.process(piece) for _ in range(64)), packer.finish()])
    assert len(bomb) < 20_000
    with pytest.raises(BombError):
        decode_content(bomb, coded("br"))


def test_what_inflates_little_may_still_be_too_much():
    with pytest.raises(BombError, match="past 1000 bytes"):
        decode_content(gzip.compress(bytes(range(256)) * 5), coded("gzip"), DecodeLimits(decoded_bytes=1000))


def test_a_dense_but_small_body_is_no_bomb():
    assert len(decode_content(gzip.compress(bytes(900_000)), coded("gzip"))) == 900_000


@pytest.mark.parametrize("value", ["gzip, gzip", "br,gzip", "gzip, identity"])
def test_stacked_encodings_are_refused(value: str):
    with pytest.raises(DecodeError, match="stacked"):
        decode_content(gzip.compress(b"x"), (("Content-Encoding", value),))


def test_two_encoding_fields_are_a_stack():
    with pytest.raises(DecodeError, match="stacked"):
        decode_content(b"x", (("Content-Encoding", "gzip"), ("content-encoding", "br")))


@pytest.mark.parametrize("value", ["compress", "aes128gcm", "utf-8"])
def test_an_encoding_we_do_not_read_is_an_error(value: str):
    with pytest.raises(DecodeError, match="not known"):
        decode_content(b"x", (("Content-Encoding", value),))


def test_gzip_members_and_zstd_frames_are_joined_and_what_follows_is_ignored():
    assert decode_content(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0junk", coded("gzip")) == b"ab"
    assert decode_content(zstandard.compress(b"a") + zstandard.compress(b"b"), coded("zstd")) == b"ab"


def test_an_empty_body_is_empty_in_any_encoding():
    assert decode_content(b"", coded("gzip")) == b""


def test_content_length_bounds_the_body():
    assert decode_content(b"hello world", (("Content-Length", "5"),)) == b"hello"
    with pytest.raises(DecodeError, match="after 5 of 6 bytes"):
        decode_content(b"hello", (("Content-Length", "6"),))


@pytest.mark.parametrize(
    "headers",
    [
        (("Content-Length", "5"), ("Content-Length", "5")),
        (("Content-Length", "+5"),),
        (("Content-Length", "5"), ("Transfer-Encoding", "chunked")),
        (("Transfer-Encoding", "gzip, chunked"),),
    ],
    ids=["twice", "signed", "two framings", "transfer gzip"],
)
def test_ambiguous_framing_is_an_error(headers: tuple[tuple[str, str], ...]):
    with pytest.raises(DecodeError):
        decode_content(b"5\r\nhello\r\n0\r\n\r\n", headers)


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_body_has_none(status: int):
    assert decode_content(b"smuggled", (), status=status) == b""


def test_the_head_is_the_final_one_and_counts_the_interim_ones():
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    final = b"HTTP/1.1 200 OK\nA : 1 \r\nB:2\r\n folded\r\nC:\xe9\r\n\r\n"
    head = parse_head(interim + final + b"body\r\n\r\n")
    assert head is not None
    assert (head.status, head.length) == (200, len(interim + final))
    assert head.headers == (("A", "1"), ("B", "2 folded"), ("C", "\xe9"))


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 200 OK\r\nA: 1\r\n", b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n"]
)
def test_a_head_without_end_is_none(data: bytes):
    assert parse_head(data) is None


@pytest.mark.parametrize(
    "data",
    [b"<html>\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n folded first\r\n\r\n", b"HTTP/1.1 200 OK\r\nb@d: 1\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_head_is_an_error(data: bytes):
    with pytest.raises(DecodeError):
        parse_head(data)


@given(st.binary(max_size=300))
def test_random_bytes_are_taken_apart_or_refused_by_type(data: bytes):
    try:
        head = parse_head(b"HTTP/1.1 200 OK\r\n" + data)
    except DecodeError:
        return
    assert head is None or head.length <= len(data) + 17


def test_an_archived_record_is_decoded_from_its_bytes_alone():
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    packed = gzip.compress(b"caption")
    assert decode_record(head + chunked([packed[:9], packed[9:]]), len(head)) == b"caption"


@pytest.mark.parametrize("length", [0, -1, 10, 1000])
def test_a_record_with_a_wrong_header_length_is_refused(length: int):
    with pytest.raises(DecodeError):
        decode_record(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody", length)


@pytest.mark.parametrize("error", [BombError, DecodeError])
def test_the_errors_stand_in_the_tree_as_bad_input(error: type[ClonedetectError]):
    assert issubclass(error, InputError)
