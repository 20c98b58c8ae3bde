from __future__ import annotations

from tests.timestamp.authority import authority, new_authority

__all__ = ["authority", "new_authority"]
