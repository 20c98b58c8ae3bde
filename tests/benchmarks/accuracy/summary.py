"""Results counted: recall by transformation, false accepts by set, peers, cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from accuracy.intervals import by_picture, upper_bound, wilson
from accuracy.peers import PEERS
from accuracy.records import BACKGROUND, COPY, RECALL, STRANGER, TEMPLATE, Others, Result

GROUPS: Final = {
    "identity": "encoding and size",
    "crop-random-90": "crops and frames",
    "mark-handle": "marks",
    "mirror": "geometry",
    "brightness-1.5": "tone",
    "blur-0.3": "blur and noise",
    "stickers-3x20": "stickers",
    "collage-2x2": "compositions",
    "chain-crop-mark-jpeg": "chains",
}
"""The first transformation of each group, in the order they are registered."""


@dataclass(frozen=True, slots=True)
class Recall:
    """How many of `asked` queries found the true item: without a person, for a person, not at all."""

    name: str
    confirmed: int
    possible: int
    asked: int

    @property
    def missed(self) -> int:
        """Queries of which the true item was not among the matches."""
        return self.asked - self.confirmed - self.possible

    @property
    def share(self) -> float:
        """Confirmed of asked, 0-1."""
        return self.confirmed / self.asked if self.asked else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `share`."""
        return wilson(self.confirmed, self.asked)


@dataclass(frozen=True, slots=True)
class FalseAccepts:
    """Wrong items over `queries`: `pairs` there are, `compared` were laid on the query, and what was said.

    `confirmed` counts pairs; `possible` those shown to people.
    """

    name: str
    queries: int
    pairs: int
    compared: int
    confirmed: int
    possible: int

    @property
    def bound(self) -> float:
        """What the rate of confirmed among compared pairs lies under, 95 %."""
        return upper_bound(self.confirmed, self.compared)


@dataclass(frozen=True, slots=True)
class PeerRecall:
    """Recall of a peer at one radius; None where no radius has none false.

    `false` counts the queries with a wrong picture within it.
    """

    radius: int | None
    recall: float
    false: int


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """One peer: at its customary radius, with none false among photographs, and with none false anywhere."""

    name: str
    customary: PeerRecall
    photographs: PeerRecall
    everything: PeerRecall
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Cost:
    """Mean milliseconds of processor over `queries`."""

    name: str
    queries: int
    prepare_ms: float
    match_ms: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that is published of a run, but what names it."""

    transformations: tuple[Recall, ...]
    photographs: tuple[Recall, ...]
    overall: Recall
    overall_photographs: Recall
    pictures: int
    by_picture: tuple[float, float]
    false: tuple[FalseAccepts, ...]
    templates: tuple[FalseAccepts, ...]
    copies: Recall
    peers: tuple[PeerFigures, ...]
    crop_resistant: tuple[int, int, int, int, float] | None
    costs: tuple[Cost, ...]
    hash_only: Cost


def summary(results: Iterable[Result], names: Sequence[str], drawn: frozenset[str]) -> Summary:
    """Count results; `names` are all transformations in order, `drawn` pictures that are no photographs."""
    every = tuple(results)
    recall = of_kind(every, RECALL)
    photographs = tuple(result for result in recall if result.task.picture not in drawn)
    return Summary(
        transformations=tuple(_recall(name, _group(recall, name)) for name in names),
        photographs=tuple(_recall(name, _group(photographs, name)) for name in names),
        overall=_recall("all", recall),
        overall_photographs=_recall("photographs", photographs),
        pictures=len({result.task.picture for result in recall}),
        by_picture=by_picture(_shares(recall)),
        false=_false(every),
        templates=_templates(every),
        copies=_recall("copies", of_kind(every, COPY)),
        peers=tuple(_peer(name, every) for name in PEERS),
        crop_resistant=_crop_resistant(recall),
        costs=_costs(recall, names),
        hash_only=_cost("laid as the hashes say", [r for r in recall if _is_laid_by_hash(r)]),
    )


def of_kind(results: Iterable[Result], kind: str) -> tuple[Result, ...]:
    """Return the results of one kind of task."""
    return tuple(result for result in results if result.task.kind == kind)


def groups_of(names: Sequence[str]) -> dict[str, str]:
    """Return the group of each transformation, which begins at the names `GROUPS` gives."""
    found, group = {}, ""
    for name in names:
        group = GROUPS.get(name, group)
        found[name] = group
    return found


def _group(results: Iterable[Result], name: str) -> tuple[Result, ...]:
    return tuple(result for result in results if result.task.group == name)


def _recall(name: str, results: Sequence[Result]) -> Recall:
    confirmed, possible = sum(r.is_confirmed for r in results), sum(r.is_possible for r in results)
    return Recall(name, confirmed, possible, len(results))


def _shares(recall: Sequence[Result]) -> list[float]:
    pictures: dict[str, list[bool]] = {}
    for result in recall:
        pictures.setdefault(result.task.picture, []).append(result.is_confirmed)
    return [sum(found) / len(found) for found in pictures.values()]


def _false_accepts(name: str, results: Sequence[Result], others: Callable[[Result], Others]) -> FalseAccepts:
    told = [others(result) for result in results]
    return FalseAccepts(
        name,
        len(results),
        sum(result.pairs for result in results),
        sum(other.compared for other in told),
        sum(len(other.confirmed) for other in told),
        sum(len(other.possible) for other in told),
    )


def _beside(result: Result) -> Others:
    return result.others


def _hidden(result: Result) -> Others:
    return result.hidden or Others()


def _false(every: Sequence[Result]) -> tuple[FalseAccepts, ...]:
    recall, strangers = of_kind(every, RECALL), of_kind(every, STRANGER)
    rows = [
        _false_accepts("copies, the true item in the index", recall, _beside),
        _false_accepts("the same copies, the true item taken out", recall, _hidden),
    ]
    rows += [
        _false_accepts(f"photographs {group}", _group(strangers, group), _beside)
        for group in dict.fromkeys(result.task.group for result in strangers)
    ]
    frames, backgrounds = of_kind(every, TEMPLATE), of_kind(every, BACKGROUND)
    rows.append(_false_accepts("other photographs in the same frame", frames, _beside))
    rows.append(_false_accepts("other objects before the same background", backgrounds, _beside))
    return tuple(rows)


def _templates(every: Sequence[Result]) -> tuple[FalseAccepts, ...]:
    rows = []
    for kind in (TEMPLATE, BACKGROUND):
        results = of_kind(every, kind)
        for group, indexed in sorted({(r.task.group, r.task.indexed) for r in results}):
            some = [r for r in results if (r.task.group, r.task.indexed) == (group, indexed)]
            rows.append(_false_accepts(f"{group}, {indexed} in the index", some, _beside))
    return tuple(rows)


def _peer(name: str, every: Sequence[Result]) -> PeerFigures:
    recall = of_kind(every, RECALL)
    photographs = [r.peers[name][1] for r in every if r.task.kind in {RECALL, STRANGER}]
    everything = [r.peers[name][1] for r in every if r.task.kind != COPY]
    spent = [r.peers_ms[name] for r in recall]

    def at(radius: int | None) -> PeerRecall:
        if radius is None or radius < 0:
            return PeerRecall(None, 0.0, 0)
        true = [r.peers[name][0] for r in recall]
        hits = sum(bits is not None and bits <= radius for bits in true)
        return PeerRecall(radius, hits / max(1, len(true)), sum(bits <= radius for bits in everything))

    return PeerFigures(
        name,
        at(PEERS[name].customary),
        at(min(photographs) - 1 if photographs else None),
        at(min(everything) - 1 if everything else None),
        sum(spent) / max(1, len(spent)),
    )


def _crop_resistant(recall: Sequence[Result]) -> tuple[int, int, int, int, float] | None:
    """Return queries, hits, wrong pairs matched, wrong pairs asked, and mean milliseconds of a hash."""
    sampled = [(r.crop_resistant, r.peers_ms["crop-resistant"]) for r in recall if r.crop_resistant]
    if not sampled:
        return None
    hits = sum(found[0] for found, _ in sampled)
    wrong, asked = sum(found[1] for found, _ in sampled), sum(found[2] for found, _ in sampled)
    return len(sampled), hits, wrong, asked, sum(spent for _, spent in sampled) / len(sampled)


def _costs(recall: Sequence[Result], names: Sequence[str]) -> tuple[Cost, ...]:
    group = groups_of(names)
    rows = [_cost(name, [r for r in recall if group.get(r.task.group) == name]) for name in GROUPS.values()]
    return (*rows, _cost("all", recall))


def _cost(name: str, results: Sequence[Result]) -> Cost:
    count = max(1, len(results))
    prepare, match = sum(r.prepare_ms for r in results), sum(r.match_ms for r in results)
    return Cost(name, len(results), prepare / count, match / count)


def _is_laid_by_hash(result: Result) -> bool:
    """Whether the true item was confirmed without a keypoint: no features were needed for it."""
    return result.is_confirmed and result.true is not None and result.true.inliers == 0
