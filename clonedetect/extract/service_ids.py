"""Accounts with services that sell ads and count visitors, by the form of their ids and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from clonedetect.extract.program_text import STRING, ProgramText
from clonedetect.extract.scripts import JsonValue
from clonedetect.models.trait import TraitKind

__all__ = [
    "Account",
    "accounts_in_data",
    "accounts_in_list",
    "accounts_in_program",
    "accounts_in_url",
    "named_account",
]

Account = tuple[TraitKind, str]

_PUBLISHER = re.compile(r"(?:ca-)?(?P<host>host-)?(?:(?:video|mb|app|games)-)?pub-(?P<number>\d{10,16})")
_PROPERTY = re.compile(r"UA-(\d{4,10})-\d{1,4}")
_NAMED = re.compile(r"(?:G-(?=[A-Z]*\d)[A-Z0-9]{6,12}|GTM-[A-Z0-9]{4,9}|GT-[A-Z0-9]{6,12})")
_CONVERSIONS = re.compile(r"AW-\d{8,12}")
_NUMBER = re.compile(r"\d{5,18}")
_TOKEN = re.compile(r"[A-Za-z0-9]{8,40}")
_SAMPLE = re.compile(r"(?:X+|1234567890?|0+|123456|1)")

_KEY = re.compile(
    r"gtag|gtm|analytics|measurement_?id|ga4?_?(?:id|tracking|property|code)?$|tracking_?id|tag_?id|^account$|"
    r"adsense|ad_?client|publisher_?id|container_?id",
    re.IGNORECASE,
)
"""Names of fields in which a page's configuration holds an id with a prefix of its own."""

_GAP = r"\s{0,20}"
_COMMA = rf"{_GAP},{_GAP}"
_PAIR = re.compile(rf"(?<![\w$])([\w$]{{1,40}}){_GAP}\({_GAP}(?:\[{_GAP})?{STRING}{_COMMA}{STRING}")
_FIELD = re.compile(rf"(?:(?<![\w$])([\w$]{{1,40}})|{STRING}){_GAP}[:=]{_GAP}{STRING}")
_LAST = re.compile(rf",{_GAP}{STRING}{_GAP}\)")
_TIKTOK = re.compile(rf"\bttq\.load{_GAP}\({_GAP}{STRING}")
_METRICA = re.compile(
    rf"\bym{_GAP}\({_GAP}(\d{{5,10}}){_COMMA}{STRING}"
    rf"|Ya\.Metrika2?{_GAP}\({_GAP}\{{{_GAP}(?:id|{STRING}){_GAP}:{_GAP}(\d{{5,10}})"
)
_HOTJAR = re.compile(rf"\bhjid{_GAP}:{_GAP}(\d{{5,9}})")
_CLARITY = re.compile(rf"{STRING}{_COMMA}{STRING}{_COMMA}{STRING}{_GAP}\)")
_MATOMO = re.compile(rf"\b(?:u|url|trackerUrl){_GAP}={_GAP}(?:\([^()]{{0,80}}\){_GAP}\+{_GAP})?{STRING}")
_TRACKER = re.compile(
    r"(?:https?:)?//([a-z0-9.-]+(?::\d+)?(?:/[\w.-]+)*?)/?(?:(?:matomo|piwik)\.php)?$", re.IGNORECASE
)
_SELLER = re.compile(
    r"^\s*([\w.-]+\.[a-z]{2,})\s*,\s*([\w.-]{3,60})\s*,\s*(DIRECT|RESELLER)\b", re.IGNORECASE | re.MULTILINE
)

_METRICA_HOSTS = ("mc.yandex.ru", "mc.yandex.com", "mc.webvisor.org")


def named_account(text: str) -> Account | None:
    """Return the account that an id with a prefix of its own names, None for anything else.

    Of a numbered property (``UA-1234-5``) it is the account's part: properties differ from site to
    site of one account. A host account (``ca-host-pub-``) is a platform's that shows ads for its users.
    """
    if found := _PUBLISHER.fullmatch(text):
        kind = TraitKind.AD_PLATFORM if found["host"] else TraitKind.AD_ACCOUNT
        return kind, f"{'host-' if found['host'] else ''}pub-{found['number']}"
    if found := _PROPERTY.fullmatch(text):
        return TraitKind.ANALYTICS_ACCOUNT, f"UA-{found[1]}"
    if _CONVERSIONS.fullmatch(text):
        return TraitKind.AD_ACCOUNT, text
    if _NAMED.fullmatch(text) and not _SAMPLE.fullmatch(text.partition("-")[2]):
        return TraitKind.ANALYTICS_ACCOUNT, text
    return None


def accounts_in_url(url: str) -> Iterator[Account]:
    """Yield the accounts that the address of a script, frame or counting pixel names."""
    try:
        parts = urlsplit(url)
        host, path = (parts.hostname or "").removeprefix("www."), parts.path
        asked = dict(parse_qsl(parts.query, max_num_fields=32))
    except ValueError:
        return
    if host in {"googletagmanager.com", "google-analytics.com", "ssl.google-analytics.com"}:
        yield from _named(asked.get("id", ""), asked.get("tid", ""))
    elif host.endswith("googlesyndication.com"):
        yield from _named(asked.get("client", ""), asked.get("host", ""))
    elif host in _METRICA_HOSTS and (found := re.match(r"/(?:watch|pixel)/(\d{5,10})\b", path)):
        yield _counter("yandex", found[1])
    elif (
        host in {"facebook.com", "connect.facebook.net"}
        and _NUMBER.fullmatch(asked.get("id", ""))
        and path == "/tr"
    ):
        yield TraitKind.AD_ACCOUNT, f"meta:{asked['id']}"
    elif host == "analytics.tiktok.com" and _TOKEN.fullmatch(asked.get("sdkid", "")):
        yield TraitKind.AD_ACCOUNT, f"tiktok:{asked['sdkid']}"
    elif host == "clarity.ms" and (found := re.fullmatch(r"/tag/([a-z0-9]{8,12})", path)):
        yield _counter("clarity", found[1])
    elif host == "static.hotjar.com" and (found := re.match(r"/c/hotjar-(\d{5,9})\.js", path)):
        yield _counter("hotjar", found[1])
    elif host == "hm.baidu.com" and path == "/hm.js" and re.fullmatch(r"[0-9a-f]{32}", parts.query):
        yield _counter("baidu", parts.query)
    elif path.endswith(("/matomo.php", "/piwik.php")) and "idsite" in asked:
        yield _counter("matomo", f"{host}{path.rpartition('/')[0]}")


def accounts_in_program(program: ProgramText) -> Iterator[Account]:
    """Yield the accounts with which a script starts its services.

    Only the script's own calls and fields count: an id within one of its strings
    (a caption in the page's data) is none of these.
    """
    yield from _calls_and_fields(program)
    yield from _loaders(program)
    code, strings = program.code, program.strings
    for found in _METRICA.finditer(code):
        if found[1] is None or strings[int(found[2])] == "init":
            yield _counter("yandex", found[1] or found[4])
    for found in _HOTJAR.finditer(code):
        yield _counter("hotjar", found[1])
    for found in _MATOMO.finditer(code) if "_paq" in code else ():
        yield from _matomo(strings[int(found[1])])


def _calls_and_fields(program: ProgramText) -> Iterator[Account]:
    code, strings = program.code, program.strings
    for found in _PAIR.finditer(code):
        yield from _of_call(found[1], strings[int(found[2])], strings[int(found[3])])
    for found in _FIELD.finditer(code):
        key = found[1] or strings[int(found[2])]
        if _KEY.search(key):
            yield from _named(strings[int(found[3])])


def _loaders(program: ProgramText) -> Iterator[Account]:
    """Yield the accounts that are the last argument of a service's loader."""
    code, strings = program.code, program.strings
    for found in _LAST.finditer(code):
        if strings[int(found[1])].startswith("GTM-"):
            yield from _named(strings[int(found[1])])
    for found in _TIKTOK.finditer(code):
        if _TOKEN.fullmatch(strings[int(found[1])]):
            yield TraitKind.AD_ACCOUNT, f"tiktok:{strings[int(found[1])]}"
    for found in _CLARITY.finditer(code):
        first, _, last = (strings[int(number)] for number in found.groups())
        if first == "clarity" and re.fullmatch(r"[a-z0-9]{8,12}", last):
            yield _counter("clarity", last)


def accounts_in_data(value: JsonValue) -> Iterator[Account]:
    """Yield the accounts that a page's data names in a field of configuration, never those within a text."""
    waiting: list[JsonValue] = [value]
    read = 0
    while waiting and read < 200_000:
        one = waiting.pop()
        read += 1
        if isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            for key, inner in one.items():
                if isinstance(inner, str) and _KEY.search(key):
                    yield from _named(inner)
            waiting.extend(inner for inner in one.values() if isinstance(inner, dict | list))


def accounts_in_list(text: str) -> Iterator[Account]:
    """Yield the publisher's own accounts of an ads.txt list (IAB, ads.txt 1.1): those it sells with itself.

    Lines that say RESELLER name intermediaries, whom many share.
    """
    for system, account, relation in _SELLER.findall(text):
        if relation.upper() != "DIRECT":
            continue
        known = named_account(account) if system.lower() == "google.com" else None
        yield known or (TraitKind.AD_ACCOUNT, f"{system.lower()}:{account}")


def _of_call(function: str, first: str, second: str) -> Iterator[Account]:
    if (function, first) in {("gtag", "config"), ("gtag", "js"), ("ga", "create"), ("push", "_setAccount")}:
        yield from _named(second)
    elif (function, first) == ("fbq", "init") and _NUMBER.fullmatch(second):
        yield TraitKind.AD_ACCOUNT, f"meta:{second}"
    elif (function, first) == ("push", "setTrackerUrl"):
        yield from _matomo(second)


def _named(*texts: str) -> Iterator[Account]:
    for text in texts:
        if (account := named_account(text.strip())) is not None:
            yield account


def _matomo(text: str) -> Iterator[Account]:
    """Yield the counter's own host and folder: site numbers begin at 1 on each."""
    found = re.match(
        r"(?:https?:)?//([a-z0-9.-]+(?::\d+)?(?:/[\w.-]+)*?)/?(?:(?:matomo|piwik)\.php)?$",
        text.strip(),
        re.IGNORECASE,
    )
    if found:
        yield _counter("matomo", found[1].lower())


def _counter(service: str, number: str) -> Account:
    return TraitKind.ANALYTICS_ACCOUNT, f"{service}:{number}"
