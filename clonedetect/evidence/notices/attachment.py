"""The JSON beside each letter: exact addresses under the letter's numbers, and what is left to a person."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from clonedetect.evidence.notices.kinds import Blank
from clonedetect.evidence.notices.letters import Letter

__all__ = ["SCHEMA", "attachment", "json_document", "left_blank"]

SCHEMA: Final = 1
_encoder = msgspec.json.Encoder(order="sorted")


def json_document(value: object) -> bytes:
    """Return `value` as readable JSON: keys sorted, one space a level, a line feed at the end."""
    return msgspec.json.format(_encoder.encode(value), indent=1) + b"\n"


def left_blank(blanks: tuple[Blank, ...]) -> dict[str, dict[str, str | None]]:
    """Return each blank field with nothing in it, and what belongs there."""
    return {blank.field: {"value": None, "what": blank.what} for blank in blanks}


def attachment(letter: Letter) -> bytes:
    """Return what the letter says, for programs; what only the house is to see is not in it."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "is_draft": True,
        "kind": letter.kind,
        "title": letter.title,
        "case_id": letter.case_id,
        "part": letter.part,
        "parts": letter.parts,
        "claimant": letter.claimant,
        "recipient": msgspec.to_builtins(letter.recipient),
        "material": letter.entries,
        "left_blank": left_blank(letter.blanks),
    }
    del document["recipient"]["not_recorded"]
    return json_document(msgspec.to_builtins(document))
