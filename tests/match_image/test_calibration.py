"""The bounds that decide on pictures are those that were measured under their name."""

from __future__ import annotations

import hashlib
from types import MappingProxyType, ModuleType

from clonedetect.match import (
    blocks,
    candidates,
    geometry,
    image,
    mask,
    overlay,
    refinement,
    remainder,
    rules,
    tone,
    writing,
)
from clonedetect.models.settings import ImageThresholds

MEASURED = ("pictures-5", "f7b99c34e5ab1811")


def bounds(module: ModuleType) -> list[str]:
    """Return the module's constants that are numbers, or tables of them, as ``name=value``."""
    named = []
    for name, value in sorted(vars(module).items()):
        if not name.isupper() or name.startswith("_"):
            continue
        if isinstance(value, int | float):
            named.append(f"{module.__name__}.{name}={value!r}")
        elif isinstance(value, MappingProxyType):
            rows = ", ".join(f"{key}: {entry!r}" for key, entry in value.items())
            named.append(f"{module.__name__}.{name}={rows}")
    return named


def test_a_changed_bound_needs_a_new_name() -> None:
    modules = (
        blocks,
        candidates,
        geometry,
        image,
        mask,
        overlay,
        refinement,
        remainder,
        rules,
        tone,
        writing,
    )
    text = "\n".join([repr(ImageThresholds()), *(line for module in modules for line in bounds(module))])
    assert (rules.CALIBRATION, hashlib.sha256(text.encode()).hexdigest()[:16]) == MEASURED, (
        "bounds changed: measure them (make bench-accuracy), then name them anew and pin both here"
    )
