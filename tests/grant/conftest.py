"""A whole grant to vary, the moment it is valid at, and real keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from clonedetect.grant.document import parse_grant
from clonedetect.grant.keys import Ed25519PrivateKey
from clonedetect.grant.terms import Grant

WHOLE_GRANT = """\
[grant]
id = "2026-0117"
case = "CLONE-42"
approved_by = "A. Counsel"
legal_basis = "Terms of service, section 4"
purpose = "Find republished posts"
valid_from = 2026-11-01T00:00:00Z
valid_to   = 2026-12-01T00:00:00Z
contact = "trust@example.org"
[[grant.hosts]]
host = "clone.example"
role = "page"
path_prefixes = ["/profile", "/p/"]
api_prefixes = ["/api/v1"]
schemes = ["https"]
ports = [443]
[[grant.hosts]]
host = "*.img.clone.example"
role = "media"
[grant.limits]
max_pages = 400
max_bytes = 2_000_000_000
max_depth = 3
min_delay_s = 1.0
per_host = 1
run_time_s = 14400
[grant.robots]
policy = "obey"
[grant.probe]
handles = ["alice", "@Bob"]
[grant.lookups]
rdap = false
[grant.browser]
allowed = false
"""

DEVELOPMENT = """\
[grant.development]
allow_loopback = true
resolve = { "clone.example" = "127.0.0.1:8081" }
tls = false
"""


@pytest.fixture(scope="session")
def now() -> datetime:
    return datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def whole_grant() -> str:
    return WHOLE_GRANT


@pytest.fixture(scope="session")
def development() -> str:
    return DEVELOPMENT


@pytest.fixture(scope="session")
def grant(whole_grant: str) -> Grant:
    return parse_grant(whole_grant.encode(), name="grant.toml")


@pytest.fixture(scope="session")
def grant_for() -> Callable[..., Grant]:
    """Make a grant of the given [[grant.hosts]] bodies and of further text."""

    def make(*hosts: str, more: str = "") -> Grant:
        head = WHOLE_GRANT.partition("[[grant.hosts]]")[0]
        text = head + "".join(f"[[grant.hosts]]\n{host}\n" for host in hosts) + more
        return parse_grant(text.encode(), name="grant.toml")

    return make


@pytest.fixture(scope="session")
def approver() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="session")
def second_approver() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
