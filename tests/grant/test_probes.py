"""Which requests have a site look a name up, and that only listed names may be in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clonedetect.grant.permit import permit
from clonedetect.grant.probes import probed_names
from clonedetect.grant.terms import Grant, Probe
from clonedetect.grant.urls import normalise
from clonedetect.models.capture import Purpose
from clonedetect.models.permit import Permit, Refusal

SITE = "https://clone.example"


def names(path: str, purpose: str) -> tuple[str, ...]:
    return probed_names(normalise(SITE + path), Purpose(purpose))


@pytest.mark.parametrize(
    ("path", "purpose", "asked"),
    [
        ("/api/v1/userInfoByUsername/eve", "api", "eve"),
        ("/api/v1/instagram/userInfoByUsername/eve", "api", "eve"),
        ("/api/user_info/eve.json", "api", "eve"),
        ("/api/v1/get-by-username/%65ve", "api", "eve"),
        ("/api/user/eve", "api", "eve"),
        ("/api/v1/profile/eve/media", "api", "eve"),
        ("/api/stories/eve", "api", "eve"),
        ("/api/v1/posts?user=eve", "api", "eve"),
        ("/api/v1/posts?user_name=eve&page=2", "api", "eve"),
        ("/api/users/search?q=eve", "api", "eve"),
        ("/api/v1/feed;username=eve", "api", "eve"),
        ("/search?q=eve", "page", "eve"),
        ("/search/?query=%40eve", "page", "eve"),
        ("/search.php?user=eve", "page", "eve"),
        ("/en/search/eve", "page", "eve"),
        ("/search/users/eve/", "page", "eve"),
        ("/user-search/eve", "page", "eve"),
        ("/lookup/eve", "page", "eve"),
        ("/?s=eve", "page", "eve"),
        ("/?q=eve+adams", "page", "eve adams"),
        ("/viewer?username=eve", "page", "eve"),
        ("/viewer?lang=en;Username=eve", "page", "eve"),
        ("/view?form[userName]=eve", "page", "eve"),
        ("/search?q[]=eve", "page", "eve"),
        ("/api/v1/userInfoByUsername/eve", "page", "eve"),
        ("/api/user/eve", "page", "eve"),
    ],
)
def test_a_look_up_by_name_is_a_probe(path: str, purpose: str, asked: str) -> None:
    assert names(path, purpose) == (asked,)


@pytest.mark.parametrize(
    ("path", "purpose"),
    [
        ("/profile/eve", "page"),
        ("/v/eve", "page"),
        ("/eve/", "page"),
        ("/user-profile/eve/3141592653589793238", "page"),
        ("/stories/eve", "page"),
        ("/user/eve?page=2", "page"),
        ("/tag/sunset", "page"),
        ("/p/CxYz12345Ab/", "page"),
        ("/search", "page"),
        ("/search/", "page"),
        ("/search?q=", "page"),
        ("/search/page/2", "page"),
        ("/gallery?q=80", "page"),
        ("/view.php?id=17", "page"),
        ("/research/eve", "page"),
        ("/api/v1/stories/3141592653589793238", "api"),
        ("/api/user/3141592653589793238/posts", "api"),
        ("/api/v1/users/list", "api"),
        ("/api/feed?page=2", "api"),
        ("/api/media?cursor=QVFDeve", "api"),
        ("/api/v1/user?id=17", "api"),
        ("/p/1.jpg?username=eve", "media"),
        ("/sitemap.xml?q=eve", "sitemap"),
    ],
)
def test_what_is_there_already_is_none(path: str, purpose: str) -> None:
    assert names(path, purpose) == ()


@pytest.mark.parametrize("handle", ["alice", "ALICE", "%40alice", "@alice", "bob", "Bob"])
@pytest.mark.parametrize("path", ["/profile/search?q={}", "/api/v1/userInfoByUsername/{}"])
def test_listed_handles_may_be_asked_for(grant: Grant, now: datetime, path: str, handle: str) -> None:
    purpose = Purpose.API if path.startswith("/api") else Purpose.PAGE
    assert isinstance(permit(grant, SITE + path.format(handle), purpose, now), Permit)


def test_others_are_refused_with_a_reason(grant: Grant, now: datetime) -> None:
    answer = permit(grant, f"{SITE}/api/v1/userInfoByUsername/eve", Purpose.API, now)
    assert isinstance(answer, Refusal)
    assert answer.reason == "'eve' would be looked up by name, and is not one of probe.handles"


def test_one_name_of_several_that_is_not_listed_is_enough(grant: Grant, now: datetime) -> None:
    url = f"{SITE}/api/v1/user/alice?username=eve"
    assert isinstance(permit(grant, url, Purpose.API, now), Refusal)


def test_a_grant_without_handles_lets_nobody_be_looked_up(grant: Grant, now: datetime) -> None:
    silent = replace(grant, probe=Probe())
    assert isinstance(permit(silent, f"{SITE}/profile/search?q=alice", Purpose.PAGE, now), Refusal)
    assert isinstance(permit(silent, f"{SITE}/profile/alice", Purpose.PAGE, now), Permit)


@given(handle=st.from_regex(r"[a-z_][a-z0-9_.]{1,29}", fullmatch=True))
def test_whatever_stands_behind_a_look_up_is_its_name(handle: str) -> None:
    found = names(f"/api/v1/userInfoByUsername/{handle}", "api")
    assert len(found) == 1
    assert handle.startswith(found[0])
