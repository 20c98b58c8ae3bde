"""What the alignment of a caption says: its figures in bits, its spans, and what stands where it ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clonedetect.match.align import Alignment, Run
from clonedetect.match.quotation import end_of_own_words, is_quotation
from clonedetect.match.text_rules import Evidence
from clonedetect.models.ids import TextId
from clonedetect.models.reference import TextCost, TextReference
from clonedetect.protocols import CharacterModel
from clonedetect.signals.normalise import Normalised
from clonedetect.signals.phrases import CommonPhrases

__all__ = ["Aligned", "Costs", "Spans", "evidence_of", "raw_spans"]

_ELLIPSIS = re.compile(r"…|\.\.\.|&(?:amp;)?hellip;")

Bits = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """One reference aligned in one block."""

    reference: TextReference
    alignment: Alignment
    total_bits: float


class Costs:
    """What the characters of references cost, computed once per reference and only where it is asked."""

    def __init__(self, model: CharacterModel, phrases: CommonPhrases) -> None:
        self.model = model
        self._phrases = phrases
        self._known: dict[TextId, TextCost] = {}
        self._common: dict[TextId, Mask] = {}

    def learn(self, references: Iterable[TextReference]) -> None:
        """Ask the model about all of `references` at once."""
        new = {one.text_id: one.normalised for one in references if one.text_id not in self._known}
        self._known.update(zip(new, self.model.costs(tuple(new.values())), strict=True))

    def of(self, reference: TextReference) -> TextCost:
        """Return what a reference costs that was learned, the post itself left out."""
        return self._known[reference.text_id]

    def common(self, reference: TextReference) -> Mask:
        """Return which characters of a reference belong to common phrases."""
        if reference.text_id not in self._common:
            self._common[reference.text_id] = self._phrases.covered(reference.normalised)
        return self._common[reference.text_id]


def evidence_of(
    query: Normalised, aligned: Aligned, original: Normalised, costs: Costs, *, owners: int, is_repeated: bool
) -> Evidence:
    """Return the figures of one reference aligned in `query`; `original` is its raw text, normalised."""
    reference, alignment = aligned.reference, aligned.alignment
    bits, common = costs.of(reference).bits, costs.common(reference)
    matched = _mask(alignment.runs, len(bits))
    own = original.starts < end_of_own_words(reference.raw)
    return Evidence(
        bits=alignment.bits,
        distinctive_bits=max(0.0, alignment.bits - float(bits[matched & common].sum())),
        total_bits=aligned.total_bits,
        distinctive_total=aligned.total_bits - float(bits[common].sum()),
        coverage=alignment.coverage,
        density=alignment.density,
        own_coverage=_share(bits, own & _spanned(alignment, len(bits)), own),
        before=float(bits[: alignment.runs[0].reference].sum()) / aligned.total_bits,
        breaks_off=_breaks_off(query, original, alignment),
        owners=owners,
        is_repeated=is_repeated,
        is_quotation=is_quotation(reference.raw, raw_spans(original, _sides(alignment))),
        is_model_sufficient=costs.of(reference).is_sufficient,
    )


def _mask(runs: Sequence[Run], length: int) -> Mask:
    mask = np.zeros(length, dtype=bool)
    for run in runs:
        mask[run.reference : run.reference + run.length] = True
    return mask


def _spanned(alignment: Alignment, length: int) -> Mask:
    """Return which characters of the reference lie between the first and the last that were found."""
    last = alignment.runs[-1]
    mask = np.zeros(length, dtype=bool)
    mask[alignment.runs[0].reference : last.reference + last.length] = True
    return mask


def _share(bits: Bits, part: Mask, whole: Mask) -> float:
    """Return which share of the bits of `whole` is in `part`; all of nothing."""
    total = float(bits[whole].sum())
    return float(bits[part].sum()) / total if total > 0 else 1.0


def _breaks_off(query: Normalised, original: Normalised, alignment: Alignment) -> bool:
    """Return whether an ellipsis stands in the raw text where the last run ends, and none in the caption.

    Before the next letter, that is: behind punctuation, emoji, tags and addresses.
    """
    last = alignment.runs[-1]
    ours = _after(original, last.reference + last.length)
    return bool(_ELLIPSIS.search(_after(query, last.query + last.length))) and not _ELLIPSIS.search(ours)


def _after(text: Normalised, end: int) -> str:
    """Return what the raw text has between the normalised characters before and at `end`."""
    following = int(text.starts[end]) if end < len(text.text) else len(text.raw)
    return text.raw[int(text.ends[end - 1]) : following]


def raw_spans(text: Normalised, runs: tuple[tuple[int, int], ...]) -> Spans:
    """Return the raw spans of runs (start, length), those that touch joined."""
    spans: list[tuple[int, int]] = []
    for start, length in runs:
        first, last = text.raw_span(start, start + length)
        if spans and first <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(last, spans[-1][1]))
        else:
            spans.append((first, last))
    return tuple(spans)


def _sides(alignment: Alignment) -> tuple[tuple[int, int], ...]:
    """Return start and length of the runs in the reference."""
    return tuple((run.reference, run.length) for run in alignment.runs)
