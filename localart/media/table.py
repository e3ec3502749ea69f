"""Tables: rows of typed columns whose cells may be media. W&B's class, with W&B's JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

from localart.errors import UsageError
from localart.media import column_types as ct
from localart.media.base import ArtifactFiles, EntryReader, Media, MediaFiles, Record
from localart.media.column_dtypes import type_from
from localart.media.joined import JoinedTable, PartitionedTable
from localart.media.refusals import RefusedType, RefusedValue
from localart.media.table_json import read_table, table_in_artifact, table_in_run
from localart.media.table_logging import TableLogging, check_log_mode
from localart.media.table_rows import check_columns, frame_columns, is_frame, iter_frame, iter_rows
from localart.model import JsonObject
from localart.names import shown

__all__ = ["JoinedTable", "PartitionedTable", "Table"]

ColumnKey = str | int
_SETTLING = {str, int, float, bool, type(None)}


class Table(Media):
    """Rows in named, typed columns. `columns` and `data` (a list of lists) may be read freely.

    Made of rows (`data`: lists, an array of two dimensions), or of a `dataframe` (pandas or polars). A column's type
    is `dtype`'s, or that of its first value; `optional` columns take None and NaN, and `allow_mixed_types` takes
    anything. Both `dtype` and `optional` may be a list, one for each column. `log_mode` says what logging it again
    does: nothing, a new version after each change (MUTABLE), or only the new rows (INCREMENTAL).

    Raises ValueError for rows of a wrong length, TypeError for cells of a wrong type. Equal when columns, types and
    stored cells are. For one thread at a time.
    """

    kind = "table"
    folder = "media/table"
    MAX_ROWS = 10_000
    MAX_ARTIFACT_ROWS = 200_000

    def __init__(
        self,
        columns: Sequence[ColumnKey] | None = None,
        data: Any = None,
        rows: Any = None,
        dataframe: Any = None,
        dtype: Any = None,
        optional: bool | Sequence[bool] = True,  # noqa: FBT001, FBT002
        allow_mixed_types: bool = False,  # noqa: FBT001, FBT002
        log_mode: str | None = "IMMUTABLE",
    ) -> None:
        self.log_mode = check_log_mode(log_mode)
        self.logging = TableLogging()
        self.data: list[list[Any]] = []
        frame = dataframe if dataframe is not None else data if is_frame(data) else None
        default = ["Input", "Output", "Expected"] if columns is None else columns
        self.columns = check_columns(default if frame is None else frame_columns(frame))
        dtypes = self._each(ct.ANY if allow_mixed_types else dtype, list)
        are_optional = self._each(optional, (list, tuple))
        self._types: list[ct.ColumnType] = []
        self._settled: list[set[type]] = []
        for one, is_optional in zip(dtypes, are_optional, strict=True):
            kind = type_from(one)
            self._add_type(ct.optional(kind) if is_optional else kind)
        for row in self._given_rows(frame, data, rows):
            self.add_data(*row)
        self.logging.is_changed = False

    def _each(self, value: Any, lists: Any) -> list[Any]:
        if not isinstance(value, lists):
            return [value] * len(self.columns)
        if len(value) != len(self.columns):
            raise ValueError(f"{len(self.columns)} columns need as many types and options, not {len(value)}")
        return list(value)

    @staticmethod
    def _given_rows(frame: Any, data: Any, rows: Any) -> Iterator[Any]:
        if frame is not None:
            return iter_frame(frame)
        given = data if data is not None else rows
        return iter(()) if given is None else iter_rows(given)

    def __repr__(self) -> str:
        return f"<Table {len(self.data):,} rows, columns {shown(', '.join(map(str, self.columns)))}>"

    # --- rows ------------------------------------------------------------------------------------------

    def add_data(self, *data: Any) -> None:
        """Add one row. ValueError for another count of cells, TypeError for a cell of a wrong type; then nothing."""
        if len(data) != len(self.columns):
            raise ValueError(f"this table has {len(self.columns)} columns, and the row {len(data)} cells")
        grown = {
            number: self._grown(number, value)
            for number, value in enumerate(data)
            if type(value) not in self._settled[number] or value != value  # noqa: PLR0124 - NaN is no number here
        }
        for number, kind in grown.items():
            self._set_type(number, kind, data[number])
        self.data.append([self._keyed(number, value) for number, value in enumerate(data)])
        self.logging.is_changed = True

    def add_row(self, *row: Any) -> None:
        """Add one row, under W&B's old name."""
        self.add_data(*row)

    def _grown(self, number: int, value: Any) -> ct.ColumnType:
        kind = self._types[number]
        if isinstance(value, ct.TableIndex | ct.TableKey) and not _is_key(kind):
            return self._checked_cast(number, ct.type_of(value))
        grown = ct.assign(kind, value)
        if grown is None:
            raise TypeError(
                f"column {shown(str(self.columns[number]))} holds {describe_type(kind)}, "
                f"and this cell is {describe_type(ct.type_of(value))}: {shown(repr(value))}"
            )
        return grown

    def _set_type(self, number: int, kind: ct.ColumnType, value: Any) -> None:
        if kind != self._types[number]:
            self._types[number] = kind
            self._settled[number] = set()
        elif type(value) in _SETTLING and _is_open(kind) and value == value:  # noqa: PLR0124
            self._settled[number].add(type(value))

    def _add_type(self, kind: ct.ColumnType) -> None:
        self._types.append(kind)
        self._settled.append(set())

    def _keyed(self, number: int, value: Any) -> Any:
        """Cells of key columns know the table they belong to."""
        kind = self._types[number]
        if isinstance(kind, ct.ForeignIndex):
            return _index(value, kind.table)
        if isinstance(kind, ct.ForeignKey):
            return _key(value, kind.table, kind.column)
        return _key(value, self, self.columns[number]) if kind == ct.PRIMARY_KEY else value

    def iterrows(self) -> Iterator[tuple[ct.TableIndex, list[Any]]]:
        """Yield the number of each row and its cells; the number links to the row when put into another table."""
        for number, row in enumerate(self.data):
            yield _index(number, self), row

    def get_index(self) -> list[ct.TableIndex]:
        """Return the number of each row, for use in other tables."""
        return [_index(number, self) for number in range(len(self.data))]

    def index_ref(self, index: int) -> ct.TableIndex:
        """Return the number of one row, for use in other tables; IndexError when there is no such row."""
        if not 0 <= index < len(self.data):
            raise IndexError(f"this table has {len(self.data)} rows, and none with the number {index}")
        return _index(index, self)

    # --- columns ---------------------------------------------------------------------------------------

    def add_column(self, name: str, data: Any, optional: bool = False) -> None:  # noqa: FBT001, FBT002
        """Add a column: a list or array with a value for each row. An error leaves the table as it was."""
        self._refuse_incremental("add_column")
        if not isinstance(name, str):
            raise RefusedType(f"a column's name is text, not {type(name).__name__}")
        if name in map(str, self.columns):
            raise RefusedValue(f"there is a column {shown(name)} already")
        if not (isinstance(data, (list, tuple)) or ct.is_array(data)):
            raise RefusedType(f"a column is a list or an array, not {type(data).__name__}")
        if self.columns and len(data) != len(self.data):
            raise RefusedValue(f"a column has a value for each of the {len(self.data)} rows, not {len(data)}")
        kind = self._fitting(ct.optional(ct.UNKNOWN) if optional else ct.UNKNOWN, data, name)
        rows = self.data if self.columns else [[] for _ in data]
        for row, value in zip(rows, data, strict=True):
            row.append(value)
        self.data = rows
        self.columns.append(name)
        self._add_type(kind)
        self.logging.is_changed = True

    def add_computed_columns(self, fn: Callable[[int, dict[ColumnKey, Any]], Mapping[str, Any]]) -> None:
        """Add columns made by `fn(row number, row as a dict)`, which returns the new cells by column name."""
        self._refuse_incremental("add_computed_columns")
        made: dict[str, list[Any]] = {}
        for number, row in self.iterrows():
            cells = fn(number, dict(zip(self.columns, row, strict=True)))
            if not isinstance(cells, Mapping):
                raise TypeError(f"the function must return a dict, not {type(cells).__name__}")
            for name, value in cells.items():
                made.setdefault(name, []).append(value)
        for name, values in made.items():
            self.add_column(name, values)

    def get_column(self, name: ColumnKey, convert_to: str | None = None) -> Any:
        """Return a column's cells as a list, or as a NumPy array with `convert_to="numpy"` (images as pixels)."""
        if convert_to not in {None, "numpy"}:
            raise ValueError(f"convert_to must be 'numpy' or None, not {convert_to!r:.80}")
        number = self._number_of(name)
        cells = [row[number] for row in self.data]
        if convert_to is None:
            return cells
        import numpy as np

        return np.array([_as_data(cell) for cell in cells])

    def get_dataframe(self) -> Any:
        """Return the table as pandas' DataFrame. UsageError without pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            raise UsageError("pandas is needed for a dataframe", hint="pip install pandas") from error
        return pd.DataFrame.from_records(self.data, columns=self.columns)

    def cast(self, col_name: ColumnKey, dtype: Any, optional: bool = False) -> ct.ColumnType:  # noqa: FBT001, FBT002
        """Give a column another type; TypeError, and no change, when some cell does not fit it."""
        number = self._number_of(col_name)
        wanted = type_from(dtype)
        if optional and _is_key(wanted):
            raise ValueError("a column of keys cannot be optional")
        kind = self._checked_cast(number, ct.optional(wanted) if optional else wanted)
        self._types[number] = kind
        self._settled[number] = set()
        for row in self.data:
            row[number] = self._keyed(number, row[number])
        self.logging.is_changed = True
        return kind

    def _checked_cast(self, number: int, kind: ct.ColumnType) -> ct.ColumnType:
        if kind == ct.PRIMARY_KEY and any(one == kind for at, one in enumerate(self._types) if at != number):
            raise ValueError("a table has one primary key, and another column is that already")
        if isinstance(kind, ct.ForeignKey | ct.ForeignIndex) and kind.table is self:
            raise ValueError("a table cannot hold keys of itself")
        if _is_key(self._types[number]) and not _is_key(kind):
            raise ValueError("a column of keys cannot become anything else")
        return self._fitting(kind, [row[number] for row in self.data], str(self.columns[number]))

    @staticmethod
    def _fitting(kind: ct.ColumnType, cells: Any, name: str) -> ct.ColumnType:
        for value in cells:
            grown = ct.assign(kind, value)
            if grown is None:
                raise TypeError(
                    f"column {shown(name)} holds {shown(repr(value))}, which is not {describe_type(kind)}"
                )
            kind = grown
        return kind

    def set_pk(self, col_name: ColumnKey) -> None:
        """Make a column of text the primary key."""
        self.cast(col_name, ct.PRIMARY_KEY)

    def set_fk(self, col_name: ColumnKey, table: "Table", table_col: ColumnKey) -> None:
        """Say that a column of text holds keys of another table's column."""
        if not isinstance(table, Table):
            raise TypeError(f"keys belong to a Table, not to {type(table).__name__}")
        if table_col not in table.columns:
            raise ValueError(f"the other table has no column {shown(str(table_col))}")
        self.cast(col_name, ct.ForeignKey(table, table_col))

    def _number_of(self, name: ColumnKey) -> int:
        if name not in self.columns:
            raise RefusedValue(f"there is no column {shown(str(name))}")
        return self.columns.index(name)

    def _refuse_incremental(self, what: str) -> None:
        if self.log_mode == "INCREMENTAL":
            raise UsageError(
                f"{what} does not work for a table with log_mode='INCREMENTAL'",
                hint="use MUTABLE or IMMUTABLE",
            )

    # --- kept and read back ----------------------------------------------------------------------------

    def column_types(self) -> dict[str, ct.ColumnType]:
        """Return the type of each column, by name."""
        return {str(name): kind for name, kind in zip(self.columns, self._types, strict=True)}

    def column_type(self) -> ct.ColumnType:
        """Return the type of a row."""
        return ct.TypedDict(self.column_types())

    def to_run(self, files: MediaFiles) -> Record:
        """Keep the first 10,000 rows as a file to look at; media in it are only named."""
        return table_in_run(self, files)

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Keep what the cells hold as files, and return up to 200,000 rows; more are left out with a warning."""
        return table_in_artifact(self, files)

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the table, with all media in its cells."""
        read = read_table(record, entries)
        table = cls(columns=read.columns, dtype=[*read.types], optional=False, log_mode=read.log_mode)
        table.data = read.rows
        for number, kind in enumerate(read.types):
            if _is_key(kind):
                for row in table.data:
                    row[number] = table._keyed(number, row[number])
        return table

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Table):
            return NotImplemented
        from localart.media.table_json import same_tables

        return same_tables(self, other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _repr_html_(self) -> str:
        from localart.media.notebook import table_html

        return table_html(self.columns, self.data, len(self.data))


def describe_type(kind: ct.ColumnType) -> str:
    """A type in words, for messages."""
    match kind:
        case ct.Plain(name):
            return {"none": "nothing", "unknown": "anything"}.get(name, name)
        case ct.PythonObject(class_name):
            return class_name
        case ct.Union(members):
            return " or ".join(describe_type(one) for one in members)
        case ct.ListOf(element):
            return f"a list of {describe_type(element)}"
        case ct.NDArray(shape):
            return f"an array of shape {shape}"
        case ct.TypedDict(fields):
            return f"a dict with {shown(', '.join(fields))}"
        case _:
            return type(kind).__name__


def _is_key(kind: ct.ColumnType) -> bool:
    return kind == ct.PRIMARY_KEY or isinstance(kind, ct.ForeignKey | ct.ForeignIndex)


def _is_open(kind: ct.ColumnType) -> bool:
    """Whether one value of a class fitting means that every value of the class does."""
    members = kind.members if isinstance(kind, ct.Union) else (kind,)
    return all(isinstance(one, ct.Plain | ct.PythonObject) and not _is_key(one) for one in members)


def _index(value: int, table: Any) -> ct.TableIndex:
    index = ct.TableIndex(value)
    index.table = table
    return index


def _key(value: Any, table: Any, column: ColumnKey) -> ct.TableKey:
    key = ct.TableKey(value)
    key.table, key.column = table, column
    return key


def _as_data(cell: Any) -> Any:
    return cell.to_data_array() if hasattr(cell, "to_data_array") else cell
