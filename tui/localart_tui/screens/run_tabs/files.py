"""The files of a run and the media it logged: a list, and beside or below it what the row under the cursor holds."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.containers import Container

from localart.errors import LocalartError, UsageError
from localart_tui.data.contents import preview_blob
from localart_tui.data.run_page import LOG, RunFacts, RunFiles, read_files
from localart_tui.filtering import Facts, parse_filter, tester
from localart_tui.page import Copy, Page
from localart_tui.preview import WIDE
from localart_tui.previews.pane import FilePreview
from localart_tui.reading import page_work
from localart_tui.screens.run_tabs.log import LogPreview, preview_log
from localart_tui.screens.run_tabs.media import MediaPane
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import ago, clean, count_text, size_text
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult

    from localart.catalog.run_browsing import RunFileLine
    from localart_tui.data.store import Store
    from localart_tui.filtering import Filter
    from localart_tui.previews.record import Preview

_FIELDS = frozenset({"size", "kind", "updated"})
_COLUMNS = (
    Column(key="name", title="Name", least=20, most=400, grow=2),
    Column(key="kind", title="", least=5, most=14, priority=2, tone=Tone.TYPE),
    Column(key="size", title="Size", least=9, right=True, priority=1),
    Column(key="updated", title="Kept", least=9, most=10, right=True, priority=3, tone=Tone.DIM),
)
_LEAST_ROWS_FOR_TWO = 18
_KINDS = {"images/separated": "images", "image-file": "image", "table-file": "table"}


@dataclass(frozen=True, slots=True)
class MediaRow:
    """A name under which media were logged."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class FolderRow:
    """The files below a folder, together."""

    path: str
    count: int
    size_bytes: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file; `line` is None for a log that is still being printed."""

    path: str
    size_bytes: int
    line: RunFileLine | None = None
    is_inside: bool = False


Row = MediaRow | FolderRow | FileRow


class RunFilesPanel(Container):
    """Media first, then files; folders are closed until one opens them."""

    DEFAULT_CSS = """
    RunFilesPanel { layout: vertical; height: 1fr; }
    RunFilesPanel.-wide { layout: horizontal; }
    RunFilesPanel > VirtualTable { height: 1fr; width: 1fr; }
    RunFilesPanel.-wide > VirtualTable { width: 2fr; }
    RunFilesPanel > #beside { width: 1fr; height: 2fr; border-top: hkey $panel; padding: 0 1; display: none; }
    RunFilesPanel.-wide > #beside { border-top: none; border-left: vkey $panel; width: 3fr; height: 1fr; }
    RunFilesPanel.-two > #beside { display: block; }
    RunFilesPanel.-inside > VirtualTable { display: none; }
    RunFilesPanel.-inside > #beside { display: block; border: none; width: 1fr; height: 1fr; }
    RunFilesPanel #beside > * { display: none; }
    RunFilesPanel #beside > .-chosen { display: block; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._facts: RunFacts | None = None
        self._files: RunFiles | None = None
        self._open: set[str] = set()
        self._previewed: Row | None = None

    def compose(self) -> ComposeResult:
        """The list, and what the row holds."""
        yield VirtualTable(_COLUMNS, self._fields, id="run-files")
        with Container(id="beside"):
            yield LogPreview(id="log")
            yield FilePreview(id="file")
            yield MediaPane()

    @property
    def table(self) -> VirtualTable:
        """The list."""
        return self.query_one("#run-files", VirtualTable)

    @property
    def _page(self) -> Page[object]:
        return self.screen  # type: ignore[return-value]

    @property
    def _store(self) -> Store:
        return self._page.store

    # --- what is shown -------------------------------------------------------------------------------------

    def show(self, facts: RunFacts, filter_text: str, *, cursor: str = "") -> None:
        """Show the files of a run that meet the filter; the same run again moves nothing."""
        self._facts = facts
        self.on_resize()
        self._read(facts, filter_text, cursor)

    @page_work("files")
    async def _read(self, facts: RunFacts, filter_text: str, cursor: str) -> None:
        page, store = self._page, self._store
        try:
            chosen = parse_filter(filter_text, _FIELDS)
            files = await store.read(lambda _: read_files(store, facts.run))
        except UsageError as error:
            page.say((str(error), Tone.WARN))
            return
        except (LocalartError, sqlite3.Error, OSError) as error:
            page.fail(error)
            return
        self._files = files
        rows = self._rows(facts, files, chosen)
        self._set_rows(rows, cursor)
        total = sum(line.blob.size_bytes for line in files.lines)
        words = f"{count_text(len(files.lines), 'file')} · {size_text(total)}"
        if not rows:
            words = "no file meets the filter" if chosen else "this run kept no files"
        page.say(words, tally=facts.run.job_type or "")
        self._preview_row(again=True)

    def _set_rows(self, rows: list[Row], cursor: str) -> None:
        source = ListSource(rows, _row_id)
        before = self.table.source
        if (
            not cursor
            and isinstance(before, ListSource)
            and list(map(_row_id, before.rows)) == list(map(_row_id, rows))
        ):
            self.table.renew(source)
        else:
            self.table.set_rows(source, cursor=cursor)

    def _rows(self, facts: RunFacts, files: RunFiles, chosen: Filter) -> list[Row]:
        media: list[Row] = [MediaRow(name, _KINDS.get(kind, kind)) for name, kind in facts.media]
        found = {line.path: FileRow(line.path, line.blob.size_bytes, line) for line in files.lines}
        if files.log is not None:
            found[LOG] = FileRow(LOG, _size(files))
        if chosen:
            meets = tester(chosen)
            return [row for row in (*media, *found.values()) if meets(_row_facts(row))]
        return [*media, *self._tree(found.values())]

    def _tree(self, files: Iterable[FileRow]) -> list[Row]:
        folders: dict[str, list[FileRow]] = {}
        for file in files:
            folders.setdefault(file.path.partition("/")[0] if "/" in file.path else "", []).append(file)
        rows: list[Row] = [*sorted(folders.pop("", []), key=lambda row: (row.path != LOG, row.path))]
        for name, inside in sorted(folders.items()):
            is_open = name in self._open
            rows.append(FolderRow(name, len(inside), sum(row.size_bytes for row in inside), is_open))
            rows += (
                [FileRow(row.path, row.size_bytes, row.line, is_inside=True) for row in inside]
                if is_open
                else []
            )
        return rows

    def _fields(self, row: Row) -> Sequence[Cell]:
        glyphs = glyphs_of(self)
        match row:
            case MediaRow():
                return [(f"{glyphs.version} ", Tone.VERSION), (clean(row.name), Tone.TEXT)], row.kind, "", ""
            case FolderRow():
                sign = glyphs.folder_open if row.is_open else glyphs.folder_closed
                name: Cell = [(f"{sign} ", Tone.DIM), (f"{clean(row.path)}/", Tone.TYPE)]
                return name, f"{row.count:,}", (size_text(row.size_bytes), Tone.DIM), ""
        name = [("    " if row.is_inside else "  ", Tone.TEXT), (clean(row.path), Tone.TEXT)]
        when = ago(row.line.updated_at) if row.line is not None else "now"
        return name, "" if row.line is not None else "printing", size_text(row.size_bytes), when

    # --- keys --------------------------------------------------------------------------------------------------

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """A folder opens or closes; of everything else one sees more."""
        event.stop()
        row = self.table.cursor_row
        if isinstance(row, FolderRow):
            self._fold({row.path} ^ self._open)
        elif row is not None:
            self.add_class("-inside")
            self._preview_row(again=True)
            self.call_after_refresh(self._focus_inside)

    def _focus_inside(self) -> None:
        row = self.table.cursor_row
        if isinstance(row, MediaRow):
            self.query_one(MediaPane).focus_inner()
        else:
            self.query_one("#log" if _is_log(row) else "#file", FilePreview).focus()

    def leave_inside(self) -> bool:
        """Back to the list; False when one is there."""
        if not self.has_class("-inside"):
            return False
        self.remove_class("-inside")
        self.on_resize()
        self.table.focus()
        return True

    def fold_all(self) -> None:
        """Close every folder."""
        self._fold(set())

    def _fold(self, folders: set[str]) -> None:
        self._open = folders
        if self._facts is not None and self._files is not None:
            rows = self._rows(self._facts, self._files, parse_filter("", _FIELDS))
            self.table.set_rows(ListSource[Row](rows, _row_id))

    def look_at_log(self) -> None:
        """The log may be longer by now."""
        if _is_log(self.table.cursor_row):
            self._preview_row(again=True)

    @property
    def file(self) -> RunFileLine | None:
        """The kept file under the cursor."""
        row = self.table.cursor_row
        return row.line if isinstance(row, FileRow) else None

    @property
    def media(self) -> MediaPane | None:
        """The pane of media, while it shows some."""
        return self.query_one(MediaPane) if isinstance(self.table.cursor_row, MediaRow) else None

    def copies(self) -> list[Copy]:
        """The path and digest of the row."""
        row = self.table.cursor_row
        if isinstance(row, MediaRow):
            return [Copy("p", "name", row.name)]
        if isinstance(row, FileRow) and row.line is not None:
            return [Copy("p", "path", row.path), Copy("x", "digest of the file", row.line.blob.digest.hex())]
        return []

    # --- preview -------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Beside the list when there is room, else below it, else only when one goes inside."""
        wide = self.size.width >= WIDE
        fits = wide or self.size.height >= _LEAST_ROWS_FOR_TWO
        self.set_class(wide, "-wide")
        had = self.has_class("-two")
        self.set_class(self._page.localart.shows_preview and fits, "-two")
        if self.has_class("-two") and not had:
            self._preview_row(again=True)

    def on_virtual_table_moved(self, event: VirtualTable.Moved) -> None:
        """Tell about the row when the cursor rests on it."""
        event.stop()
        self._preview_row()

    def _preview_row(self, *, again: bool = False) -> None:
        row, facts = self.table.cursor_row, self._facts
        is_same = row == self._previewed
        if facts is None or not (self.has_class("-two") or self.has_class("-inside")):
            return
        if is_same and not (again and (isinstance(row, MediaRow) or (_is_log(row) and facts.is_running))):
            return
        self._previewed = row if isinstance(row, MediaRow | FileRow | FolderRow) else None
        log, file, media = (
            self.query_one(LogPreview),
            self.query_one("#file", FilePreview),
            self.query_one(MediaPane),
        )
        for pane, is_chosen in (
            (log, _is_log(row)),
            (media, isinstance(row, MediaRow)),
            (file, isinstance(row, FileRow) and not _is_log(row)),
        ):
            pane.set_class(is_chosen, "-chosen")
        store, run = self._store, facts.run
        if isinstance(row, MediaRow):
            media.show(store, run, row.name)
        elif isinstance(row, FileRow) and _is_log(row):
            log.load(lambda: preview_log(store, run.uid, row.line), at_once=is_same)
        elif isinstance(row, FileRow) and (line := row.line) is not None:
            file.load(lambda: _preview(store, line))


def _preview(store: Store, line: RunFileLine) -> Preview:
    return preview_blob(store, line.blob.digest, line.blob.size_bytes, line.path)


def _is_log(row: object) -> bool:
    return isinstance(row, FileRow) and row.path == LOG


def _size(files: RunFiles) -> int:
    try:
        return files.log.stat().st_size if files.log is not None else 0
    except OSError:
        return 0


def _row_id(row: Row) -> str:
    match row:
        case MediaRow():
            return f"media:{row.name}"
        case FolderRow():
            return f"folder:{row.path}"
    return f"file:{row.path}"


def _row_facts(row: Row) -> Facts:
    if isinstance(row, MediaRow):
        return Facts(name=row.name, text=f"{row.name} {row.kind}", values={"kind": row.kind})
    if isinstance(row, FolderRow):
        return Facts(name=row.path, text=row.path, values={"size": row.size_bytes})
    updated = row.line.updated_at if row.line is not None else None
    return Facts(name=row.path, text=row.path, values={"size": row.size_bytes, "updated": updated})
