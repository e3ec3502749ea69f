"""The files of a version as the rows of a tree. Folders are in memory, files are read where one looks."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart.catalog import folders
from localart.catalog.folders import FileLine, FolderLine, FolderTotal
from localart.errors import LocalartError
from localart_tui.filtering import Test

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from localart_tui.data.store import Store
    from localart_tui.filtering import Filter

__all__ = ["FileLine", "FileRow", "FileTree", "FolderRow", "find_files", "list_folders", "sum_folders"]

CHUNK_FILES = 128
_KEPT_CHUNKS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRow:
    """A folder of the tree; what it holds in all is None until it has been counted."""

    path: str
    depth: int
    is_open: bool
    total: FolderTotal | None

    @property
    def name(self) -> str:
        """Its last name."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file of the tree, `depth` folders deep; with its whole path when it stands alone (`depth` 0)."""

    line: FileLine
    depth: int

    @property
    def name(self) -> str:
        """Its last name."""
        return self.line.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows that lie together: one folder's head (`files` 0), or all files directly in one folder."""

    start: int
    path: str
    depth: int
    files: int


@dataclass(frozen=True, slots=True)
class _Opened:
    """What has to be known of a folder before its files can be shown."""

    line: FolderLine
    count: int
    marks: tuple[str, ...]


class FileTree:
    """Rows of the tree as it is folded now. Ids are paths; a folder's ends in `/`.

    `prepare` may run in a reading thread, everything else belongs to the thread that paints.
    """

    def __init__(self, store: Store, lines: Sequence[FolderLine]) -> None:
        self.failure: LocalartError | None = None
        self._store = store
        self._lines = {line.path: line for line in lines}
        self._children = _children(self._lines)
        self._ready: dict[str, _Opened] = {}
        self._open: set[str] = {""}
        self._totals: dict[str, FolderTotal] = {}
        self._runs: list[_Run] = []
        self._starts: list[int] = []
        self._length = 0
        self._heads: dict[str, int] = {}
        self._chunks: OrderedDict[tuple[str, int], Sequence[FileLine]] = OrderedDict()

    # --- folding ---------------------------------------------------------------------------------------------

    @property
    def open_folders(self) -> tuple[str, ...]:
        """The paths of the folders that are open, without the top."""
        return tuple(sorted(self._open - {""}))

    def is_open(self, path: str) -> bool:
        """Whether a folder is open."""
        return path in self._open

    def first_folders(self, wanted: Iterable[str]) -> list[str]:
        """The folders to open at first: those wanted, else the small ones that are alone in theirs."""
        known = [path for path in wanted if path in self._children]
        if known:
            return known
        opened, path = [], ""
        while len(self._children.get(path, ())) == 1 and path not in self._lines:
            path = self._children[path][0]
            opened.append(path)
        return opened

    def prepare(self, connection: sqlite3.Connection, paths: Iterable[str]) -> dict[str, _Opened]:
        """Count the files of these folders, for `unfold`."""
        found = {}
        for path in paths:
            line = self._lines.get(path)
            if line is not None and path not in self._ready:
                count = folders.file_count(connection, line)
                found[path] = _Opened(line, count, tuple(folders.name_marks(connection, line)))
        return found

    def unfold(self, paths: Iterable[str], prepared: Mapping[str, _Opened]) -> None:
        """Open folders that were prepared."""
        self._ready.update(prepared)
        self._open.update(paths)
        self._lay_out()

    def fold(self, path: str) -> None:
        """Close a folder."""
        self._open.discard(path)
        self._lay_out()

    def fold_all(self) -> None:
        """Close every folder."""
        self._open = {""}
        self._lay_out()

    def set_totals(self, totals: Mapping[int, FolderTotal]) -> None:
        """Say what the folders hold (by folder id, directly); here it becomes what they hold in all."""
        summed: dict[str, list[int]] = {}
        for path, line in self._lines.items():
            total = totals.get(line.id)
            if total is None:
                continue
            for above in _ancestors(path):
                figures = summed.setdefault(above, [0, 0])
                figures[0] += total.file_count
                figures[1] += total.size_bytes
        self._totals = {path: FolderTotal(*figures) for path, figures in summed.items()}

    def _lay_out(self) -> None:
        self._runs, self._heads, self._length = [], {}, 0
        waiting: list[tuple[str, int, bool]] = [("", 0, True)]
        while waiting:
            path, depth, is_head = waiting.pop()
            if is_head and path:
                self._heads[path] = self._length
                self._add(_Run(self._length, path, depth, 0), 1)
                if path not in self._open:
                    continue
            inside = depth + 1 if path else 0
            if is_head:
                waiting.append((path, inside, False))
                waiting += [(child, inside, True) for child in reversed(self._children.get(path, ()))]
            elif path in self._ready and self._ready[path].count:
                count = self._ready[path].count
                self._add(_Run(self._length, path, depth, count), count)
        self._starts = [run.start for run in self._runs]

    def _add(self, run: _Run, rows: int) -> None:
        self._runs.append(run)
        self._length += rows

    # --- rows ------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._length

    def id_at(self, index: int) -> str:
        """The path of a row; of a folder with `/` at its end. Of a file that cannot be read: its place."""
        row = self.row(index)
        if isinstance(row, FolderRow):
            return f"{row.path}/"
        return row.line.path if row is not None else f"#{index}"

    def index_of(self, row_id: str) -> int | None:
        """Where a path is, or None while its folder is closed."""
        if row_id.endswith("/"):
            return self._heads.get(row_id[:-1])
        folder, _, name = row_id.rpartition("/")
        opened = self._ready.get(folder)
        run = next((run for run in self._runs if run.path == folder and run.files), None)
        if opened is None or run is None:
            return None
        try:
            position = folders.file_position(self._store.connection(), opened.line, name, marks=opened.marks)
        except LocalartError as error:
            self.failure = error
            return None
        index = run.start + position
        return index if position < run.files and self.id_at(index) == row_id else None

    def row(self, index: int) -> FolderRow | FileRow | None:
        """The row, or None when it cannot be read."""
        run = self._runs[bisect_right(self._starts, index) - 1]
        if not run.files:
            return FolderRow(
                path=run.path,
                depth=run.depth,
                is_open=run.path in self._open,
                total=self._totals.get(run.path),
            )
        number, offset = divmod(index - run.start, CHUNK_FILES)
        chunk = self._chunk(run.path, number)
        return FileRow(line=chunk[offset], depth=run.depth) if offset < len(chunk) else None

    def _chunk(self, path: str, number: int) -> Sequence[FileLine]:
        key = (path, number)
        if key in self._chunks:
            self._chunks.move_to_end(key)
            return self._chunks[key]
        if self.failure is not None:
            return ()
        opened = self._ready[path]
        try:
            chunk = folders.file_lines(
                self._store.connection(),
                opened.line,
                first=number * CHUNK_FILES,
                limit=CHUNK_FILES,
                marks=opened.marks,
            )
        except LocalartError as error:
            self.failure = error
            return ()
        self._chunks[key] = chunk
        while len(self._chunks) > _KEPT_CHUNKS:
            self._chunks.popitem(last=False)
        return chunk


def _children(lines: Iterable[str]) -> dict[str, list[str]]:
    """By path, the folders directly below it, also those that only hold folders."""
    children: dict[str, dict[str, None]] = {}
    for path in lines:
        for below in _ancestors(path):
            children.setdefault(below, {})
            if below:
                children.setdefault(below.rpartition("/")[0], {})[below] = None
    return {path: sorted(below) for path, below in children.items()}


def _ancestors(path: str) -> list[str]:
    """`a/b` → `a/b`, `a`, and the top."""
    found = [path]
    while path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found


def list_folders(connection: sqlite3.Connection, manifest: int) -> list[FolderLine]:
    """The folders of a version, by path."""
    return folders.folder_lines(connection, manifest)


def sum_folders(connection: sqlite3.Connection, manifest: int) -> dict[int, FolderTotal]:
    """What each folder holds directly. A scan."""
    return folders.folder_totals(connection, manifest)


def find_files(connection: sqlite3.Connection, manifest: int, chosen: Filter) -> list[FileRow]:
    """The files whose path holds all words of the filter, at most 10,000; then by its other conditions."""
    from localart_tui.filtering import Facts, tester

    words = [term.text for term in chosen.terms if term.test is Test.WORD and not term.negated]
    meets = tester(chosen)
    return [
        FileRow(line=line, depth=0)
        for line in folders.find_files(connection, manifest, words)
        if meets(
            Facts(
                name=line.path, text=line.path, values={"size": line.size_bytes, "digest": line.digest.hex()}
            )
        )
    ]
