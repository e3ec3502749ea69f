"""Tables made of other tables: two that are joined, and one in parts."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from localart.errors import InvalidMetadata, UsageError
from localart.media.base import ArtifactFiles, EntryReader, Media, MediaFiles, Record
from localart.media.records import path_in
from localart.model import JsonObject
from localart.names import check_entry_path, shown

_TABLE_ENDING = ".table.json"


class JoinedTable(Media):
    """Two tables and the column (or pair of columns) by which they belong together; nothing is computed.

    A table is a Table, a PartitionedTable, or the path of one in the same artifact (`….table.json`). Raises
    ValueError for anything else (W&B's rule).
    """

    kind = "joined-table"

    def __init__(self, table1: Any, table2: Any, join_key: str | list[str]) -> None:
        is_pair = isinstance(join_key, (list, tuple)) and len(join_key) == 2
        if not isinstance(join_key, str) and not (is_pair and all(isinstance(one, str) for one in join_key)):
            raise ValueError("join_key must be the name of a column, or a list of two names")
        self.table1 = _checked_table(table1)
        self.table2 = _checked_table(table2)
        self.join_key = join_key if isinstance(join_key, str) else list(join_key)

    def to_run(self, files: MediaFiles) -> Record:
        """Refuse: a joined table lives in an artifact; logging it makes one."""
        del files
        raise UsageError(
            "A JoinedTable is kept in an artifact", hint="run.log({…}) or artifact.add makes one"
        )

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Keep both tables; the record names them."""
        first, second = (
            one if isinstance(one, str) else files.add(one, "media/tables").path
            for one in (self.table1, self.table2)
        )
        return {"_type": self.kind, "table1": first, "table2": second, "join_key": self.join_key}

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read both tables; one that is not there stays a path, as in W&B."""
        try:
            return cls(
                _table_at(record, "table1", entries),
                _table_at(record, "table2", entries),
                record.get("join_key", 0),
            )
        except ValueError as error:
            raise InvalidMetadata(f"A joined table's record cannot be right: {error}") from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JoinedTable):
            return NotImplemented
        return (self.join_key, self.table1, self.table2) == (other.join_key, other.table1, other.table2)

    __hash__ = None  # type: ignore[assignment]  # its tables change


def _checked_table(table: Any) -> Any:
    if isinstance(table, Media) and table.kind in {"table", "partitioned-table"}:
        return table
    path = getattr(table, "path", table)  # an entry of an artifact knows its path
    if isinstance(path, str) and path.endswith(_TABLE_ENDING):
        return check_entry_path(path)
    raise ValueError(f"a joined table needs a Table, or the path of one that ends in {_TABLE_ENDING!r}")


def _table_at(record: JsonObject, key: str, entries: EntryReader) -> Any:
    from localart.media.attach import load

    path = path_in(record, key)
    return load(entries, path) or path


class PartitionedTable(Media):
    """The tables below one folder of an artifact, read as one. Log the parts with `artifact.add` first."""

    kind = "partitioned-table"

    def __init__(self, parts_path: str) -> None:
        self.parts_path = check_entry_path(parts_path)
        self._parts: Mapping[str, Media] = {}

    def to_run(self, files: MediaFiles) -> Record:
        """Refuse: a partitioned table lives in an artifact."""
        del files
        raise UsageError("A PartitionedTable is kept in an artifact", hint="add it with artifact.add")

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Return the folder of the parts."""
        del files
        return {"_type": self.kind, "parts_path": self.parts_path}

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read all parts."""
        from localart.media.attach import load

        table = cls(path_in(record, "parts_path"))
        below = f"{table.parts_path}/"
        found = {
            path: load(entries, path)
            for path in sorted(entries.paths())
            if path.startswith(below) and path.endswith(_TABLE_ENDING)
        }
        table._parts = {path: part for path, part in found.items() if part is not None}
        return table

    def iterrows(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield a running number and the cells of each row, part by part in the order of their paths."""
        number = 0
        columns: Any = None
        for path, part in self._parts.items():
            assert part.kind == "table"
            columns = part.columns if columns is None else columns  # type: ignore[attr-defined]
            if part.columns != columns:  # type: ignore[attr-defined]
                raise ValueError(f"the part {shown(path)} has other columns than the first one")
            for row in part.data:  # type: ignore[attr-defined]
                yield number, row
                number += 1

    def __eq__(self, other: object) -> bool:
        return self.parts_path == other.parts_path if isinstance(other, PartitionedTable) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.parts_path)
