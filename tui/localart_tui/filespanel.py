"""The files of a version: a tree of any size, and beside or below it what the file under the cursor holds."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from textual.containers import Container

from localart.errors import LocalartError, UsageError
from localart_tui.data.contents import preview_file
from localart_tui.data.files import FileRow, FileTree, FolderRow, find_files, list_folders, sum_folders
from localart_tui.filtering import parse_filter
from localart_tui.page import Copy, Page
from localart_tui.pager import page_file
from localart_tui.preview import WIDE
from localart_tui.previews.pane import FilePreview
from localart_tui.reading import page_work
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import clean, count_text, size_text
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of, notify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from localart.model import VersionRecord
    from localart_tui.data.store import Store

_FIELDS = frozenset({"size", "digest"})
_COLUMNS = (
    Column(key="name", title="Name", least=16, most=400, grow=2),
    Column(key="files", title="Files", least=7, right=True, priority=2, tone=Tone.DIM),
    Column(key="size", title="Size", least=9, right=True),
    Column(key="digest", title="Digest", least=10, most=10, priority=3, tone=Tone.FAINT),
)
_LEAST_ROWS_FOR_TWO = 18


class FilesPanel(Container):
    """The tree of one version at a time."""

    DEFAULT_CSS = """
    FilesPanel { layout: vertical; height: 1fr; }
    FilesPanel.-wide { layout: horizontal; }
    FilesPanel > VirtualTable { height: 1fr; width: 1fr; }
    FilesPanel > FilePreview { width: 1fr; height: 1fr; border-top: hkey $panel; padding: 0 1; display: none; }
    FilesPanel.-wide > FilePreview { border-top: none; border-left: vkey $panel; }
    FilesPanel > FilePreview.-shown { display: block; }
    FilesPanel > FilePreview:focus { border-top: hkey $primary; }
    FilesPanel.-wide > FilePreview:focus { border-left: vkey $primary; border-top: none; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._version: VersionRecord | None = None
        self._tree: FileTree | None = None
        self._shows_tree = True

    def compose(self) -> ComposeResult:
        """The tree and the preview."""
        yield VirtualTable(_COLUMNS, self._cells, id="tree")
        yield FilePreview()

    @property
    def table(self) -> VirtualTable:
        """The tree."""
        return self.query_one(VirtualTable)

    @property
    def _page(self) -> Page[object]:
        return self.screen  # type: ignore[return-value]

    @property
    def _store(self) -> Store:
        return self._page.store

    # --- what is shown -----------------------------------------------------------------------------------------

    def show_version(self, version: VersionRecord, *, filter_text: str = "", cursor: str = "") -> None:
        """Show the files of a version, those that meet the filter as a flat list."""
        if self._version is None or self._version.id != version.id:
            self._tree = None
        self._version = version
        self.on_resize()
        self._read(version, filter_text, cursor)

    @page_work("files")
    async def _read(self, version: VersionRecord, filter_text: str, cursor: str) -> None:
        page = self._page
        try:
            if filter_text.strip():
                await self._show_found(version, filter_text)
            else:
                await self._show_tree(version, cursor)
        except UsageError as error:
            page.say((str(error), Tone.WARN))
        except (LocalartError, sqlite3.Error, OSError) as error:
            page.fail(error)

    async def _show_found(self, version: VersionRecord, filter_text: str) -> None:
        chosen = parse_filter(filter_text, _FIELDS)
        rows = await self._store.read(lambda db: find_files(db, version.manifest_id, chosen))
        self._shows_tree = False
        source = ListSource(rows, lambda row: row.line.path)
        self.table.set_rows(source)
        self._page.say(
            f"{len(rows):,} of {count_text(version.file_count, 'file')}", tally=f"{len(rows):,} found"
        )

    async def _show_tree(self, version: VersionRecord, cursor: str) -> None:
        tree = self._tree
        if tree is None:
            lines = await self._store.read(lambda db: list_folders(db, version.manifest_id))
            tree = self._tree = FileTree(self._store, lines)
            await self._unfold(tree, ["", *tree.first_folders(_folders_above(cursor))])
        self._shows_tree = True
        self.table.set_rows(tree, cursor=cursor)
        self._say_tree(version)
        tree.set_totals(await self._store.read(lambda db: sum_folders(db, version.manifest_id)))
        self.table.refresh()

    def _say_tree(self, version: VersionRecord) -> None:
        self._page.say(
            f"{count_text(version.file_count, 'file')} · {size_text(version.size_bytes)}", tally=version.type
        )

    async def _unfold(self, tree: FileTree, paths: list[str]) -> None:
        prepared = await self._store.read(lambda db: tree.prepare(db, paths))
        tree.unfold(paths, prepared)

    def _cells(self, row: FolderRow | FileRow) -> Sequence[Cell]:
        glyphs = glyphs_of(self)
        if isinstance(row, FolderRow):
            sign = glyphs.folder_open if row.is_open else glyphs.folder_closed
            name: Cell = [("  " * row.depth + f"{sign} ", Tone.DIM), (f"{clean(row.name)}/", Tone.TYPE)]
            if row.total is None:
                return name, "", "", ""
            return name, f"{row.total.file_count:,}", (size_text(row.total.size_bytes), Tone.DIM), ""
        indent = "" if not self._shows_tree else "  " * (row.depth + 1)
        text = clean(row.name if self._shows_tree else row.line.path)
        parts = [(indent, Tone.TEXT), (text, Tone.TEXT)]
        if row.line.uri:
            parts.append((f" {glyphs.reference} {clean(row.line.uri, 200)}", Tone.FAINT))
        return parts, "", size_text(row.line.size_bytes), row.line.digest.hex()[:10]

    # --- keys ----------------------------------------------------------------------------------------------------

    def on_virtual_table_opened(self, event: VirtualTable.Opened) -> None:
        """A folder opens or closes; into a file's preview, to read it."""
        event.stop()
        row, preview = self.table.cursor_row, self.query_one(FilePreview)
        if isinstance(row, FolderRow) and self._tree is not None:
            self._toggle(self._tree, row)
        elif preview.has_class("-shown"):
            preview.focus()

    def leave_preview(self) -> bool:
        """Back from the preview to the tree; False when one was not in it."""
        inside = self.query_one(FilePreview).has_focus
        if inside:
            self.table.focus()
        return inside

    @page_work("files")
    async def _toggle(self, tree: FileTree, row: FolderRow) -> None:
        if row.is_open:
            tree.fold(row.path)
        else:
            try:
                await self._unfold(tree, [row.path])
            except (LocalartError, sqlite3.Error, OSError) as error:
                self._page.fail(error)
                return
        self.table.set_rows(tree, cursor=f"{row.path}/")

    def open_in_pager(self) -> None:
        """Show the whole file in the user's pager."""
        row = self.table.cursor_row
        if isinstance(row, FileRow):
            page_file(self._page.localart, self._store, row.line)
        else:
            notify(self.app, "the pager reads files: choose one")

    def fold_all(self) -> None:
        """Close every folder."""
        if self._tree is not None and self._shows_tree:
            self._tree.fold_all()
            self.table.set_rows(self._tree)

    def copies(self) -> list[Copy]:
        """The path and digest of the row."""
        row = self.table.cursor_row
        if isinstance(row, FileRow):
            return [Copy("p", "path", row.line.path), Copy("x", "digest of the file", row.line.digest.hex())]
        return [Copy("p", "path", f"{row.path}/")] if isinstance(row, FolderRow) else []

    # --- preview -------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Beside the tree when there is room, else below it, else not at all."""
        wide = self.size.width >= WIDE
        fits = wide or self.size.height >= _LEAST_ROWS_FOR_TWO
        self.set_class(wide, "-wide")
        preview = self.query_one(FilePreview)
        was_shown = preview.has_class("-shown")
        preview.set_class(self._page.localart.shows_preview and fits, "-shown")
        if preview.has_class("-shown") != was_shown:
            self._preview_row()

    def on_virtual_table_moved(self, event: VirtualTable.Moved) -> None:
        """Tell about the file when the cursor rests on it."""
        event.stop()
        self._preview_row()

    def _preview_row(self) -> None:
        row, preview, store = self.table.cursor_row, self.query_one(FilePreview), self._store
        if isinstance(row, FileRow) and preview.has_class("-shown"):
            preview.load(lambda: preview_file(store, row.line))
        else:
            preview.show(None)


def _folders_above(path: str) -> list[str]:
    """`a/b/c.txt` → `a`, `a/b`."""
    parts = path.rstrip("/").split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
