"""The bounds that decide on texts are those that were measured under their name."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType

from clonedetect.match import align, quotation, text, text_evidence, text_queries, text_rules
from clonedetect.models import minhash
from clonedetect.models.calibration import TEXTS_MEASURED_IN
from clonedetect.models.settings import TextThresholds
from clonedetect.signals import charmodel, fingerprints, normalise, phrases

MEASURED = ("texts-1", "b1de121e4c44dd13")
DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"


def bounds(module: ModuleType) -> list[str]:
    """Return the module's constants that are numbers, as ``name=value``."""
    return [
        f"{module.__name__}.{name}={value!r}"
        for name, value in sorted(vars(module).items())
        if name.isupper() and isinstance(value, int | float)
    ]


def test_a_changed_bound_needs_a_new_name() -> None:
    judging = (text, text_evidence, text_queries, text_rules)
    modules = (align, charmodel, fingerprints, minhash, normalise, phrases, quotation, *judging)
    limits = repr(sorted(charmodel._MAX_MEAN_BITS.items()))
    told = [repr(TextThresholds()), limits, *(line for module in modules for line in bounds(module))]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    assert (text_rules.CALIBRATION, digest) == MEASURED, (
        "bounds changed: measure them (make bench-accuracy ONLY=texts), then name them anew and pin both here"
    )


def test_the_run_that_findings_name_is_the_one_that_is_published() -> None:
    _, _, published = DOCUMENT.read_text("utf-8").partition("bench-accuracy, texts: begin")
    assert f"| run | `{TEXTS_MEASURED_IN}` |" in published
