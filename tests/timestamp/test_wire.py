"""The one connection outside a grant: what is sent, and what is taken for an answer."""

from __future__ import annotations

import socket
import threading

import pytest

from clonedetect.errors import DependencyError, InputError, UsageError
from clonedetect.timestamp.authorities import Asked, Authority, named_authorities, read_roots
from clonedetect.timestamp.inquiry import Inquiry, Stamped, Unstamped
from clonedetect.timestamp.wire import MAX_ANSWER, ask


def asked(*authorities):
    named = named_authorities([one.url for one in authorities])
    return Asked(named, b"".join(one.roots.read_bytes() for one in authorities))


def test_a_query_is_posted_as_rfc_3161_has_it(authority):
    found = Inquiry(b"head", asked(authority)).results()
    (path, headers, query) = authority.asked[0]
    assert isinstance(found[0], Stamped)
    assert found[0].query == query
    assert path == "/tsr"
    assert headers["Content-Type"] == "application/timestamp-query"
    assert headers["Host"] == authority.url.split("/")[2]
    assert not {"cookie", "authorization", "referer"} & {name.lower() for name in headers}


def test_every_query_has_a_nonce_of_its_own(authority):
    for _ in range(2):
        Inquiry(b"head", asked(authority)).results()
    assert len({query for _, _, query in authority.asked}) == 2


def test_proxies_of_the_environment_are_not_used(authority, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert isinstance(Inquiry(b"head", asked(authority)).results()[0], Stamped)


def test_a_redirect_is_not_followed(authority, new_authority):
    other = new_authority()
    authority.answer = lambda query: (307, {"Location": other.url}, b"")
    with pytest.raises(DependencyError, match="HTTP 307: redirects are not followed"):
        ask(authority.url, b"query", wait_s=5)
    assert other.asked == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((503, {}, b""), "HTTP 503"),
        ((200, {}, b"x" * (MAX_ANSWER + 1)), "longer than"),
        ((200, {"Content-Length": "100"}, b"x"), "cut short"),
    ],
    ids=["an error", "too long", "too short"],
)
def test_what_is_no_whole_answer_is_a_failure(authority, answer, reason):
    authority.answer = lambda query: answer
    with pytest.raises(DependencyError, match=reason):
        ask(authority.url, b"query", wait_s=2)


def test_an_authority_that_is_not_there_is_a_failure():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(DependencyError):
            ask(url, b"query", wait_s=2)


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], ids=["mute", "stops"]
)
def test_an_authority_that_says_no_more_is_waited_for_so_long_and_no_longer(first):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept():
            connection, _ = server.accept()
            with connection:
                connection.sendall(first)
                connection.settimeout(10)
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        with pytest.raises(DependencyError, match="timed out"):
            ask(f"http://127.0.0.1:{server.getsockname()[1]}/", b"query", wait_s=0.2)
        thread.join(10)
        assert not thread.is_alive()


def test_waiting_ends_when_it_is_given_up(authority):
    held = threading.Event()
    authority.answer = lambda query: (held.wait(20), (503, {}, b""))[1]
    found = Inquiry(b"head", asked(authority)).results(is_given_up=lambda: True)
    held.set()
    assert found == (Unstamped(found[0].authority, "no answer within the time for it"),)


def test_one_authority_that_fails_takes_no_other_along(authority, new_authority):
    other = new_authority()
    authority.answer = authority.fail
    found = Inquiry(b"head", asked(authority, other)).results()
    assert [type(one) for one in found] == [Unstamped, Stamped]
    assert "HTTP 503" in found[0].reason


def test_an_answer_that_does_not_hold_is_no_timestamp(authority, new_authority):
    authority.answer = new_authority().stamp
    (found,) = Inquiry(b"head", asked(authority)).results()
    assert isinstance(found, Unstamped)


def test_authorities_are_named_by_their_host_each_by_another_name():
    urls = ["https://tsa.example/a", "https://TSA.example/b", "http://[::1]:80/", "https://tsa.example/a"]
    assert named_authorities(urls) == (
        Authority("tsa.example", urls[0]),
        Authority("tsa.example-2", urls[1]),
        Authority("1-80", urls[2]),
    )


@pytest.mark.parametrize(
    "url", ["", "tsa.example", "ftp://tsa.example/", "http://", "http://a:b@c/", 'http://a/"', "http://a:x/"]
)
def test_what_is_no_url_of_an_authority_is_a_question_of_usage(url):
    with pytest.raises(UsageError, match="no URL of a timestamp authority"):
        named_authorities([url])


def test_of_a_file_of_roots_nothing_but_certificates_is_taken(authority, tmp_path):
    mixed = tmp_path / "mixed.pem"
    mixed.write_bytes((authority.folder / "signer.key").read_bytes() + authority.roots.read_bytes())
    assert read_roots(mixed) == authority.roots.read_bytes()


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None]
)
def test_roots_that_are_none_are_bad_input(tmp_path, content):
    if content is not None:
        (tmp_path / "roots.pem").write_bytes(content)
    with pytest.raises(InputError):
        read_roots(tmp_path / "roots.pem")
