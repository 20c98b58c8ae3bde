"""Values that unrelated sites share weigh nothing, each by a rule or a list, and others are left alone."""

from __future__ import annotations

import ipaddress

import pytest

from clonedetect.analysis.commonplace import _common, why_common
from clonedetect.models.ids import Digest, RecordId
from clonedetect.models.trait import Trait, TraitKind

K = TraitKind
CRA = "sha256:3d10f7da6c603178340081668c4ac5b3ae9743ca9a262ab0fcd312fbb9f48bdd"
MANY = " ".join(f"shop{number}.test" for number in range(11))


def why(kind: TraitKind, value: str, context: str = "", digest: str = "sha256:0") -> str:
    return why_common(
        Trait("clone.test", kind, value, RecordId("urn:uuid:1"), Digest(digest), "a", 1, context=context)
    )


COMMON = [
    (K.AD_PLATFORM, "host-pub-1556223355139109", "", "platform"),
    (K.AD_ACCOUNT, "pub-3940256099942544", "", "example"),
    (K.ANALYTICS_ACCOUNT, "plausible:clone.test", "", "own name"),
    (K.ANALYTICS_ACCOUNT, "matomo:stats.clone.test/m", "", "own host"),
    (K.FAVICON_LOOK, "c0", "/wp-includes/images/w-logo-blue-white-bg.png?v=1", "WordPress"),
    (K.ADDRESS, "104.21.3.4", "", "Cloudflare"),
    (K.NETWORK, "104.21.3.0/24", "", "Cloudflare"),
    (K.ADDRESS, "2606:4700::6810:1", "", "Cloudflare"),
    (K.ADDRESS, "127.0.0.1", "", "not a public"),
    (K.ADDRESS, "10.0.0.1", "", "not a public"),
    (K.HEADER_ORDER, "Server, CF-RAY, X-Frame-Options, Pragma", "", "Cloudflare"),
    (K.SERVER, "nginx/1.18.0 (Ubuntu)", "", "many sites run"),
    (K.SERVER, "Apache/2.4; PHP/8.2.1", "", "many sites run"),
    (K.CERTIFICATE, "sha256:1", "clone.test sni1.cloudflaressl.com", "customers"),
    (K.CERTIFICATE_KEY, "sha256:1", "*.github.io github.io", "public suffix"),
    (K.CERTIFICATE_NAME, "shop1.test", MANY, "11 domains"),
    (K.CERTIFICATE_SUBJECT, "CN=x,O=Cloudflare\\, Inc.,C=US", "", "service"),
    (K.CERTIFICATE_ISSUER, "CN=R3,O=Let's Encrypt", "", "everybody"),
    (K.TEMPLATE, "sha256:1", "WordPress", "WordPress"),
    (K.URL_SHAPE, "/p/{x}", "", "every such site"),
    (K.URL_SHAPE, "/profile/{x}/{n}", "", "every such site"),
    (K.MAIL, "you@example.com", "", "template"),
    (K.PROFILE, "x:wordpress", "", "template"),
]
RARE = [
    (K.AD_ACCOUNT, "pub-1111222233334444", ""),
    (K.ANALYTICS_ACCOUNT, "plausible:other.test", ""),
    (K.FAVICON_SHA256, "sha256:1", "/favicon.ico"),
    (K.ADDRESS, "93.184.216.34", ""),
    (K.HEADER_ORDER, "Server, X-Gallery, X-Frame-Options, Pragma", ""),
    (K.SERVER, "nx-edge/1", ""),
    (K.SERVER, "nginx; Glook/3", ""),
    (K.CERTIFICATE, "sha256:1", "clone.test *.clone.test other.test"),
    (K.CERTIFICATE_ISSUER, "CN=own", "self-signed"),
    (K.CERTIFICATE_SUBJECT, "CN=x,O=Pixel Ltd", ""),
    (K.TEMPLATE, "sha256:1", ""),
    (K.API_SHAPE, "sha256:1", "/api/feed"),
    (K.URL_SHAPE, "/anon-viewer/{x}", ""),
    (K.MAIL, "desk@op.test", ""),
    (K.PROFILE, "telegram:south_pics", ""),
]


@pytest.mark.parametrize(("kind", "value", "context", "told"), COMMON)
def test_a_common_value_is_told_with_its_reason(kind: TraitKind, value: str, context: str, told: str) -> None:
    assert told in why(kind, value, context)


@pytest.mark.parametrize(("kind", "value", "context"), RARE)
def test_any_other_value_is_left_alone(kind: TraitKind, value: str, context: str) -> None:
    assert why(kind, value, context) == ""


def test_a_stock_icon_is_told_by_its_bytes_whatever_the_fingerprint() -> None:
    assert "Create React App" in why(K.FAVICON_MMH3, "-2009722838", digest=CRA)


def test_the_lists_hold_whole_networks_and_lower_case_names() -> None:
    common = _common()
    assert all(ipaddress.ip_network(one) for ranges in common.addresses.values() for one in ranges)
    assert all(
        name == name.lower() for name in (*common.headers, *common.servers.products, *common.contacts.domains)
    )
    assert all(digest.startswith("sha256:") and len(digest) == 71 for digest in common.icons)
