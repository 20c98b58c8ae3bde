"""Sites that make up pages without end: a crawl asks a bounded number, and says what it left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import count
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.crawl.crawler import CrawlLimits
from clonedetect.crawl.frontier import Frontier, NewEntry, State
from clonedetect.crawl.spelling import spelling_of
from clonedetect.crawl.traps import trap_of
from clonedetect.extract.page import read_page
from clonedetect.models.capture import Purpose

OPEN = CrawlLimits(max_depth=50, disk_floor_bytes=0, pages_per_shape=20)
BARREN_PATH = "trap: 8 pages in a row brought nothing new, queries of one path"
SITE = "https://clone.example"


async def read(content, url, content_type):
    return read_page(content, url, content_type)


class Made(dict):
    """Replies that a function makes of the path; what it makes nothing of is not there."""

    def __init__(self, make):
        super().__init__({"/robots.txt": (404, {}, b"")})
        self._make = make

    def get(self, path, default=None):
        return super().get(path) or self._make(path) or default


def html(*links: str, text: str = "", images: tuple[str, ...] = ()) -> tuple[int, dict[str, str], bytes]:
    body = "".join(f'<p><a href="{link}">more</a></p>' for link in links)
    body += "".join(f'<p><img src="{image}" width="600" height="500"></p>' for image in images)
    return 200, {"Content-Type": "text/html"}, f"<html><body>{body}<p>{text}</p></body></html>".encode()


def crawl(case, serve, loopback, make, seed="/", **options):
    site = serve(Made(make))
    summary = case.run(
        loopback.permits(site.port),
        [site.base + seed],
        **{"limits": OPEN, "read_page": read, **options},
    )
    return site, summary


def pages_asked(site) -> Counter[str]:
    return Counter({path: n for path, n in site.asked.items() if path != "/robots.txt"})


def left_out(case) -> Counter[str]:
    return Counter(one.reason for one in case.store.contents().not_visited)


def test_a_calendar_without_end_ends(case, serve, loopback):
    def make(path):
        parts = path.split("/")
        if parts[1] != "calendar":
            return html("/calendar/2026/11", "/p/1")
        if len(parts) == 5:
            return html(text=f"Nothing happens on day {parts[4]}.")
        year, month = int(parts[2]), int(parts[3])
        after, before = divmod(year * 12 + month, 12), divmod(year * 12 + month - 2, 12)
        months = [f"/calendar/{y}/{m + 1}" for y, m in (after, before)]
        return html(*months, *(f"{path}/{day}" for day in range(1, 29)))

    site, summary = crawl(case, serve, loopback, make)
    asked = pages_asked(site)
    assert asked["/p/1"] == 1
    # in-flight requests may pass a cap by what a host is asked at a time
    assert sum("/calendar/" in path for path in asked) <= 2 * (20 + 4)
    reasons = left_out(case)
    assert set(reasons) == {
        "trap: 8 pages in a row brought nothing new: /calendar/{n}/{n}",
        "trap: more than 20 pages of the shape /calendar/{n}/{n}/{n}",
    }
    assert summary.not_visited == reasons.total()


def test_session_ids_do_not_make_new_pages(case, serve, loopback):
    numbers = count(0x1000)

    def make(path):
        session = f"{next(numbers):032x}"
        links = [f"/p/{n}?PHPSESSID={session}" for n in range(5)]
        links += [f"/v/{n};jsessionid={session.upper()}?a=1&utm_source={n}" for n in range(5)]
        return html(*links)

    site, _ = crawl(case, serve, loopback, make)
    asked = Counter(spelling_of(f"{SITE}{path}").removeprefix(SITE) for path in pages_asked(site))
    assert asked == {"/": 1, **{f"/p/{n}": 1 for n in range(5)}, **{f"/v/{n}?a=1": 1 for n in range(5)}}
    reasons = left_out(case)
    # ten pages, each of which links to ten new spellings
    assert reasons == {"another spelling of a page that is known": 100}


def test_a_parameter_that_nobody_knows_and_that_changes_nothing_ends(case, serve, loopback):
    numbers = count()

    def make(path):
        return html(*(f"/w/{n}?zz={next(numbers)}" for n in range(6)), text="The same words on every page.")

    site, _ = crawl(case, serve, loopback, make)
    assert pages_asked(site).total() <= 1 + 6 * 9 + 2 * 16
    assert set(left_out(case)) == {BARREN_PATH}


def test_facets_that_combine_without_end_end(case, serve, loopback):
    facets = [f"{name}={value}" for name in "abcdefgh" for value in "xyz"]

    def make(path):
        chosen = [pair for pair in urlsplit(path).query.split("&") if pair]
        return html(*(f"/shop?{'&'.join([*chosen, facet])}" for facet in facets), text="Shoes of all kinds.")

    site, _ = crawl(case, serve, loopback, make, "/shop")
    assert pages_asked(site).total() <= 1 + 8 + 2 * 16
    assert BARREN_PATH in left_out(case)


def test_page_numbers_that_bring_nothing_new_end_and_those_that_do_go_on(case, serve, loopback):
    def make(path):
        query = dict(parse_qsl(urlsplit(path).query))
        number = int(query.get("page", 1))
        if path.startswith("/empty"):
            return html(f"/empty?page={number + 1}", "/", text="No more posts here, sorry.")
        if path.startswith("/full"):
            more = [f"/full?page={number + 1}"] if number < 15 else []
            return html(*more, images=(f"/i/{number}.png",))
        if path.startswith("/i/"):
            return loopback.picture(path)
        return html("/empty?page=1", "/full?page=1")

    site, _ = crawl(case, serve, loopback, make, limits=replace(OPEN, pages_per_shape=300))
    asked = pages_asked(site)
    assert sum(path.startswith("/full") for path in asked) == 15
    assert sum(path.startswith("/empty") for path in asked) <= 10


def test_a_path_that_grows_by_itself_ends(case, serve, loopback):
    def make(path):
        return html(f"{path.rstrip('/')}/more/", f"{path.rstrip('/')}/{len(path)}/")

    site, _ = crawl(case, serve, loopback, make, "/a/", limits=replace(OPEN, pages_per_shape=10))
    assert pages_asked(site).total() < 200
    assert "trap: the path repeats itself" in left_out(case)


def test_what_the_operator_named_is_asked_whatever_its_shape(case, serve, loopback):
    site = serve(Made(lambda path: html()))
    seeds = [f"{site.base}/tag/{n}?utm_source=mail" for n in range(30)]
    case.run(loopback.permits(site.port), seeds, limits=OPEN, read_page=read)
    assert pages_asked(site).total() == 30


def test_a_cap_on_a_shape_holds_over_runs(case, serve, loopback):
    site, _ = crawl(case, serve, loopback, lambda path: html(*(f"/tag/{n}" for n in range(40))))
    first = pages_asked(site).total()
    assert first <= 1 + 20 + 4
    site.replies["/two"] = html(*(f"/tag/{n}" for n in range(100, 140)))
    case.run(loopback.permits(site.port), [f"{site.base}/two"], limits=OPEN, read_page=read)
    assert pages_asked(site).total() == first + 1


def test_what_was_left_out_is_asked_once_the_operator_names_it(case, serve, loopback):
    trap = "/a/b/a/b/a/b"
    site, _ = crawl(case, serve, loopback, lambda path: html(trap, "/p?utm_source=x", "/p"))
    assert pages_asked(site) == {"/": 1, "/p": 1}
    seeds = [site.base + path for path in (trap, "/p?utm_source=x")]
    case.run(loopback.permits(site.port), seeds, limits=OPEN, read_page=read)
    assert pages_asked(site) == {"/": 1, "/p": 1, trap: 1, "/p?utm_source=x": 1}


# Spellings


def known(frontier) -> dict[str, str]:
    sql = "SELECT url, state FROM frontier"
    return {url.removeprefix(SITE): state for url, state in frontier._database.execute(sql)}


@pytest.fixture
def frontier(tmp_path):
    from clonedetect.case.schema import connect

    database = connect(tmp_path / "case.db", is_new=True)
    yield Frontier(database)
    database.close()


def lease(frontier):
    return next(iter(frontier.lease("clone.example", 0, 60)), None)


def find(frontier, *paths: str) -> None:
    newest = frontier.newest()
    entries = [NewEntry(SITE + path, Purpose.PAGE, "clone.example", 1, 301) for path in paths]
    frontier.enqueue(entries)
    frontier.spellings.fold(newest)


def test_the_plain_spelling_is_asked_if_it_is_linked_before_another_was_asked(frontier):
    find(frontier, "/p?b=2&a=1&utm_source=x")
    find(frontier, "/p?a=1&b=2")
    assert known(frontier) == {"/p?b=2&a=1&utm_source=x": "skipped", "/p?a=1&b=2": "pending"}
    find(frontier, "/p?b=2&a=1&fbclid=3")
    assert known(frontier)["/p?b=2&a=1&fbclid=3"] == "skipped"


def test_a_spelling_that_was_asked_stands_for_the_plain_one(frontier):
    find(frontier, "/p?utm_source=x")
    lease(frontier)
    find(frontier, "/p")
    assert known(frontier) == {"/p?utm_source=x": "leased", "/p": "skipped"}


def test_where_a_spelling_fails_another_is_asked_three_in_all(frontier):
    find(frontier, *(f"/p?PHPSESSID={n}" for n in range(6)))
    for _ in range(6):
        leased = lease(frontier)
        if leased is None:
            break
        frontier.capture(leased.id, State.DONE, reason="gone")
    assert Counter(known(frontier).values()) == {"done": 3, "skipped": 3}


def test_where_a_spelling_is_refused_another_is_put_to_the_grant(frontier):
    find(frontier, "/p?utm_source=x", "/p?utm_source=y")
    frontier.fail(lease(frontier).id, State.REFUSED, "robots.txt does not allow it")
    assert lease(frontier).url == f"{SITE}/p?utm_source=y"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/p?a=1&b=2", "/p?b=2&a=1"),
        ("/p?utm_source=x&utm_medium=y", "/p"),
        ("/p?id=3&fbclid=IwAR0", "/p?id=3"),
        ("/p;jsessionid=0A1B", "/p"),
        ("/p/(S(4hbtml55nn0ssj2iuopq34qz))/a", "/p/a"),
        ("/p?PHPSESSID=6c5s8d7f", "/p"),
        ("/p?sid=0123456789abcdef0123456789", "/p"),
    ],
)
def test_these_are_one_page(one, other):
    assert spelling_of(SITE + one) == spelling_of(SITE + other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/p", "/p/"),
        ("/p/", "/p/index.html"),
        ("/p?sid=17", "/p?sid=18"),
        ("/p?s=sunset", "/p"),
        ("/p?t=a&t=b", "/p?t=b&t=a"),
        ("/P", "/p"),
        ("/p?ref=alice", "/p"),
    ],
)
def test_these_may_be_two(one, other):
    assert spelling_of(SITE + one) != spelling_of(SITE + other)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), max_size=6))
def test_a_spelling_is_its_own(pairs):
    url = f"{SITE}/p?{'&'.join(f'{name}={value}' for name, value in pairs)}".rstrip("?")
    assert spelling_of(spelling_of(url)) == spelling_of(url)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/a/b/a/b/a/b", "trap: the path repeats itself"),
        ("/" + "/".join(f"s{n}" for n in range(13)), "trap: more than 12 path segments"),
        ("/p?" + "&".join(f"f{n}=1" for n in range(9)), "trap: more than 8 query parameters"),
        ("/p?f=1&f=2&f=3&f=4", "trap: the query repeats itself"),
        ("/p?f=" + "x" * 1000, "trap: a query of more than 1,000 characters"),
        ("/2026/11/11/11/photo", ""),
        ("/profile/alice/31415", ""),
        ("/view.php?id=3&lang=en", ""),
    ],
)
def test_what_looks_like_a_trap(path, why):
    assert trap_of(SITE + path) == why
