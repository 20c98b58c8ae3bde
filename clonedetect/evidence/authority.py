"""The last of the places where the grant is enforced: nothing leaves the case that no grant of it covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from clonedetect.errors import GrantError, VerificationError
from clonedetect.grant.document import parse_grant
from clonedetect.grant.permit import permit
from clonedetect.grant.terms import Grant
from clonedetect.models.capture import Capture, WireFidelity
from clonedetect.models.case import CaseContents, GrantFile
from clonedetect.models.ids import Digest, digest_of
from clonedetect.models.permit import Refusal

__all__ = ["require_authority"]


def require_authority(contents: CaseContents, started: Mapping[str, Sequence[datetime]]) -> None:
    """Require that a grant of the case permits every request of every capture, or raise VerificationError.

    `started` tells, by the id of a capture's closing record, when each of its requests began; where it
    says nothing, the capture's own time counts.

    1. the capture names a grant of this case, whose bytes are those that were accepted
    2. it names the rule of that grant which allowed it
    3. the grant permits each address that was asked, for that purpose and at that time

    What somebody supplied was never asked for by us: for it 1 alone must hold.
    """
    grants: dict[Digest, Grant] = {}
    for capture in contents.captures:
        grant = grants.get(capture.grant_digest)
        if grant is None:
            grant = grants[capture.grant_digest] = _grant_of(capture, contents.grants)  # 1
        if capture.fidelity is WireFidelity.SUPPLIED:
            continue
        _require_rule(capture, grant)  # 2
        own = started.get(capture.facts.record_id, ()) if capture.facts else ()
        for number, hop in enumerate(capture.hops):  # 3
            moment = own[number] if number < len(own) else capture.captured_at
            answer = permit(grant, hop.url, capture.purpose, moment)
            if isinstance(answer, Refusal):
                raise VerificationError(
                    f"{hop.url!a} was asked at {moment:%Y-%m-%dT%H:%M:%SZ}, and grant {grant.grant_id} "
                    f"does not permit it: {answer.reason}"
                )


def _grant_of(capture: Capture, grants: Iterable[GrantFile]) -> Grant:
    for file in grants:
        if file.digest != capture.grant_digest or file.grant_id != capture.grant_id:
            continue
        if digest_of(file.data) != file.digest:
            raise VerificationError(f"grant {file.grant_id} does not have the bytes that were accepted")
        try:
            return parse_grant(file.data, name=f"grant {file.grant_id}")
        except GrantError as error:
            raise VerificationError(f"the case's own grant cannot be read: {error}") from error
    raise VerificationError(
        f"{capture.url!a} was fetched under grant {capture.grant_id} ({capture.grant_digest}), "
        "which is not in the case"
    )


def _require_rule(capture: Capture, grant: Grant) -> None:
    rules = tuple(f"hosts[{number}] {rule.host} " for number, rule in enumerate(grant.hosts))
    if not capture.rule.startswith(rules):
        raise VerificationError(
            f"{capture.url!a} says that {capture.rule!a} allowed it, no rule of grant {grant.grant_id}"
        )
