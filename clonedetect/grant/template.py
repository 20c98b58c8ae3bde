"""The text ``grant new`` writes: every key with its meaning, the required ones left to fill in."""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["grant_template"]

_DAYS = 30

_TEXT = """\
# A grant of clonedetect: who approved what, on which legal basis, for which hosts, from when to when.
# Nothing outside it is ever fetched. Fill in what is empty, have it approved, then sign the exact bytes:
#
#   clonedetect grant check THIS_FILE https://clone.example/
#   clonedetect grant sign THIS_FILE --key APPROVER_KEY
#
# Every later edit makes the signature void. Lines that begin with "#" and hold a key show its default.

[grant]
id = ""                     # required; stands for one text for good: the same id with other bytes is refused
case = ""                   # required; a case folder takes grants of one case only
approved_by = ""            # required; the person who answers for this
legal_basis = ""            # required; contract, statute or order that allows the check
# purpose = "..."           # what for, in a sentence
valid_from = {valid_from}   # required; RFC 3339 with its offset
valid_to   = {valid_to}   # required; nothing is fetched from this moment on
contact = ""                # required; mail address or URL, goes into the user agent

# One block for each host. Names match exactly; "*.clone.example" means any name below it, not the apex.
[[grant.hosts]]
host = ""                   # required
role = "page"               # required; "page": may be crawled. "media": only what a granted page embeds
# path_prefixes = ["/"]     # whole segments, case-sensitive: "/p" covers /p and /p/x, not /people
# api_prefixes = []         # JSON endpoints that may be read
# schemes = ["https", "http"]
# ports = [80, 443]

# Over all runs of this grant, refetches included; media count in bytes only.
[grant.limits]
# max_pages = 1000
# max_bytes = 2_000_000_000
# max_depth = 3             # links away from a seed
# min_delay_s = 1.0         # between two requests to one host; under 0.5 only for loopback
# per_host = 1              # requests at a time; more only for loopback
# run_time_s = 14400        # of one run

[grant.robots]
# policy = "obey"           # or "override": needs a reason, and a second approver's signature:
# reason = "..."            #   clonedetect grant sign THIS_FILE --key SECOND_KEY --countersign

# Viewers that fetch a profile when its name is entered can cause scraping by being asked.
[grant.probe]
# handles = []              # the only names that may be asked of them

[grant.lookups]
# rdap = false              # ask registries who registered a granted host

[grant.browser]
# allowed = false           # render pages that hold nothing without scripts

# A rehearsal: works unsigned, reaches loopback addresses and nothing else, and marks its case for life.
# [grant.development]
# allow_loopback = true
# resolve = {{ "clone.example" = "127.0.0.1:8081" }}   # names answered here instead of by DNS
# tls = true                # false: https is spoken in clear to these
# ca = "ca.pem"             # or trust this root for them; the path is relative to this file
"""


def grant_template(now: datetime) -> str:
    """Return a grant to fill in, valid for 30 days from the day of `now` (UTC)."""
    first = now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    last = first + timedelta(days=_DAYS)
    return _TEXT.format(valid_from=f"{first.isoformat()}Z", valid_to=f"{last.isoformat()}Z")
