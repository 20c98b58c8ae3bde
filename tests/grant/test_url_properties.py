"""No spelling of a URL leaves the granted hosts and prefixes, and what is permitted is what is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from clonedetect.errors import UrlError
from clonedetect.grant.document import parse_grant
from clonedetect.grant.permit import permit
from clonedetect.grant.urls import normalise
from clonedetect.models.capture import Purpose
from clonedetect.models.permit import Permit, Refusal

NOW = datetime(2026, 11, 22, tzinfo=UTC)

GRANT = parse_grant(
    b"""
[grant]
id = "1"
case = "1"
approved_by = "a"
legal_basis = "b"
valid_from = 2026-11-01T00:00:00Z
valid_to = 2026-12-01T00:00:00Z
contact = "a@b.example"
[[grant.hosts]]
host = "clone.example"
role = "page"
path_prefixes = ["/in", "/deep/er/"]
api_prefixes = ["/api"]
ports = [80, 443, 8443]
[[grant.hosts]]
host = "*.sub.example"
role = "page"
path_prefixes = ["/in"]
[[grant.hosts]]
host = "93.184.216.34"
role = "media"
path_prefixes = ["/in"]
""",
    name="grant.toml",
)

SCHEMES = [
    "http://",
    "https://",
    "HTTP://",
    "hTTps://",
    "http:/",
    "http:",
    "http:///",
    "ftp://",
    "//",
    "h\tttp://",
]
USERS = ["", "", "", "clone.example@", "a:b@", "@", "clone.example:80@", "clone.example\\@", "%40"]
HOSTS = [
    "clone.example",
    "CLONE.Example",
    "clone.example.",
    "clone.example..",
    "ｃlone。example",
    "clone%2eexample",
    "evil.example",
    "clone.example.evil.example",
    "evilclone.example",
    "x.clone.example",
    "a.sub.example",
    "a.b.SUB.example",
    "sub.example",
    "notsub.example",
    ".sub.example",
    "a.sub.example\\.evil.example",
    "93.184.216.34",
    "93.184.216.034",
    "93.184.8908834",
    "1572395042",
    "0x5DB8D822",
    "0135.270.330.042",
    "[::ffff:93.184.216.34]",
    "[::ffff:5db8:d822]",
    "[::93.184.216.34]",
    "[64:ff9b::5db8:d822]",
    "[::1]",
    "127.0.0.1",
    "127.1",
    "[fe80::1%25lo]",
    "clone.example#",
    "clone.example?",
    "clone.example/..",
    "",
    "clo\u00adne.example",
    "clo\u200dne.example",
    "clonе.example",
    "xn--clone-.example",
    "clone.example\u0000",
]
PORTS = [
    "",
    "",
    ":",
    ":80",
    ":443",
    ":8443",
    ":08443",
    ":8080",
    ":0",
    ":65536",
    ":80@evil.example",
    ":4 43",
    ":４４３",
]
SEGMENTS = [
    "in",
    "IN",
    "%69n",
    "%49n",
    "inner",
    "in;x",
    "deep",
    "er",
    "api",
    "..",
    ".",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%2e",
    "%252e%252e",
    "..;",
    "..;a=b",
    "%2e%2e;",
    "...",
    "",
    "a%2f..",
    "%2f",
    "%5c..",
    "..\\",
    "%c0%ae%c0%ae",
    "%",
    "%zz",
    "%00",
    "é",
    "\t..",
    "..\n",
    " ..",
    "..%20",
    "..%09",
    "a",
    "..%252f",
    "．．",
    "%ef%bc%8e",
    "in%2e%2e",
    "~",
    "|",
]
TAILS = [
    "",
    "",
    "?",
    "?x=/../..",
    "?@evil.example/",
    "#",
    "#/../..",
    "?a=%2e%2e%2f",
    "#@evil.example",
    "?x=é|'\"<",
]

HARMLESS = ("https://", "", "clone.example", "", ("in",), "")
hostile_parts = st.tuples(
    st.sampled_from(SCHEMES),
    st.sampled_from(USERS),
    st.sampled_from(HOSTS),
    st.sampled_from(PORTS),
    st.lists(st.sampled_from(SEGMENTS), max_size=7),
    st.sampled_from(TAILS),
)


@st.composite
def draw_hostile_url(draw: st.DrawFn) -> str:
    """Write a granted URL with up to three of its parts made hostile, so that many are still permitted."""
    parts = draw(hostile_parts)
    hostile = draw(st.sets(st.integers(0, 5), max_size=3))
    scheme, user, host, port, segments, tail = (
        part if number in hostile else harmless
        for number, (part, harmless) in enumerate(zip(parts, HARMLESS, strict=True))
    )
    below = "in/" if draw(st.booleans()) and 4 in hostile else ""
    return f"{scheme}{user}{host}{port}/{below}{'/'.join(segments)}{tail}"


hostile_urls = draw_hostile_url()
free_urls = st.text(max_size=40).map(lambda text: f"https://clone.example/in{text}") | st.text(
    max_size=60
).map(lambda text: f"http://{text}")
purposes = st.sampled_from(Purpose)


WELL_KNOWN = {
    (Purpose.ROBOTS, "/robots.txt"),
    (Purpose.SITEMAP, "/sitemap.xml"),
    (Purpose.FAVICON, "/favicon.ico"),
}


def is_inside(host: str, port: int, path: str, purpose: Purpose) -> bool:
    """Say anew, from the text of GRANT, what may be asked for."""
    is_wild = host.endswith(".sub.example") and len(host) > len(".sub.example")
    is_below_in = (path + "/").startswith("/in/")
    if host in ("93.184.216.34", "::ffff:5db8:d822"):
        is_robots = (purpose, path) == (Purpose.ROBOTS, "/robots.txt")
        return port in (80, 443) and (is_robots or (purpose is Purpose.MEDIA and is_below_in))
    if host != "clone.example" and not is_wild:
        return False
    if port not in ((80, 443) if is_wild else (80, 443, 8443)):
        return False
    if purpose is Purpose.API:
        return not is_wild and (path + "/").startswith("/api/")
    is_below_deep = not is_wild and path.startswith("/deep/er/")
    return (purpose, path) in WELL_KNOWN or is_below_in or is_below_deep


@given(url=hostile_urls | free_urls, purpose=purposes)
@example(url="https://clone.example/in/..;/out", purpose=Purpose.PAGE)
@example(url="https://clone.example/in/%2e%2e/out", purpose=Purpose.PAGE)
@example(url="https://clone.example/in/%252e%252e/out", purpose=Purpose.PAGE)
@example(url="https://clone.example\\@evil.example/in", purpose=Purpose.PAGE)
@example(url="https://clone.example:80@evil.example/in", purpose=Purpose.PAGE)
def test_whatever_is_permitted_is_inside_the_grant_for_every_parser(url: str, purpose: Purpose) -> None:
    answer = permit(GRANT, url, purpose, NOW)
    if isinstance(answer, Refusal):
        assert answer.reason
        return
    by_yarl = URL(answer.url, encoded=True)
    by_urllib = urlsplit(answer.url)
    requoted = URL(answer.url)
    for host, port, path in (
        (answer.host, answer.port, normalise(answer.url).path),
        (by_yarl.raw_host, by_yarl.port, by_yarl.raw_path),
        (by_urllib.hostname, by_urllib.port or {"http": 80, "https": 443}[by_urllib.scheme], by_urllib.path),
        (requoted.raw_host, requoted.port, requoted.raw_path),
    ):
        assert host == answer.host
        assert port == answer.port
        assert is_inside(host or "", port or 0, path, purpose)
        assert not {".", ".."} & set(path.split("/"))
    assert by_yarl.user is None
    assert by_urllib.username is None


@given(url=hostile_urls | free_urls)
def test_normalising_twice_changes_nothing_and_yarl_sends_it_unchanged(url: str) -> None:
    try:
        normal = normalise(url)
    except UrlError:
        return
    text = str(normal)
    assert normalise(text) == normal
    assert text.isascii()
    assert text.isprintable()
    sent = URL(text, encoded=True)
    assert str(sent) == text
    assert sent.raw_path_qs == normal.path + (f"?{normal.query}" if normal.query else "")
    assert (sent.scheme, sent.raw_host, sent.port) == (normal.scheme, normal.host, normal.port)


@given(url=hostile_urls, purpose=purposes)
def test_a_permit_for_the_normal_form_is_the_same_permit(url: str, purpose: Purpose) -> None:
    answer = permit(GRANT, url, purpose, NOW)
    if isinstance(answer, Permit):
        assert permit(GRANT, answer.url, purpose, NOW) == answer


plain_segments = st.text("abcXYZ019-_~", min_size=1, max_size=6)


@given(segments=st.lists(plain_segments, max_size=4), data=st.data())
def test_every_harmless_spelling_of_a_granted_url_is_permitted_as_one(
    segments: list[str], data: st.DataObject
) -> None:
    plain = "/".join(["https://clone.example/in", *segments])
    joints = st.sampled_from(["/", "/./", "/%2e/", "/x/../", "/x/%2E%2e/"])

    def spell(letter: str) -> str:
        return f"%{ord(letter):02x}" if data.draw(st.booleans()) else letter

    spelled = "/in" + "".join(data.draw(joints) + "".join(map(spell, segment)) for segment in segments)
    authority = data.draw(
        st.sampled_from(["clone.example", "CLONE.example", "clone.example.", "clone.example:443"])
    )
    answer = permit(GRANT, f"https://{authority}{spelled}", Purpose.PAGE, NOW)
    assert isinstance(answer, Permit), answer
    assert answer.url == plain
