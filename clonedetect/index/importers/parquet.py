"""Parquet tables, read batch by batch with pyarrow, which is an extra.

Columns have the names and types of the item: ``media`` is a list of structs, as
in JSON lines, or comes as columns ``media_path``, ``media_url`` ..., each one
value or a list, matched by place. Null is absent. Times are timestamps with a
zone or RFC 3339 text: a timestamp without a zone may be anybody's noon, and what
was public when is evidence, so a table that has such a column is refused.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from clonedetect.errors import InputError
from clonedetect.index.importers.columns import (
    ITEM_COLUMNS,
    LISTS,
    MEDIA_COLUMNS,
    header_fault,
    media_by_place,
)
from clonedetect.index.importers.rows import ItemRow, MediaRow, RefusedRow, SourceRow, SpanRow, to_item
from clonedetect.index.importers.wording import did_you_mean, refusal

__all__ = ["check", "is_parquet", "read"]

MAX_ROW_CHARACTERS: Final = 16 * 1024 * 1024
_MAGIC: Final = b"PAR1"
_BATCH_ROWS: Final = 256
_BUFFER_BYTES: Final = 1024 * 1024
_KNOWN: Final = ITEM_COLUMNS | MEDIA_COLUMNS
_TIMES: Final = frozenset(name for name in ITEM_COLUMNS if name.endswith("_at"))
_FLAGS: Final = frozenset({"minor", "canary"})
_STRUCTS: Final = {"media": MediaRow, "visibility": SpanRow}
_TEXTS: Final = ITEM_COLUMNS - LISTS - _TIMES - _FLAGS - set(_STRUCTS)


def is_parquet(head: bytes) -> bool:
    """Whether `head` begins a Parquet file (of which the footer is not encrypted)."""
    return head.startswith(_MAGIC)


def check() -> None:
    """Raise InputError, which says how to get it, where pyarrow is not installed."""
    _module("pyarrow.parquet")


def read(path: Path) -> Iterator[SourceRow | RefusedRow]:
    """Yield the items of `path`, its media's paths relative to its folder; `line` is the number of the row.

    A table whose columns are unknown or of another type is refused as a whole,
    a row by its number. What cannot be read further is one refusal and ends it.
    Memory holds a page of each column and 256 rows; equal texts are kept once.
    """
    source, size = str(path), path.stat().st_size
    arrow = _module("pyarrow")
    number = 0
    try:
        schema = _module("pyarrow.parquet").read_schema(path)
        fault = _fault(schema)
        if fault:
            yield RefusedRow(source, None, fault, size)
            return
        with _opened(path, schema) as table:
            total = max(1, table.metadata.num_rows)
            for batch in table.iter_batches(_BATCH_ROWS, use_threads=False):
                columns = _in_microseconds(batch)
                for at in range(len(columns)):
                    number += 1
                    position = size * min(number, total) // total
                    yield _row(path, columns.slice(at, 1), number, position)
    except (arrow.lib.ArrowException, OSError, RecursionError) as error:
        reason = f"cannot be read as Parquet ({_first_line(error)}); the rest is not read"
        yield RefusedRow(source, number + 1 if number else None, reason, size)


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            "Parquet is read with pyarrow, which is not installed: pip install 'clonedetect[parquet]'"
        ) from error


def _opened(path: Path, schema: Any) -> Any:
    """Open `path` so that columns are streamed and texts that repeat stay encoded until their row is read."""
    return _module("pyarrow.parquet").ParquetFile(
        path,
        buffer_size=_BUFFER_BYTES,
        pre_buffer=False,
        coerce_int96_timestamp_unit="us",
        read_dictionary=[field.name for field in schema if field.name in _TEXTS],
    )


def _fault(schema: Any) -> str:
    """Return why a table of `schema` is none of ours; "" if it is."""
    fault = header_fault(schema.names, _KNOWN)
    if not fault and "media" in schema.names and MEDIA_COLUMNS & set(schema.names):
        fault = "media are there twice, as column media and as columns media_..."
    faults = (fault,) if fault else (_type_fault(field.name, field.type) for field in schema)
    return next(filter(None, faults), "")


def _type_fault(name: str, kind: Any) -> str:
    for names, wanted, fits in _WANTED:
        if name in names and not fits(kind):
            return f"column {name} must be {wanted} and is {str(kind)[:80]}"
    if name in _STRUCTS and (fault := _struct_fault(name, kind)):
        return fault
    if any(_is_timestamp(one) and one.tz is None for one in _leaves(kind)):
        return f"column {name} holds times without a zone; write them as timestamps in UTC"
    return ""


def _struct_fault(name: str, kind: Any) -> str:
    """Return what is wrong with a column of nested values; that of visibility may be text instead."""
    types = _module("pyarrow").types
    if types.is_null(kind) or (name == "visibility" and _is_text(kind)):
        return ""
    if not _is_list(kind) or not types.is_struct(kind.value_type):
        return f"column {name} must be a list of structs and is {str(kind)[:80]}"
    known = _STRUCTS[name].__struct_encode_fields__
    unknown = next((field.name for field in kind.value_type if field.name not in known), None)
    return f"column {name}: unknown field {unknown}; {did_you_mean(unknown, known)}" if unknown else ""


def _is_text(kind: Any) -> bool:
    types = _module("pyarrow").types
    inner = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(inner) or types.is_large_string(inner) or types.is_null(inner))


def _is_list(kind: Any) -> bool:
    types = _module("pyarrow").types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_null(kind))


def _is_flag(kind: Any) -> bool:
    types = _module("pyarrow").types
    return bool(types.is_boolean(kind) or types.is_null(kind))


def _is_timestamp(kind: Any) -> bool:
    return bool(_module("pyarrow").types.is_timestamp(kind))


def _is_time(kind: Any) -> bool:
    return _is_timestamp(kind) or _is_text(kind)


_WANTED: Final = (
    (_TEXTS, "text", _is_text),
    (_FLAGS, "true or false", _is_flag),
    (LISTS, "a list of texts", _is_list),
    (_TIMES, "a timestamp with a zone or RFC 3339 text", _is_time),
)


def _leaves(kind: Any) -> Iterator[Any]:
    """Yield the types of values in `kind`, through lists and structs."""
    if kind.num_fields == 0:
        yield kind
    for number in range(kind.num_fields):
        yield from _leaves(kind.field(number).type)


def _in_microseconds(batch: Any) -> Any:
    """Return `batch` with nanoseconds cut off, which Python's times do not have."""
    arrow = _module("pyarrow")
    columns = [
        column if (kind := _coarser(column.type)) == column.type else column.cast(kind, safe=False)
        for column in batch.columns
    ]
    return arrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _coarser(kind: Any) -> Any:
    arrow = _module("pyarrow")
    if arrow.types.is_timestamp(kind) and kind.unit == "ns":
        return arrow.timestamp("us", tz=kind.tz)
    if arrow.types.is_struct(kind):
        return arrow.struct([field.with_type(_coarser(field.type)) for field in kind])
    if arrow.types.is_list(kind):
        return arrow.list_(kind.value_field.with_type(_coarser(kind.value_type)))
    if arrow.types.is_large_list(kind):
        return arrow.large_list(kind.value_field.with_type(_coarser(kind.value_type)))
    return kind


def _row(path: Path, columns: Any, number: int, position: int) -> SourceRow | RefusedRow:
    source = str(path)
    try:
        (cells,) = columns.to_pylist()
        if sum(len(cell) for cell in cells.values() if isinstance(cell, str)) > MAX_ROW_CHARACTERS:
            raise InputError(f"more than {MAX_ROW_CHARACTERS // 2**20} million characters")
        row = msgspec.convert(_item(cells), ItemRow)
        return SourceRow(source, number, to_item(row, path.parent), position)
    except (msgspec.ValidationError, InputError) as error:
        return RefusedRow(source, number, refusal(error, is_json=False), position)
    except UnicodeDecodeError as error:
        return RefusedRow(source, number, f"a text is not UTF-8 ({error.reason})", position)
    except (ValueError, OverflowError) as error:  # a time before the first year or after the last
        return RefusedRow(source, number, f"a value cannot be read ({_first_line(error)})", position)


def _item(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row as the JSON object it stands for."""
    row = {name: cell for name, cell in cells.items() if cell is not None and name not in MEDIA_COLUMNS}
    media = {
        name: cell if isinstance(cell, list) else [cell]
        for name, cell in cells.items()
        if name in MEDIA_COLUMNS and cell is not None
    }
    return row | {"media": media_by_place(media)} if media else row


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
