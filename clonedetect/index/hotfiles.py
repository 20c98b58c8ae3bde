"""Generations of immutable array files, swapped in by one atomic rename.

A folder holds ``plan.json`` and the ``.npy`` files it names. File names carry
the digest of their arrays, so a new generation never overwrites the files of
the old one, and whoever still maps those keeps reading them after they are
unlinked. Only the rename of ``plan.json`` makes a generation valid: killed at
any moment before, the old one stands.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from clonedetect.errors import IndexFormatError

__all__ = [
    "ArrayFile",
    "Plan",
    "drop_generation",
    "drop_leftovers",
    "leftovers",
    "mapped_generation",
    "open_arrays",
    "read_plan",
    "verify_arrays",
    "write_generation",
]

PLAN = "plan.json"
_OPEN_ATTEMPTS: Final = 5
Array = npt.NDArray[Any]


class ArrayFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One array on disk: file name, shape, element type and SHA-256 of its elements."""

    file: str
    shape: tuple[int, ...]
    dtype: str
    sha256: str


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one generation consists of, and which state of the index it was built from.

    `layout` names how the arrays answer a lookup; `lineage` tells the commit
    they were built from apart from another commit of the same number; `bands`
    are the bits at which bands begin and end, where the layout has any.
    """

    schema: int
    layout: str
    generation: int
    snapshot_id: str
    lineage: str
    arrays: dict[str, ArrayFile]
    bands: tuple[int, ...] = ()


def write_generation(
    folder: Path,
    arrays: Iterable[tuple[str, Array | ArrayFile]],
    *,
    schema: int,
    layout: str,
    generation: int = 0,
    snapshot_id: str = "",
    lineage: str = "",
    bands: tuple[int, ...] = (),
) -> Plan:
    """Write `arrays` and their plan durably into `folder`, then drop the files of older generations.

    Each array is written before the next is asked for, so they need not fit in memory together.
    An `ArrayFile` stands for an array that the folder's plan names already: its file stays.
    One process at a time may write a folder; readers need no lock.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        files = {
            name: array if isinstance(array, ArrayFile) else _write_array(folder, name, array)
            for name, array in arrays
        }
    except BaseException:
        drop_leftovers(folder)
        raise
    plan = Plan(schema, layout, generation, snapshot_id, lineage, files, bands)
    _write_bytes(folder / PLAN, msgspec.json.format(msgspec.json.encode(plan, order="sorted")) + b"\n")
    drop_leftovers(folder)
    return plan


def drop_leftovers(folder: Path) -> bool:
    """Drop the files that the plan of `folder` does not name: older ones, and those of a write cut short.

    For whoever may write the folder. Returns whether there were any.
    """
    left = leftovers(folder)
    for path in left:
        path.unlink(missing_ok=True)
    return bool(left)


def leftovers(folder: Path) -> tuple[Path, ...]:
    """Return the files that the plan of `folder` does not name, all where there is no usable plan."""
    try:
        plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
        named = {file.file for file in plan.arrays.values()}
    except (FileNotFoundError, msgspec.DecodeError):
        named = set()
    found = folder.iterdir() if folder.is_dir() else ()
    return tuple(path for path in found if path.suffix in {".npy", ".tmp"} and path.name not in named)


def drop_generation(folder: Path, *, schema: int, generation: int, lineage: str) -> None:
    """Drop the plan and the files of `folder` if they are of this generation and lineage, else nothing."""
    try:
        plan = read_plan(folder, schema=schema)
    except (FileNotFoundError, IndexFormatError):
        return
    if (plan.generation, plan.lineage) == (generation, lineage):
        (folder / PLAN).unlink(missing_ok=True)
        drop_leftovers(folder)


def read_plan(folder: Path, *, schema: int) -> Plan:
    """Return the plan of `folder`.

    Raises FileNotFoundError where there is none and IndexFormatError where it
    is of another schema or cannot be read.
    """
    data = (folder / PLAN).read_bytes()
    try:
        number = msgspec.json.decode(data, type=dict[str, Any]).get("schema")
        if number != schema:
            raise IndexFormatError(
                f"{folder / PLAN} has schema {number}, this program reads {schema}; "
                f"delete {folder}, it is built again from index.db"
            )
        return msgspec.json.decode(data, type=Plan)
    except msgspec.DecodeError as error:
        raise IndexFormatError(
            f"{folder / PLAN} cannot be read ({error}); delete {folder}, it is built again"
        ) from error


def open_arrays(folder: Path, plan: Plan) -> dict[str, Array]:
    """Map the arrays of `plan` read-only, their shapes and types checked against it."""
    arrays: dict[str, Array] = {}
    for name, entry in plan.arrays.items():
        path = folder / entry.file
        try:
            array = np.load(path, mmap_mode="r" if np.prod(entry.shape) else None, allow_pickle=False)
        except FileNotFoundError:
            raise
        except (ValueError, OSError, EOFError) as error:
            raise IndexFormatError(f"{path} is damaged ({error}); delete {folder}") from error
        if array.shape != entry.shape or array.dtype.str != entry.dtype:
            raise IndexFormatError(f"{path} is not the array its plan describes; delete {folder}")
        arrays[name] = array
    return arrays


def mapped_generation(folder: Path, *, schema: int) -> tuple[Plan, dict[str, Array]]:
    """Return the plan of `folder` and its arrays, of one generation, whatever is written meanwhile.

    Raises what `read_plan` and `open_arrays` raise.
    """
    for _ in range(_OPEN_ATTEMPTS - 1):
        plan = read_plan(folder, schema=schema)
        try:
            return plan, open_arrays(folder, plan)
        except FileNotFoundError:  # replaced between plan and file: the next plan names the new ones
            continue
    plan = read_plan(folder, schema=schema)
    return plan, open_arrays(folder, plan)


def verify_arrays(folder: Path, plan: Plan) -> tuple[str, ...]:
    """Return a sentence for each array whose elements are not those that were written."""
    faults = []
    for name, array in open_arrays(folder, plan).items():
        entry = plan.arrays[name]
        if _digest(array) != entry.sha256:
            faults.append(f"{folder / entry.file} does not have the elements it was written with")
    return tuple(faults)


def _digest(array: Array) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).hexdigest()


def _write_array(folder: Path, name: str, array: Array) -> ArrayFile:
    array = np.ascontiguousarray(array)
    digest = _digest(array)
    target = folder / f"{name}-{digest[:16]}.npy"
    temporary = target.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
    return ArrayFile(target.name, array.shape, array.dtype.str, digest)


def _write_bytes(target: Path, data: bytes) -> None:
    temporary = target.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
