"""A table's cells as JSON, and back; columns of arrays as NumPy's files."""

import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

from localart.errors import InvalidMetadata
from localart.jsonable import normalise_whole
from localart.media import column_types as ct
from localart.media.base import EntryReader, Media
from localart.media.column_json import ARRAY_KEY
from localart.media.records import read_named
from localart.names import shown

MAX_ARRAY_BYTES = 1 << 30
MAX_EMBEDDING = 150
"""Arrays of one dimension up to this length stand in the rows as lists (W&B's rule)."""

_LARGE = 1 << 64  # whole numbers beyond are looked at before they are written
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def plain_cell(value: Any, keep: Callable[[Media], Any], depth: int = 0) -> Any:
    """`value` as JSON, by W&B's rules; `keep` says what stands for a media object.

    Times become milliseconds since 1970 (those without a zone are UTC), arrays and tuples lists, NaN None.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() else normalise_whole(value, "table cell")
    if kind is int or kind is bool:
        return value if -_LARGE < value < _LARGE else normalise_whole(value, "table cell")
    if ct.is_missing(value):
        return None
    if kind is float:
        return value
    if isinstance(value, Media):
        return keep(value)
    if depth > ct.MAX_DEPTH:
        raise InvalidMetadata(
            f"A table's cell is nested deeper than {ct.MAX_DEPTH} levels", hint="flatten it"
        )
    if isinstance(value, Mapping):
        return {str(key): plain_cell(item, keep, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_cell(item, keep, depth + 1) for item in value]
    return _plain_object(value, keep, depth)


def _plain_object(value: Any, keep: Callable[[Media], Any], depth: int) -> Any:
    if isinstance(value, (set, frozenset)):
        return [plain_cell(item, keep, depth + 1) for item in sorted(value, key=repr)]
    if isinstance(value, date):
        return _milliseconds(value)
    if type(value).__name__ == "datetime64":
        return int(value.astype("datetime64[ms]").astype("int64"))
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    if ct.is_array(value) or isinstance(value, str):
        return plain_cell(value.tolist() if ct.is_array(value) else str(value), keep, depth + 1)
    return normalise_whole(value, "table cell")


def _milliseconds(value: date) -> int:
    when = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND


# --- back -------------------------------------------------------------------------------------------


def cell_reader(kind: ct.ColumnType, entries: EntryReader) -> Callable[[Any], Any]:
    """What turns the cells of a column of `kind` from JSON into values."""
    members = kind.members if isinstance(kind, ct.Union) else (kind,)
    if ct.TIMESTAMP in members:
        return _read_time
    if any(isinstance(one, ct.NDArray) for one in members):
        return _read_array
    if all(one in _SIMPLE for one in members):
        return _as_it_is
    return lambda value: _read_cell(value, entries)


_SIMPLE = (ct.STRING, ct.NUMBER, ct.BOOLEAN, ct.NONE)


def _as_it_is(value: Any) -> Any:
    return value


def _read_time(value: Any) -> Any:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return value
    try:
        return _EPOCH + value * _MILLISECOND
    except (OverflowError, ValueError) as error:
        raise InvalidMetadata(f"A table holds a time that no calendar has: {value}") from error


def _read_array(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    import numpy as np

    try:
        return np.array(value)
    except ValueError as error:
        raise InvalidMetadata(f"A table holds an array whose rows differ in length: {error}") from error


def _read_cell(value: Any, entries: EntryReader) -> Any:
    from localart.media.attach import KINDS, from_record

    if isinstance(value, dict):
        if value.get("_type") in KINDS:
            return from_record(value, entries)
        return {key: _read_cell(item, entries) for key, item in value.items()}
    if isinstance(value, list):
        return [_read_cell(item, entries) for item in value]
    return value


# --- columns of arrays ------------------------------------------------------------------------------


def pack_arrays(cells: list[Any], kind: ct.ColumnType) -> bytes | None:
    """A column of equally shaped arrays as one npz file; None for a column that must stand in the rows."""
    members = kind.members if isinstance(kind, ct.Union) else (kind,)
    shapes = [one.shape for one in members if isinstance(one, ct.NDArray)]
    if len(shapes) != 1 or not cells or is_embedding(shapes[0]):
        return None
    if not all(ct.is_array(cell) and cell.shape == shapes[0] for cell in cells):
        return None
    import numpy as np

    if sum(cell.nbytes for cell in cells) > MAX_ARRAY_BYTES:
        raise InvalidMetadata(
            f"A column of arrays takes more than {MAX_ARRAY_BYTES:,} bytes", hint="keep the arrays in files"
        )
    content, array_file = BytesIO(), BytesIO()
    np.lib.format.write_array(array_file, np.stack(cells), allow_pickle=False)
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed date (the default of ZipInfo) lets equal columns be equal files.
        archive.writestr(
            zipfile.ZipInfo(f"{ARRAY_KEY}.npy"), array_file.getvalue(), compress_type=zipfile.ZIP_DEFLATED
        )
    return content.getvalue()


def is_embedding(shape: tuple[int, ...]) -> bool:
    """Whether arrays of this shape stand in the rows as lists."""
    return len(shape) == 1 and shape[0] <= MAX_EMBEDDING


def unpack_arrays(entries: EntryReader, path: str, key: str, row_count: int) -> Any:
    """The arrays of a column, one a row. Never unpickles, and never takes more memory than the file says."""
    content = read_named(entries, path)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            member = archive.getinfo(f"{key}.npy")
            if member.file_size > MAX_ARRAY_BYTES:
                raise InvalidMetadata(f"{shown(path)} would take {member.file_size:,} bytes of memory")
            array = _read_npy(archive.read(member))
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise InvalidMetadata(f"{shown(path)} does not hold the arrays of a column: {error}") from error
    if array.ndim == 0 or len(array) < row_count:
        raise InvalidMetadata(f"{shown(path)} holds fewer arrays than the table has rows")
    return array


def _read_npy(content: bytes) -> Any:
    import numpy as np

    file = BytesIO(content)
    version = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"version {version} of NumPy's format is not known")
    shape, _, dtype = read_header(file)
    count = 1
    for side in shape:
        count *= side
    if dtype.hasobject or min((0, *shape)) < 0 or count * dtype.itemsize > len(content) - file.tell():
        raise ValueError("its header cannot be right")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
