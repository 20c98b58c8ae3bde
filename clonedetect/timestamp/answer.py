"""What an authority's answer is worth: does it bind these bytes in time, under these roots?

rfc3161-client looks first. It reads strict DER, which some real authorities do
not write (openssl's own among them, where it sends a chain along); what it
refuses is put to openssl, whose word then counts, and is said to be openssl's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import DuplicateExtension, load_pem_x509_certificates
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerifierBuilder, decode_timestamp_response
from rfc3161_client import VerificationError as RefusedError
from rfc3161_client._rust import parse_timestamp_request

from clonedetect.errors import DependencyError, VerificationError
from clonedetect.timestamp.openssl import judge_with_openssl

__all__ = ["Judgement", "judge", "new_query"]

_GRANTED = (0, 1)
"""PKIStatus granted and grantedWithMods (RFC 3161, 2.4.2)."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The bytes existed at `time` at the latest; `by` is the verifier that says so."""

    time: datetime
    by: str


def new_query(message: bytes) -> bytes:
    """Return a query (DER) for the SHA-256 of `message`, with a new nonce, that asks for certificates."""
    builder = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256)
    return builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes()


def judge(message: bytes, query: bytes, answer: bytes, roots: bytes) -> Judgement:
    """Return when `message` existed by the authority's `answer` to `query`, under `roots` (PEM).

    Status, imprint of message and query, nonce, signature, chain as of the time
    itself, and extended key usage are looked at. Raises VerificationError where
    any does not hold, DependencyError where the library cannot read the answer
    and there is no openssl.
    """
    try:
        return _judge_with_library(message, query, answer, roots)
    except (RefusedError, ValueError, UnsupportedAlgorithm, DuplicateExtension) as error:
        refused = f"{error} (rfc3161-client)"
    try:
        return Judgement(judge_with_openssl(message, query, answer, roots), "openssl")
    except VerificationError as error:
        raise VerificationError(f"{refused}; {error}") from error
    except DependencyError as error:
        raise DependencyError(f"{refused}; {error}") from error


def _judge_with_library(message: bytes, query: bytes, answer: bytes, roots: bytes) -> Judgement:
    asked, told = parse_timestamp_request(query), decode_timestamp_response(answer)
    if told.status not in _GRANTED:
        raise RefusedError(f"the authority gave no timestamp: status {told.status} {told.status_string}")
    certificates = load_pem_x509_certificates(roots)
    # Passed as new lists: the builder would keep those of an earlier one.
    verifier = VerifierBuilder(
        policy_id=asked.policy, nonce=asked.nonce, roots=list(certificates), intermediates=[]
    ).build()
    verifier.verify_message(told, message)
    theirs, ours = told.tst_info.message_imprint, asked.message_imprint
    if (theirs.hash_algorithm, theirs.message) != (ours.hash_algorithm, ours.message):
        raise RefusedError("the query is not the one that was answered")
    return Judgement(told.tst_info.gen_time, "rfc3161-client")
