"""The part of `docs/accuracy.md` on texts and pages, written from a run's results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from accuracy.intervals import upper_bound, wilson
from accuracy.text_run import CLASSES, Answer, Stranger, TextResults

__all__ = ["BEGIN", "END", "LISTED", "TextProvenance", "text_block"]

BEGIN: Final = "<!-- written by make bench-accuracy, texts: begin -->"
END: Final = "<!-- written by make bench-accuracy, texts: end -->"
LISTED: Final = (
    "verbatim",
    "wrapped in interface",
    "homoglyphs",
    "zero-width",
    "escaped twice",
    "joined",
    "cut to 60 %",
    "10 % edits",
    "20 % edits",
    "combination",
)
"""The transformations whose mean is told by language and by length."""

_SHARED: Final = "shared"
_SAME: Final = 0.8
_VARIANT: Final = 0.5


@dataclass(frozen=True, slots=True)
class TextProvenance:
    """What names a run of texts: when, on what, of what."""

    run_id: str
    commit: str
    is_dirty: bool
    data: str
    date: str
    machine: str


def text_block(results: TextResults, run: TextProvenance) -> str:
    """Return the whole written part, marks left out."""
    parts = [
        _headline(results),
        "#### By transformation\n\n" + _transformations(results.answers),
        "#### By language\n\n" + _languages(results.answers),
        "#### By length\n\n" + _lengths(results.answers),
        "#### Texts that accuse nobody\n\n" + _innocent(results),
        "#### Pages\n\n" + _pages(results),
        "#### The run\n\n" + _run(results, run),
    ]
    return "\n\n".join(parts)


def _headline(results: TextResults) -> str:
    general = [one for one in _long(results.answers) if one.is_general and one.transformation in LISTED]
    own = [one for one in general if _SHARED not in one.gates]
    clean = results.clean_pages
    variants = sum(one.shared >= _VARIANT for one in results.confirmed)
    return "\n".join(
        [
            f"- **Recall**: {_told(general)} of {len(general):,} altered copies are confirmed without a "
            f"person, {_told(own)} without those that are gated because several accounts hold the text.",
            f"- **False accepts**: {clean.accused} of {clean.pages:,} clean pages, "
            f"under {_percent(upper_bound(clean.accused, clean.pages), 3)}; {len(results.confirmed)} of "
            f"{results.strangers:,} strangers, {variants} of which share half of their grams with the post "
            "or more: variants of one text that the corpus holds twice.",
        ]
    )


def _transformations(answers: Sequence[Answer]) -> str:
    rows = []
    for name in dict.fromkeys(one.transformation for one in answers):
        asked = [one for one in _long(answers) if one.is_general and one.transformation == name]
        own = [one for one in asked if _SHARED not in one.gates]
        verdicts = Counter(one.verdict for one in asked)
        missed = verdicts["none"] + verdicts["inconclusive"]
        rows.append(
            [name, verdicts["confirmed"], verdicts["possible"], missed, len(asked), _told(asked), _told(own)]
        )
    head = ["transformation", "confirmed", "possible", "missed", "n", "recall (95 %)", "held by one account"]
    return _table(head, rows)


def _languages(answers: Sequence[Answer]) -> str:
    rows: list[Sequence[object]] = []
    listed = [one for one in _long(answers) if one.transformation in LISTED]
    for language in sorted({one.language for one in listed}):
        own = [one for one in listed if one.language == language]
        hardest = min(LISTED, key=lambda name: _share([one for one in own if one.transformation == name]))
        worst = [one for one in own if one.transformation == hardest]
        posts = len({one.key for one in own})
        rows.append([language, posts, _told(own), f"{hardest} {_percent(_share(worst))}"])
    return _table(["language", "posts", "recall over the ten", "lowest"], rows)


def _lengths(answers: Sequence[Answer]) -> str:
    rows: list[Sequence[object]] = []
    for low, high in zip(CLASSES, (*CLASSES[1:], None), strict=True):
        own = [one for one in answers if low <= one.bits and (high is None or one.bits < high)]
        if not own:
            continue
        plain = [one for one in own if one.transformation == "verbatim"]
        listed = [one for one in own if one.transformation in LISTED]
        shown = Counter(one.verdict for one in plain)
        name = f"{low}-{high}" if high else f"{low} and more"
        rows.append(
            [
                name,
                len(plain),
                _percent(shown["confirmed"] / len(plain)),
                _percent(shown["possible"] / len(plain)),
                _percent(shown["inconclusive"] / len(plain)),
                _percent(_share(listed)),
            ]
        )
    head = ["bits", "posts", "confirmed, verbatim", "possible", "inconclusive", "confirmed, over the ten"]
    return _table(head, rows)


def _innocent(results: TextResults) -> str:
    rows: list[Sequence[object]] = []
    for where in ("alone", "in a sentence", "on a page"):
        told = {
            verdict: results.phrases.get(f"{where}: {verdict}", 0)
            for verdict in ("confirmed", "possible", "inconclusive", "none")
        }
        rows.append([f"common phrases, {where}", told["confirmed"], told["possible"], sum(told.values())])
    told = results.told
    rows.append(["strangers", told.get("confirmed", 0), told.get("possible", 0), results.strangers])
    kinds: dict[str, Callable[[Stranger], bool]] = {
        "a confirmed pair shares four fifths of its grams": lambda one: one.shared >= _SAME,
        "half to four fifths": lambda one: _VARIANT <= one.shared < _SAME,
        "less than half": lambda one: one.shared < _VARIANT,
    }
    parts = "; ".join(f"{name}: {sum(map(test, results.confirmed))}" for name, test in kinds.items())
    return _table(["asked", "confirmed", "possible", "n"], rows) + f"\n\nOf the strangers, {parts}."


def _pages(results: TextResults) -> str:
    clone, clean = results.clone_pages, results.clean_pages
    shown, named = _interval(clone.confirmed, clone.shown), _interval(clone.accounts, clone.pages)
    accused, accounts = (upper_bound(hits, clean.pages) for hits in (clean.accused, clean.accounts))
    rows: list[Sequence[object]] = [
        ["clone pages", clone.pages, ""],
        ["posts shown on them that are confirmed", clone.confirmed, f"of {clone.shown}, {shown}"],
        ["pages whose account is confirmed", clone.accounts, f"of {clone.pages}, {named}"],
        ["other items confirmed on them", clone.wrong_items, ""],
        ["other accounts confirmed on them", clone.wrong_accounts, ""],
        ["clean pages", clean.pages, f"{clean.texts:,} texts; {clean.left_out} too like a post are left out"],
        ["pages that a text confirms", clean.accused, f"under {_percent(accused, 3)}"],
        ["texts confirmed, those marked as quotations included", clean.confirmed, ""],
        ["texts shown to people", clean.possible, ""],
        ["accounts confirmed", clean.accounts, f"under {_percent(accounts, 3)} a page"],
        ["HTML to text findings", f"{clean.ms_each:.1f} ms", f"of a core, {clean.bytes_each:,} bytes a page"],
    ]
    return _table(["", "", ""], rows)


def _run(results: TextResults, run: TextProvenance) -> str:
    state = "with changes" if run.is_dirty else "as committed"
    rows: list[Sequence[object]] = [
        ["run", f"`{run.run_id}`"],
        ["commit", f"`{run.commit}`, {state}"],
        ["texts (SHA-256)", f"`{run.data[:16]}`"],
        ["date", run.date],
        ["machine", run.machine],
        ["indexed posts", f"{results.indexed:,}"],
        ["posts of 120 bits and more that could be asked", f"{results.asked_of:,}"],
    ]
    return _table(["", ""], rows)


def _long(answers: Sequence[Answer]) -> list[Answer]:
    return [one for one in answers if one.bits >= CLASSES[2]]


def _share(answers: Sequence[Answer]) -> float:
    return sum(one.verdict == "confirmed" for one in answers) / max(1, len(answers))


def _told(answers: Sequence[Answer]) -> str:
    hits = sum(one.verdict == "confirmed" for one in answers)
    return f"{_percent(hits / max(1, len(answers)))} ({_interval(hits, len(answers))})"


def _interval(hits: int, asked: int) -> str:
    low, high = wilson(hits, asked)
    return f"{100 * low:.1f}-{_percent(high)}"


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)
