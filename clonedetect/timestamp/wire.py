"""The only connection that is made outside a grant: a query to an authority that the operator named.

No redirect is followed, no cookie kept, no proxy of the environment used; the
answer is cut at a size, every wait has a limit.
"""

from __future__ import annotations

import http.client
import ssl
import time
from urllib.parse import urlsplit

from clonedetect import __version__
from clonedetect.errors import DependencyError

__all__ = ["MAX_ANSWER", "ask"]

MAX_ANSWER = 256 << 10
"""Bytes of an answer; real ones, with their chain of certificates, have under 10,000."""

_HEADERS = {
    "Content-Type": "application/timestamp-query",
    "Accept": "application/timestamp-reply",
    "User-Agent": f"clonedetect/{__version__}",
    "Connection": "close",
}


def ask(url: str, query: bytes, *, wait_s: float) -> bytes:
    """Send `query` to the authority at `url` and return its answer, whatever it says.

    No single wait is longer than `wait_s`, nor all of the body. Raises
    DependencyError where there is no whole answer.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=wait_s, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=wait_s)
    )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body=query, headers=_HEADERS)
        return _body(connection.getresponse(), time.monotonic() + wait_s)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        told = (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
        raise DependencyError(told) from error
    finally:
        connection.close()


def _body(answer: http.client.HTTPResponse, until: float) -> bytes:
    if 300 <= answer.status < 400:
        raise DependencyError(f"HTTP {answer.status}: redirects are not followed, name the address itself")
    if answer.status != 200:
        raise DependencyError(f"HTTP {answer.status}")
    body = b""
    while part := answer.read1(min(1 << 14, MAX_ANSWER + 1 - len(body))):
        body += part
        if len(body) > MAX_ANSWER:
            raise DependencyError(f"the answer is longer than {MAX_ANSWER} bytes")
        if time.monotonic() > until:
            raise DependencyError("the answer takes too long")
    if answer.length:
        raise DependencyError("the answer is cut short")
    return body
