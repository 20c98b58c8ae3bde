"""What travels inside every package: its own verifier, instructions, schemas, and the report's template.

`verify.py` is also the checker this program runs itself, so that the copy in
a package and ``clonedetect verify`` cannot come to disagree.
"""

from __future__ import annotations

from importlib.resources import files

__all__ = ["SCHEMAS", "shipped_bytes"]

SCHEMAS = (
    "captures",
    "custody",
    "head",
    "matches",
    "network",
    "provenance",
    "sample",
    "supplied",
    "traits",
    "verdicts",
)
"""Names of the JSON Schemas, without ``.schema.json``."""


def shipped_bytes(name: str) -> bytes:
    """Return one shipped file, byte for byte; `name` is relative to this folder."""
    return (files(__name__) / name).read_bytes()
