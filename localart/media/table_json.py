"""A table as W&B's JSON: for a run's file, for an artifact, and back."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from localart.errors import InvalidMetadata
from localart.media import column_types as ct
from localart.media.base import ArtifactFiles, EntryReader, Media, MediaFiles, Record
from localart.media.column_json import array_path_in, type_from_json, type_to_json
from localart.media.records import list_in, object_in, read_record
from localart.media.table_cells import cell_reader, is_embedding, pack_arrays, plain_cell, unpack_arrays
from localart.media.table_files import with_files_at_hand
from localart.media.table_logging import check_log_mode
from localart.media.table_rows import check_columns
from localart.model import JsonObject
from localart.records import dataclass

if TYPE_CHECKING:
    from localart.media.table import Table

ARRAYS_FOLDER = "media/serialized_data"
SUFFIX = ".table.json"


# --- into a run -------------------------------------------------------------------------------------


def table_in_run(table: "Table", files: MediaFiles) -> Record:
    """Keep the rows as a file to look at; the record of the table in the history."""
    rows = [[plain_cell(cell, _name_of) for cell in row] for row in _rows_to_log(table)[: table.MAX_ROWS]]
    content = json.dumps({"columns": table.columns, "data": rows}, ensure_ascii=False).encode()
    path = files.keep(table.folder, content, SUFFIX)
    is_part = table.log_mode == "INCREMENTAL"
    return {
        "_type": "incremental-table-file" if is_part else "table-file",
        "path": path,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "ncols": len(table.columns),
        "nrows": len(table.data),
        "log_mode": table.log_mode,
    }


def _name_of(media: Media) -> str:
    return type(media).__name__


def _rows_to_log(table: "Table") -> list[list[Any]]:
    """All rows, or those an incremental table got since it was logged."""
    return table.data[table.logging.row_count :] if table.log_mode == "INCREMENTAL" else table.data


# --- into an artifact -------------------------------------------------------------------------------


def table_in_artifact(table: "Table", files: ArtifactFiles) -> Record:
    """Keep media and arrays of the cells as files; the table's whole record."""
    with _open_once(table):
        rows = _limited(table)
        packed = [_pack(rows, number, kind, files) for number, kind in enumerate(_types_of(table))]
        data = [
            [
                None if packed[number] else plain_cell(cell, lambda media: media.to_artifact(files))
                for number, cell in enumerate(row)
            ]
            for row in rows
        ]
        types = {
            name: type_to_json(kind, files, path)
            for (name, kind), path in zip(stored_types(table).items(), packed, strict=True)
        }
    record = {
        "_type": table.kind,
        "columns": table.columns,
        "data": data,
        "ncols": len(table.columns),
        "nrows": len(data),
        "column_types": {"wb_type": "typedDict", "params": {"type_map": types}},
        "log_mode": table.log_mode,
    }
    if table.log_mode == "INCREMENTAL":
        record |= {"increment_num": table.logging.increment, "previous_increments_paths": []}
    return record


_open: ContextVar[frozenset[int]] = ContextVar("tables being kept", default=frozenset())


@contextmanager
def _open_once(table: "Table") -> Iterator[None]:
    """Refuse a table that holds itself, in a cell or through keys."""
    if id(table) in _open.get():
        raise InvalidMetadata("A table holds itself, or two tables hold keys of each other")
    token = _open.set(_open.get() | {id(table)})
    try:
        yield
    finally:
        _open.reset(token)


def _limited(table: "Table") -> list[list[Any]]:
    rows = _rows_to_log(table)
    if len(rows) > table.MAX_ARTIFACT_ROWS:
        import logging

        logging.getLogger("localart").warning(
            "A table has %s rows, and only the first %s are kept (Table.MAX_ARTIFACT_ROWS)",
            f"{len(rows):,}",
            f"{table.MAX_ARTIFACT_ROWS:,}",
        )
    return rows[: table.MAX_ARTIFACT_ROWS]


def _types_of(table: "Table") -> list[ct.ColumnType]:
    return list(table.column_types().values())


def _pack(rows: list[list[Any]], number: int, kind: ct.ColumnType, files: ArtifactFiles) -> str | None:
    """Keep a column of arrays as a file; its path, or None when the cells stand in the rows."""
    if not any(isinstance(one, ct.NDArray) for one in _members(kind)):
        return None
    packed = pack_arrays([row[number] for row in rows], kind)
    return None if packed is None else files.keep(ARRAYS_FOLDER, packed, ".npz")


def stored_types(table: "Table") -> dict[str, ct.ColumnType]:
    """The types that are written: short arrays of one dimension are lists there."""
    return {name: _stored(kind) for name, kind in table.column_types().items()}


def _stored(kind: ct.ColumnType) -> ct.ColumnType:
    if isinstance(kind, ct.Union):
        return ct.union(_stored(one) for one in kind.members)
    is_list = isinstance(kind, ct.NDArray) and is_embedding(kind.shape)
    return ct.ListOf(ct.NUMBER, kind.shape[0]) if is_list and isinstance(kind, ct.NDArray) else kind


def _members(kind: ct.ColumnType) -> tuple[ct.ColumnType, ...]:
    return kind.members if isinstance(kind, ct.Union) else (kind,)


# --- equality ---------------------------------------------------------------------------------------


def same_tables(one: "Table", other: "Table") -> bool:
    """Whether both would be stored as the same rows: lists are tuples, times without a zone UTC, NaN None."""
    if (one.columns, len(one.data)) != (other.columns, len(other.data)):
        return False
    types = [
        {name: type_to_json(kind, None) for name, kind in stored_types(table).items()}
        for table in (one, other)
    ]
    if types[0] != types[1]:
        return False
    return all(
        [plain_cell(cell, _itself) for cell in row] == [plain_cell(cell, _itself) for cell in row_there]
        for row, row_there in zip(one.data, other.data, strict=True)
    )


def _itself(media: Media) -> Media:
    return media


# --- back -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTable:
    """What an artifact holds of a table."""

    columns: list[str | int]
    types: list[ct.ColumnType]
    rows: list[list[Any]]
    log_mode: str


def read_table(record: JsonObject, entries: EntryReader) -> ReadTable:
    """Read a table, of all its parts when it was logged part by part. InvalidMetadata for what cannot be right."""
    try:
        columns = check_columns(list_in(record, "columns"))
        log_mode = check_log_mode(record.get("log_mode"))
    except (TypeError, ValueError) as error:
        raise InvalidMetadata(f"A table's record cannot be right: {error}") from error
    type_map = object_in(object_in(object_in(record, "column_types"), "params"), "type_map")
    types = [_type_in(type_map, str(name), entries) for name in columns]
    parts = list(_parts(record, entries)) if log_mode == "INCREMENTAL" else [record]
    rows = [row for part in parts for row in _rows_in(part, columns, entries)]
    return ReadTable(columns=columns, types=types, rows=rows, log_mode=log_mode)


def _type_in(type_map: JsonObject, name: str, entries: EntryReader) -> ct.ColumnType:
    found = type_map.get(name)
    return ct.optional(ct.ANY) if found is None else type_from_json(found, entries)


def _parts(record: JsonObject, entries: EntryReader) -> Iterator[JsonObject]:
    """The records of all increments, oldest first; the given one when the files are not named as increments."""
    numbered = sorted(
        (int(match[1]), int(match[2]), path)
        for path in entries.paths()
        if (match := re.match(r"(\d{1,9})-(\d{1,20})\.", path)) and path.endswith(SUFFIX)
    )
    if not numbered:
        yield record
    for _, _, path in numbered:
        yield read_record(entries, path)


def _rows_in(record: JsonObject, columns: list[str | int], entries: EntryReader) -> list[list[Any]]:
    rows = list_in(record, "data")
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        raise InvalidMetadata(f"A table's rows must be lists of {len(columns)} cells")
    if record.get("columns") != columns:
        raise InvalidMetadata("The parts of a table have different columns")
    type_map = object_in(object_in(object_in(record, "column_types"), "params"), "type_map")
    entries = with_files_at_hand(entries, rows)
    for number, name in enumerate(columns):
        raw = type_map.get(str(name))
        place = None if raw is None else array_path_in(raw)
        if place is not None:
            arrays = unpack_arrays(entries, *place, len(rows))
            for row, array in zip(rows, arrays, strict=False):
                row[number] = array
        else:
            read = cell_reader(_type_in(type_map, str(name), entries), entries)
            for row in rows:
                row[number] = read(row[number])
    return rows
