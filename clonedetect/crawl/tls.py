"""Verified TLS that keeps what the server presented, also when it is refused.

OpenSSL throws a chain away when its verification fails, and a second,
unverified connection would be another socket, perhaps to another machine. The
context's message callback sees the Certificate message on this very socket,
decrypted and before it is judged (RFC 8446, 4.4.2; RFC 5246, 7.4.2).
Verification itself is OpenSSL's, with the system's roots.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from clonedetect.errors import GrantError
from clonedetect.models.capture import TlsFacts

__all__ = ["TlsNotes", "context_for", "taking_notes"]

_HANDSHAKE = 22
_CERTIFICATE = 11
_TLS13 = 0x0304
_MAX_CHAIN = 32


@dataclass(slots=True)
class TlsNotes:
    """What one connection's handshake showed so far."""

    connection: ssl.SSLObject | None = None
    certificates: tuple[bytes, ...] = ()

    def forget(self) -> None:
        """Begin anew for the next address; what an earlier one presented is not this one's."""
        self.connection = None
        self.certificates = ()

    def facts(self, *, verified: bool) -> TlsFacts | None:
        """Return what is known, or None where no handshake got as far as a certificate."""
        if self.connection is None:
            return None
        cipher = self.connection.cipher()
        return TlsFacts(
            version=self.connection.version() or "",
            cipher=cipher[0] if cipher else "",
            certificates=self.certificates,
            verified=verified,
        )

    def note_established(self, connection: ssl.SSLObject) -> None:
        """Take the leaf from an established connection where the callback did not show the chain."""
        self.connection = connection
        leaf = connection.getpeercert(binary_form=True)
        if leaf and self.certificates[:1] != (leaf,):
            self.certificates = (leaf,)


# asyncio runs a connection's callbacks in the context of the task that opened it,
# so each handshake writes into the notes of its own exchange.
_notes: ContextVar[TlsNotes | None] = ContextVar("clonedetect_tls_notes", default=None)


@contextmanager
def taking_notes(notes: TlsNotes) -> Iterator[None]:
    """Have handshakes begun by this task within the block written into `notes`."""
    token = _notes.set(notes)
    try:
        yield
    finally:
        _notes.reset(token)


@lru_cache(maxsize=64)
def context_for(trust_root: bytes | None) -> ssl.SSLContext:
    """Return a verifying context over the system's roots and, if given, the PEM `trust_root`.

    Cached, for loading 144 system roots takes 34 ms. Raises GrantError where
    `trust_root` holds no certificate.
    """
    context = ssl.create_default_context()
    if trust_root is not None:
        try:
            context.load_verify_locations(cadata=trust_root.decode("ascii"))
        except (ssl.SSLError, ValueError) as error:
            raise GrantError(f"the grant's ca is no PEM certificate: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    # The attribute is CPython's own debugging hook (3.8 and later) and without a public twin;
    # where it does not exist, note_established still keeps the leaf of good connections.
    context._msg_callback = _note_message  # type: ignore[attr-defined]  # noqa: SLF001  no public twin
    return context


def _note_message(  # noqa: PLR0917  OpenSSL calls it so
    connection: ssl.SSLObject | None,
    direction: str,
    version: int,
    content_type: int,
    message_type: int,
    data: bytes,
) -> None:
    """Keep the certificates of one handshake message; called by OpenSSL, so it never raises."""
    notes = _notes.get()
    if notes is None or direction != "read":
        return
    if content_type == _HANDSHAKE and message_type == _CERTIFICATE:
        notes.connection = connection
        notes.certificates = certificates_in(data, is_tls13=version >= _TLS13)


def certificates_in(message: bytes, *, is_tls13: bool) -> tuple[bytes, ...]:
    """Return the DER certificates of a Certificate message, leaf first; malformed rest is left out."""
    position = 4  # message type and length
    if is_tls13:
        position += 1 + (message[4] if len(message) > 4 else 0)  # request context
    position += 3  # length of the list
    found: list[bytes] = []
    while position + 3 <= len(message) and len(found) < _MAX_CHAIN:
        size = int.from_bytes(message[position : position + 3], "big")
        position += 3
        if size == 0 or position + size > len(message):
            break
        found.append(message[position : position + size])
        position += size
        if is_tls13:
            position += 2 + int.from_bytes(message[position : position + 2], "big")
    return tuple(found)
